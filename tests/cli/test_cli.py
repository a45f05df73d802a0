"""The command line as a user types it."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from filelock import FileLock
from PIL import Image
from typer.testing import CliRunner

from gantools.cli.app import app
from gantools.training.log import read_log
from tests.conftest import EXAMPLES

SMALL = "--size 32 --width 4 --blocks 1 --d-layers 2 --batch-size 2 --steps 2 --device cpu"


def gantools(command: str):
    return CliRunner().invoke(app, shlex.split(command))


def train(more: str = ""):
    return gantools(f"train cyclegan --a {EXAMPLES}/noto --b {EXAMPLES}/fluent3d {SMALL} {more}")


def test_train_then_translate_then_resume() -> None:
    result = train("--sample-every 1 --checkpoint-every 1")
    assert result.exit_code == 0, result.stderr
    assert "gantools translate PICTURE --weights runs/cyclegan/1" in result.stderr
    run = Path("runs/cyclegan/1")
    names = ["command.txt", "config.yaml", "curves.png", "log.jsonl", "samples/step-000002.png", "weights.safetensors"]
    assert all((run / name).is_file() for name in names)
    rows = read_log(run / "log.jsonl")
    assert {"step", "seconds", "images_per_second", "d/adv_a", "g/cycle_b", "d/accuracy"} <= rows[-1].keys()

    Image.new("RGB", (37, 53), "teal").save("photo.png")
    result = gantools("translate photo.png")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == "translated/photo.png"
    assert "using runs/cyclegan/1" in result.stderr
    with Image.open("translated/photo.png") as image:
        assert image.size == (37, 53)

    result = gantools("resume runs/cyclegan/1")
    assert result.exit_code == 1
    assert "is finished" in result.stderr
    assert gantools("resume runs/cyclegan/1 --steps 1 --threads 1").exit_code == 0
    assert yaml.safe_load((run / "config.yaml").read_text())["threads"] == 1
    assert read_log(run / "log.jsonl")[-1]["step"] == 3

    newest = json.loads(gantools("weights list --json").stdout)[0]
    assert [newest[key] for key in ("name", "task", "step", "size")] == ["runs/cyclegan/1", "cyclegan", 3, 32]
    shown = json.loads(gantools("weights show runs/cyclegan/1 --json").stdout)
    assert shown["data"]["domains"] == ["noto", "fluent3d"]
    assert str(EXAMPLES) not in json.dumps(shown)  # nobody's folders travel with the weights


@pytest.mark.parametrize(
    "objective", ["--objective wgan-gp", "--objective hinge --spectral-norm", "--objective nonsaturating --penalty r1"]
)
def test_objectives_train(objective: str) -> None:
    result = train(f"{objective} --quiet")
    assert result.exit_code == 0, result.stderr
    assert (result.stdout, result.stderr) == ("runs/cyclegan/1\n", "")  # quiet
    assert read_log(Path("runs/cyclegan/1/log.jsonl"))[-1]["step"] == 2


def test_pix2pix_trains_on_side_by_side_pictures_in_either_direction() -> None:
    Path("ab/train").mkdir(parents=True)
    for path in sorted((EXAMPLES / "outline").glob("*.png"))[:6]:
        pair = Image.new("RGB", (128, 64))
        for left, folder in ((0, "outline"), (64, "openmoji")):
            with Image.open(EXAMPLES / folder / path.name) as image:
                pair.paste(image.convert("RGB"), (left, 0))
        pair.save(Path("ab/train", path.name))
    small = "--size 16 --width 2 --critic pixel --batch-size 2 --steps 1 --device cpu"
    for more in ("--direction b2a", "--objective hinge --spectral-norm --norm instance --generator resnet --blocks 1"):
        result = gantools(f"train pix2pix --data ab {small} {more}")
        assert result.exit_code == 0, result.stderr
    result = gantools(f"translate {EXAMPLES}/test/openmoji --weights runs/pix2pix/1 -o out")
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) == len(list((EXAMPLES / "test/openmoji").iterdir()))


def test_a_size_that_the_generator_has_to_pad() -> None:
    assert train("--size 30 --quiet").exit_code == 0


def test_a_run_that_breaks_down_says_how_to_go_on() -> None:
    broken = "--lr-g 1e30 --steps 9 --log-every 3 -o run --quiet"
    result = train(broken)
    assert (result.exit_code, "train again with --lr-g and --lr-d below 1e+30" in result.stderr) == (1, True)
    assert train("-o run --checkpoint-every 1 --quiet").exit_code == 0  # the folder of a run without a checkpoint
    assert train("-o run").exit_code == 1

    result = gantools("resume run --steps 9 --lr-g 1e30 --quiet")
    assert (result.exit_code, "gantools resume run with --lr-g" in result.stderr) == (1, True)
    assert gantools("resume run --steps 1 --lr-g 1e-5 --quiet").exit_code == 0
    assert yaml.safe_load(Path("run/config.yaml").read_text())["lr_g"] == 1e-5


def test_a_damaged_checkpoint_gives_way_to_the_one_before() -> None:
    train("-o run --checkpoint-every 1 --quiet")
    newest = Path("run/checkpoints/step-000002.safetensors")
    newest.write_bytes(newest.read_bytes()[:-100])
    assert gantools("resume run").exit_code == 0
    assert [row["step"] for row in read_log(Path("run/log.jsonl"))] == [1, 2]


def test_a_run_can_be_moved_and_its_settings_used_again(monkeypatch) -> None:
    shutil.copytree(EXAMPLES / "noto", "na to")
    result = gantools(f"train cyclegan --a 'na to' --b {EXAMPLES}/fluent3d {SMALL} -o 'my run'")
    assert "gantools resume 'my run' --steps 1000" in result.stderr
    Path("elsewhere").mkdir()
    shutil.move("my run", "elsewhere/run")
    monkeypatch.chdir("elsewhere")
    assert gantools("resume run --steps 1 --quiet").exit_code == 0
    assert gantools("train cyclegan --config run/config.yaml --quiet").exit_code == 0
    assert Path("runs/cyclegan/1/weights.safetensors").is_file()
    shutil.move("../na to", "moved")
    assert "does not exist" in gantools("resume run --steps 1").stderr
    assert gantools("resume run --steps 1 --a moved --quiet").exit_code == 0


def test_one_folder_is_for_one_process() -> None:
    train("-o run --quiet")
    with FileLock("run/.lock"):
        result = gantools("resume run --steps 1")
    assert (result.exit_code, "run is in use by another process" in result.stderr) == (1, True)


def test_who_is_refused_changes_nothing() -> None:
    train("-o run --quiet")
    before = {name: Path("run", name).read_bytes() for name in ("config.yaml", "command.txt")}
    with FileLock("run/.lock"):
        assert gantools("resume run --steps 1 --lr-g 1e-5").exit_code == 1
        shutil.rmtree("run/checkpoints")  # as in the first minutes of a run
        result = train("-o run --seed 1")
    assert (result.exit_code, "run is in use by another process" in result.stderr) == (1, True)
    assert {name: Path("run", name).read_bytes() for name in before} == before


def test_changes_that_cannot_be_are_not_kept() -> None:
    train("-o run --quiet")
    before = Path("run/config.yaml").read_bytes()
    assert gantools("resume run --steps 1 --a nowhere").exit_code == 1
    assert gantools("resume run --lr-g 1e-5").exit_code == 1  # is finished
    assert Path("run/config.yaml").read_bytes() == before


def test_settings_of_another_version_are_named_with_their_file() -> None:
    train("-o run --quiet")
    with Path("run/config.yaml").open("a") as file:
        file.write("colour_of_hats: 1\ncycel: 3\n")
    result = gantools("resume run --steps 1")
    assert result.exit_code == 1
    assert "run/config.yaml has settings that this version does not know: colour_of_hats, cycel" in result.stderr
    assert "take it out; cycel: did you mean `cycle`?" in result.stderr


def test_a_copy_beside_the_checkpoints_is_in_nobodys_way() -> None:
    train("-o run --quiet")
    for name in ("step-000002 (copy)", "step-000002.old", "step-2"):
        shutil.copy("run/checkpoints/step-000002.safetensors", f"run/checkpoints/{name}.safetensors")
    assert gantools("resume run --steps 1 --quiet").exit_code == 0


def test_a_folder_of_a_run_killed_before_it_began_is_used_again() -> None:
    Path("run").mkdir()
    for name in (".lock", "command.txt"):
        Path("run", name).write_text("")
    train("-o run --quiet")
    assert Path("run/weights.safetensors").is_file()


def test_some_bad_pictures_do_not_stop_the_rest() -> None:
    train("--quiet")
    Path("photos/deep").mkdir(parents=True)
    Image.new("RGB", (20, 20)).save("photos/deep/good.png")
    Path("photos/bad.png").write_text("no picture")
    result = gantools("translate photos -o out")
    assert result.exit_code == 3
    assert "photos/bad.png is not a picture" in result.stderr
    assert Path("out/deep/good.png").is_file()


def test_flags_override_a_file_which_overrides_the_recipe() -> None:
    Path("settings.yaml").write_text("objective: wgan-gp\nn-critic: 3\nlr_g: 0.5\n")
    result = train("--config settings.yaml --lr-g 0.25 --dry-run")
    settings = yaml.safe_load(result.stdout)
    assert (settings["n_critic"], settings["lr_g"], settings["lr_d"], settings["betas"]) == (3, 0.25, 1e-4, [0.0, 0.9])
    assert not Path("runs").exists()


BAD = {
    "train cyclgan": (2, "Did you mean 'cyclegan'?"),
    "train cyclegan --objectve lsgan": (2, "--objective"),
    "train cyclegan --steps many": (2, "valid integer"),
    "train cyclegan": (1, "--a and --b missing"),
    "train cyclegan --a nowhere --b {b}": (1, "folder nowhere does not exist"),
    "train cyclegan --a empty --b {b}": (1, "no pictures in empty: it is empty"),
    "train cyclegan --a texts --b {b}": (1, "none of the 1 pictures in texts can be read"),
    "train cyclegan --data {examples}": (1, "holds neither A/ and B/ nor trainA/ and trainB/"),
    "train cyclegan --a {a} --b {b} --objective lsgn": (1, "did you mean `lsgan`"),
    "train cyclegan --a {a} --b {b} --objective lsgan:d=1": (1, "`lsgan` has no option `d`"),
    "train cyclegan --a {a} --b {b} --objective r1": (1, "give it with --penalty"),
    "train cyclegan --a {a} --b {b} --preset papr": (1, "did you mean `paper`"),
    "train cyclegan --a {a} --b {b} --size 16": (1, "too small"),
    "train cyclegan --a {a} --b {b} --width 100000000": (1, "--width: input should be less than or equal to 4096"),
    "train cyclegan --a {a} --b {b} --workers 100000": (1, "--workers: input should be less"),
    "train cyclegan --a {a} --b {b} --size 64 --load-size 32": (1, "smaller than --size"),
    "train cyclegan --a {a} --b {b} --steps 5 --epochs 2": (1, "exclude each other"),
    "train cyclegan --a {a} --b {b} --betas 1.5 2": (1, "do not lie in [0, 1)"),
    "train cyclegan --a {a} --b {b} --minutes inf": (1, "--minutes"),
    "train pix2pix --a {a} --b {b}": (1, "no picture has a partner"),
    "train pix2pix --data {examples}": (1, "holds no pictures itself, but sub-folders"),
    "train cyclegan --a {a} --b {b} --batch-size 0 --lr-g -1": (1, "--lr-g"),
    "train cyclegan --a {a} --b {b} --device tpu": (1, "unknown device"),
    "train cyclegan --a {a} --b {b} --device cpu --precision 16": (1, "needs a CUDA device"),
    "train cyclegan --a {a} --b {b} --augment colour": (1, "did you mean `color`"),
    "train cyclegan --a {a} --b {b} --augment colour --dry-run": (1, "did you mean `color`"),
    "train cyclegan --a {a} --b {b} --background blurple": (1, "not a colour name"),
    "train cyclegan --config missing.yaml": (1, "cannot read missing.yaml"),
    "train cyclegan --a {a} --b {b} -o texts": (1, "texts is not empty"),
    "resume nowhere": (1, "not a run folder"),
    "translate missing.png": (1, "missing.png does not exist"),
    "translate picture.png --weights half.safetensors": (1, "damaged"),
    "translate picture.png --weights texts/a.png": (1, "damaged or no safetensors"),
    "weights show nothing": (1, "no weights `nothing`"),
}


@pytest.mark.parametrize(("command", "expected"), BAD.items(), ids=BAD.keys())
def test_bad_input_gets_a_plain_error(command: str, expected: tuple[int, str]) -> None:
    Path("empty").mkdir()
    Path("texts").mkdir()
    Path("texts/a.png").write_text("no picture")
    Path("half.safetensors").write_bytes(b'\x40\x00\x00\x00\x00\x00\x00\x00{"half')
    Image.new("RGB", (8, 8)).save("picture.png")
    places = {"a": EXAMPLES / "noto", "b": EXAMPLES / "fluent3d", "examples": EXAMPLES}
    result = gantools(command.format(**places))
    code, words = expected
    shown = " ".join(re.sub("[│╭╮╰╯─]", " ", result.stderr).split())
    assert (result.exit_code, words in shown) == (code, True), shown
    assert isinstance(result.exception, SystemExit)
    assert code == 2 or ("error: " in shown and "hint: " in shown)
    assert not Path("runs").exists()


def test_without_any_weights_translate_says_how_to_get_some(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("gantools.weights.places.shipped_folder", lambda: tmp_path)
    Image.new("RGB", (8, 8)).save("picture.png")
    result = gantools("translate picture.png")
    assert (result.exit_code, "no weights that can translate" in result.stderr) == (1, True)


@pytest.mark.skipif(torch.cuda.device_count() > 0, reason="needs a machine without a GPU")
def test_a_device_that_is_not_there() -> None:
    result = train("--device cuda")
    assert (result.exit_code, "no CUDA device" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    "command", ["--help", "--version", "plugins list --json", "train --help", "train cyclegan --help"]
)
def test_help_imports_no_torch(command: str) -> None:
    code = (
        "import sys; from gantools.cli.app import main; sys.argv = sys.argv[1:]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.exit('torch' in sys.modules or 'lightning_fabric' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "gantools", *command.split()], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("task", "shown"), [("cyclegan", 1), ("stargan", 5)])
def test_help_shows_what_the_default_objective_brings(task: str, shown: int) -> None:
    words = " ".join(re.sub("[│╭╮╰╯─]", " ", gantools(f"train {task} --help").stdout).split())
    assert f"discriminator updates per step [default: {shown}]" in words


@pytest.mark.parametrize("command", ["train cyclegan", "train stargan", "translate", "data prepare", "ui"])
def test_help_leaves_half_of_80_columns_to_words(command: str) -> None:
    shown = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "80", "TERMINAL_WIDTH": "80"}).stdout
    assert max(map(len, shown.splitlines())) <= 80
    words = [found[1] for found in re.finditer(r"│ --\S.*[>\]]  +(\w.*)│", shown)]
    assert len(words) > 4
    assert min(map(len, words)) >= 34
    assert "--no-" not in shown
