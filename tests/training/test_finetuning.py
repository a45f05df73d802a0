"""`--init`: whose networks a run begins with, what comes with them, and what does not fit."""

import shutil
from pathlib import Path

import pytest
import torch

import gantools
from gantools.api import configure
from gantools.errors import GanToolsError
from gantools.interchange import Wishes
from gantools.storage import read_tensors
from gantools.training.checkpoint import list_checkpoints, load_checkpoint, newest_checkpoint
from gantools.training.log import read_log
from gantools.weights.header import read_header, save_weights
from gantools.weights.importing import import_weights
from tests.conftest import EXAMPLES
from tests.tiny_encoders import build_bert
from tests.unit.foreign import Patches, ResNet, Star, StarJudge, drawn

PAIRS = {"a": EXAMPLES / "outline", "b": EXAMPLES / "openmoji", "device": "cpu"}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    tiny = {"size": 16, "load_size": 18, "width": 6, "d_width": 4, "d_layers": 1, "norm": "instance", "steps": 2}
    return gantools.train("pix2pix", **PAIRS, **tiny, quiet=True, out=tmp_path_factory.mktemp("runs") / "first")


def test_shipped_weights_bring_their_settings_and_flags_go_over_them():
    config = configure("pix2pix", **PAIRS, init="emoji-colour", d_width=8)
    assert (config.width, config.size, config.detail, config.d_width) == (24, 64, True, 8)
    assert config.objective == configure("pix2pix", **PAIRS).objective
    assert config.init.is_absolute()


def test_a_run_that_makes_no_step_further_is_the_run_it_began_with(first):
    """With rates of nearly 0, two steps leave the networks where they began; a plain run ends elsewhere."""
    still = {"lr_g": 1e-12, "lr_d": 1e-12, "steps": 2, "quiet": True}
    second = gantools.train("pix2pix", **PAIRS, init=first.folder, **still, out="second")
    begun, ended = read_tensors(first.weights), read_tensors(second.weights)
    assert all(torch.allclose(begun[name], ended[name], atol=1e-6) for name in begun)
    nets = [newest_checkpoint(run.folder / "checkpoints")["updates"]["nets"] for run in (first, second)]
    critics = [name for name in nets[0] if name.startswith("discriminators.")]
    assert critics
    assert all(torch.allclose(nets[0][name], nets[1][name], atol=1e-6) for name in critics)


def test_it_is_recorded_and_not_asked_for_again(first, tmp_path):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(first.weights.read_bytes())
    run = gantools.train("pix2pix", **PAIRS, init=copy, steps=1, quiet=True, out="second")
    copy.unlink()
    gantools.resume(run.folder, steps=1, quiet=True)
    origin = read_header(run.weights).extra["init"]
    assert (origin["name"], origin["step"], len(origin["sha256"])) == ("copy", 2, 64)
    assert "copy" not in str(read_header(run.weights).config)


def test_new_critics_are_told_of(first, tmp_path, capsys):
    gantools.train("pix2pix", **PAIRS, init=first.folder, steps=1, d_width=8, out="other")
    gantools.train("pix2pix", **PAIRS, init=first.folder, steps=1, out="same")
    said = capsys.readouterr().err.replace("\n", " ")
    assert "from first (step 2) with new discriminators" in said
    assert "from first (step 2) with its discriminators" in said


def test_in_a_warm_up_the_discriminators_alone_learn(first):
    warm = {"steps": 3, "warm_up": 2, "checkpoint_every": 1, "keep": 3}
    run = gantools.train("pix2pix", **PAIRS, init=first.folder, quiet=True, **warm)
    one, two, three = (
        load_checkpoint(path)["updates"]["nets"] for path in list_checkpoints(run.folder / "checkpoints")
    )
    for before, after, learned in ((one, two, {"discriminators"}), (two, three, {"discriminators", "generators"})):
        kernels = [name for name in before if before[name].dim() == 4]
        changed = {name.split(".")[0] for name in kernels if not torch.equal(before[name], after[name])}
        assert changed == learned


def test_a_log_line_that_a_warm_up_ends_in_has_the_generators_losses_of_their_own_steps(first):
    losses = []
    for every in (1, 3):
        logged = {"steps": 3, "warm_up": 2, "log_every": every, "quiet": True}
        run = gantools.train("pix2pix", **PAIRS, init=first.folder, **logged)
        losses.append(read_log(run.folder / "log.jsonl")[-1]["g/l1"])
    assert losses[0] == pytest.approx(losses[1])


@pytest.mark.parametrize(
    ("objective", "told"),
    [("lsgan", "with new g.smoothing, d"), ("ebgan", "with its discriminators and new g.smoothing")],
)
def test_a_part_that_weights_have_not_begins_anew_and_is_told_of(objective, told, capsys):
    tiny = {
        "objective": objective,
        "data": EXAMPLES,
        "select": "noto,twemoji",
        "device": "cpu",
        "size": 16,
        "width": 4,
        "blocks": 1,
    }
    run = gantools.train("stargan", **tiny, smoothing=False, steps=1, quiet=True, out="hazy")
    gantools.train("stargan", init=run.folder, **tiny, smoothing=True, steps=1, out="smooth")
    assert f"from hazy (step 1) {told}, on" in capsys.readouterr().err.replace("\n", " ")
    with pytest.raises(GanToolsError, match="generators are not built as those") as error:
        gantools.train("stargan", init="smooth", **tiny, smoothing=False, steps=1, quiet=True)
    assert "--smoothing is True there and False here" in error.value.hint


STILL = {"lr_g": 1e-12, "lr_d": 1e-12, "steps": 1, "device": "cpu", "quiet": True, "batch_size": 2}
EMOJI = {"a": EXAMPLES / "noto", "b": EXAMPLES / "fluent3d"}
TINY = {
    "cyclegan": {"size": 16, "width": 4, "blocks": 1, "d_layers": 1},
    "stargan": {"size": 16, "width": 4, "blocks": 1, "select": "twemoji,noto"},
    "text2image": {"size": 16, "width": 4, "noise": 3},
}


def data_of(task):
    if task != "text2image":
        return {"data": EXAMPLES} if task == "stargan" else EMOJI
    Path("bert").mkdir()
    Path("words").mkdir()
    build_bert(Path("bert"))
    for path in sorted((EXAMPLES / "noto").glob("*.png"))[:8]:
        shutil.copy(path, "words")
        Path("words", f"{path.stem}.txt").write_text(f"emoji {path.stem}\n")
    return {"data": "words"}


def networks_of(run):
    return newest_checkpoint(run.folder / "checkpoints")["updates"]


def alike(first, second):
    return first.keys() == second.keys() and all(torch.allclose(first[key], second[key], atol=1e-6) for key in first)


def test_another_text_encoder_than_the_weights_were_trained_with_is_named(gantools_cli):
    data = data_of("text2image")
    first = gantools.train("text2image", **data, text_encoder="bert", **STILL, **TINY["text2image"])
    Path("other").mkdir()
    build_bert(Path("other"))
    tensors = Path("other/model.safetensors")
    tensors.write_bytes(tensors.read_bytes()[:-1] + b"?")  # of the same length, and not the same
    for folder in ("other", "bert"):
        words = ["--data", "words", "--init", first.folder, "--text-encoder", folder, "--dry-run"]
        result = gantools_cli("train", "text2image", *words)
        assert result.exit_code == (folder == "other"), result.stderr
        assert ("the text encoder other has other weights than those" in result.stderr) == (folder == "other")


def test_the_critics_of_the_best_weights_are_those_of_the_nearest_checkpoint(first, tmp_path, capsys):
    """Three steps with a checkpoint at each, of which the last two are kept."""
    still = {"steps": 3, "checkpoint_every": 1, "quiet": True}
    run = gantools.train("pix2pix", **PAIRS, init=first.folder, **still, lr_d=0.01, out="run")
    checkpoints = list_checkpoints(run.folder / "checkpoints")
    slow = {"lr_g": 1e-12, "lr_d": 1e-12, "steps": 1}
    critics = [load_checkpoint(path)["updates"]["nets"] for path in checkpoints]
    for step, nearest in ((3, 3), (2, 2), (1, 2)):
        header = read_header(run.weights).model_copy(update={"step": step})
        save_weights(run.folder / "weights-best.safetensors", read_tensors(run.weights), header)
        start = run.folder / "weights-best.safetensors"
        second = gantools.train("pix2pix", **PAIRS, init=start, out=f"on-{step}", **slow)
        begun = {k: v for k, v in critics[nearest - 2].items() if k.startswith("discriminators.")}
        assert begun
        assert alike(begun, {name: networks_of(second)["nets"][name] for name in begun})
        said = capsys.readouterr().err.replace("\n", " ")
        late = " of step 2" if step == 1 else ","
        assert f"from weights-best (step {step}) with its discriminators{late}" in said
        assert read_header(second.weights).extra["init"].get("discriminators_step") == (2 if step == 1 else None)


@pytest.mark.parametrize("task", TINY)
def test_every_task_goes_on_with_networks_critics_and_averages(task):
    words = {"text_encoder": "bert"} if task == "text2image" else {}
    data = data_of(task)
    first = gantools.train(task, **data, **words, **{**STILL, **TINY[task]}, ema=0.0)
    second = gantools.train(task, **data, **STILL, init=first.folder, out="second")  # the rest comes with the weights
    begun, ended = networks_of(first), networks_of(second)
    assert alike(begun["nets"], ended["nets"])
    assert alike(begun["average"], ended["average"])
    assert read_header(second.weights).domains == read_header(first.weights).domains
    shutil.rmtree(first.folder)
    assert gantools.resume(second.folder, steps=1, quiet=True).step == 2


def test_several_processes_begin_with_the_same_networks():
    run = gantools.train("cyclegan", **EMOJI, **STILL, init="emoji-noto2fluent", devices=2, size=16, d_layers=1)
    shipped = gantools.load("emoji-noto2fluent", "cpu").networks.generators.state_dict()
    assert alike(read_tensors(run.weights), shipped)


def imported(networks, domains=""):
    Path("foreign").mkdir()
    for name, network in networks.items():
        torch.save(drawn(network).state_dict(), f"foreign/{name}")
    wishes = Wishes(domains=(domains,) if domains else (), labels=("exclusive",))
    import_weights(Path("foreign"), Path("w.safetensors"), wishes)


def test_labels_keep_their_meaning_where_folders_stand_in_another_order():
    imported({"7-G.ckpt": Star(2), "7-D.ckpt": StarJudge(2)}, "twemoji,noto")
    assert configure("stargan", data=EXAMPLES, init="w.safetensors").select == ["twemoji,noto"]
    run = gantools.train("stargan", data=EXAMPLES, init="w.safetensors", objective="lsgan", **STILL)
    begun, ended = read_tensors(Path("w.safetensors")), networks_of(run)["nets"]
    critics = {name: value for name, value in begun.items() if name.startswith("discriminators.")}
    assert critics
    assert alike(critics, {name: ended[name] for name in critics})


def test_domains_that_the_data_have_not_are_named():
    imported({"7-G.ckpt": Star(2)})
    with pytest.raises(GanToolsError, match="there is no domain `0`") as raised:
        configure("stargan", data=EXAMPLES, init="w.safetensors")
    assert "as the weights of --init have it" in raised.value.hint
    assert configure("stargan", data=EXAMPLES, init="w.safetensors", select="noto,twemoji").width == 4


def test_a_single_direction_gets_its_way_back(capsys):
    imported({"latest_net_G.pth": ResNet(), "latest_net_D.pth": Patches(layers=1)})
    run = gantools.train("cyclegan", **EMOJI, init="w.safetensors", **{**STILL, "quiet": False}, size=16)
    assert "from w (step 0) with its d_b and new g_ba, d_a" in capsys.readouterr().err.replace("\n", " ")
    assert read_header(run.weights).config["directions"] == "both"


def test_a_reference_to_a_hub_reaches_it_whole(gantools_cli, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    result = gantools_cli("train", "pix2pix", "--init", "hf://somebody/colour", "--dry-run")
    assert "somebody/colour is not in the cache" in result.stderr


@pytest.mark.parametrize(
    ("task", "settings", "message", "hint"),
    [
        ("cyclegan", {}, "are for pix2pix, not for cyclegan", "train pix2pix"),
        ("pix2pix", {"width": 8}, "not built as those of this run", "--width is 6 there and 8 here"),
        (
            "cyclegan",
            {"init": "emoji-noto2fluent", "width": 8},
            "not built as those of this run",
            "--width is 24 there and 8 here",
        ),
        ("pix2pix", {"init": "emoji-color"}, "no weights `emoji-color`", "emoji-colour"),
    ],
)
def test_what_does_not_fit_is_named(first, task, settings, message, hint):
    with pytest.raises(GanToolsError, match=message) as raised:
        gantools.train(task, **{**PAIRS, "init": first.folder, "steps": 1, "quiet": True, "out": "out", **settings})
    assert hint in raised.value.hint


def test_weights_of_a_setting_that_is_no_more_are_told_from_weights_of_other_data(first):
    header, tensors = read_header(first.weights), read_tensors(first.weights)
    header.config["conditional_norm"] = True
    save_weights(Path("old.safetensors"), {f"g.old.{name}": value for name, value in tensors.items()}, header)
    with pytest.raises(GanToolsError, match="not built as those of this run") as raised:
        gantools.train("pix2pix", **PAIRS, init="old.safetensors", steps=1, quiet=True, out="out")
    assert raised.value.hint.startswith("it was made with --conditional-norm, which this version")
    with pytest.raises(GanToolsError, match="unknown option --conditional-norm"):
        gantools.load("old.safetensors", "cpu")
