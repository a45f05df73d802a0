import json
import os
import random
import struct
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import gantools
from gantools import GanToolsError
from gantools.storage import read_content, read_tensors, write_atomically, write_tensors
from gantools.task import Networks
from gantools.weights.find import default_weights, find_weights
from gantools.weights.header import Header, environment, plugin_of, read_header, save_weights
from gantools.weights.places import named_weights
from gantools_cyclegan.config import Config
from gantools_cyclegan.task import CycleGAN

CONFIG = Config(width=4, blocks=1, size=16)


def tensors():
    networks = Networks(CycleGAN(CONFIG).generators())
    return {name.removeprefix("generators."): tensor for name, tensor in networks.state_dict().items()}


def header(**changes):
    known = {
        "task": "cyclegan", "plugin": plugin_of("cyclegan"), "config": CONFIG.model_dump(mode="json"), "size": 16,
        "step": 7, "steps": 7, "environment": environment(), "data": {"domains": ["horses", "zebras"]},
    }  # fmt: skip
    return Header(**{**known, **changes})


def write(path="w.safetensors", **changes):
    save_weights(Path(path), tensors(), header(**changes))
    return Path(path)


def refuse(call, *arguments):
    """Return the message of the one kind of error that a bad file may lead to."""
    with pytest.raises(GanToolsError) as caught:
        call(*arguments)
    assert caught.value.hint
    return caught.value.message


def rewrite(path, change):
    """Change the JSON of a weights file's header, leaving the rest as it is."""
    content = json.loads(_metadata(path)["gantools"])
    change(content)
    save_file(load_file(path), path, {"gantools": json.dumps(content)})


def _metadata(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length])["__metadata__"]


def test_header_and_tensors_come_back_as_they_were():
    path = Path("deep/er/w.safetensors")
    kept = tensors()
    save_weights(path, kept, header())
    assert read_header(path) == header()
    assert read_header(path).complete
    back = read_tensors(path)
    assert back.keys() == kept.keys()
    assert all(torch.equal(back[name], kept[name]) for name in kept)


def test_equal_weights_are_equal_files_and_no_temporary_stays():
    save_weights(Path("1.safetensors"), kept := tensors(), header())
    save_weights(Path("2.safetensors"), dict(reversed(kept.items())), header())
    assert Path("1.safetensors").read_bytes() == Path("2.safetensors").read_bytes()
    assert sorted(os.listdir()) == ["1.safetensors", "2.safetensors"]


@pytest.mark.parametrize(("step", "steps", "complete"), [(7, 7, True), (9, 7, True), (6, 7, False), (6, None, False)])
def test_a_run_is_complete_at_its_planned_end(step, steps, complete):
    assert header(step=step, steps=steps).complete is complete


def test_tensors_that_share_memory_or_are_views_can_be_written():
    base = torch.arange(12.0).reshape(3, 4)
    given = {
        "whole": base, "again": base, "row": base[1], "turned": base.T, "wide": base[:1].expand(3, 4),
        "images": torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last), "none": torch.empty(0),
        "parameter": torch.nn.Parameter(base),
    }  # fmt: skip
    write_tensors(Path("t.safetensors"), given, "weights", {})
    back = read_tensors(Path("t.safetensors"))
    assert all(torch.equal(back[name], tensor) for name, tensor in given.items())


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("odd"), KeyboardInterrupt()])
def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(error):
    Path("out.bin").write_text("old")

    def fail(temporary):
        temporary.write_text("half of the ne")
        raise error

    with pytest.raises(GanToolsError if isinstance(error, OSError) else type(error)) as caught:
        write_atomically(Path("out.bin"), fail)
    if isinstance(error, OSError):
        assert caught.value.message == "cannot write out.bin: No space left on device"
    assert os.listdir() == ["out.bin"]
    assert Path("out.bin").read_text() == "old"


def test_places_that_cannot_be_written_are_errors():
    Path("file").touch()
    Path("folder").mkdir()
    for place in ("file/out.bin", "folder"):
        assert place in refuse(write_atomically, Path(place), lambda temporary: temporary.write_text("new"))
    assert sorted(os.listdir()) == ["file", "folder"]


def test_damaged_files_are_errors_wherever_they_are_cut():
    raw = write().read_bytes()
    assert read_tensors(Path("w.safetensors"))
    for length in [0, 1, 7, 8, 9, 100, len(raw) // 2, len(raw) - 1]:
        Path("cut.safetensors").write_bytes(raw[:length])
        assert "cut.safetensors is damaged" in refuse(gantools.load, "cut.safetensors", "cpu")


def test_random_bytes_are_an_error():
    dice = random.Random(0)
    for length in (10, 100, 1000):
        Path("r.safetensors").write_bytes(dice.randbytes(length))
        refuse(gantools.load, "r.safetensors", "cpu")


def test_a_bit_flipped_in_the_header_is_an_error_or_harmless():
    raw = write().read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    dice = random.Random(0)
    for _ in range(150):
        flipped = bytearray(raw)
        flipped[dice.randrange(8 + length)] ^= 1 << dice.randrange(8)
        Path("f.safetensors").write_bytes(flipped)
        with suppress(GanToolsError):
            gantools.load("f.safetensors", "cpu")


@pytest.mark.parametrize("text", ["{", "null", "[]", '"text"', "3", '{"kind": "weights"}', "[" * 5000])
def test_a_header_that_is_no_header_is_an_error(text):
    write()
    save_file(load_file("w.safetensors"), "w.safetensors", {"gantools": text})
    refuse(gantools.load, "w.safetensors", "cpu")


def test_files_of_others_and_of_later_versions_are_told_apart():
    save_file({"x": torch.zeros(1)}, "foreign.safetensors")
    assert "foreign.safetensors holds no weights" in refuse(gantools.load, "foreign.safetensors", "cpu")
    write_tensors(Path("c.safetensors"), {"x": torch.zeros(1)}, "checkpoint", {})
    assert "c.safetensors holds no weights" in refuse(gantools.load, "c.safetensors", "cpu")
    rewrite(write(), lambda content: content.update(format=99))
    assert "is of format 99" in refuse(gantools.load, "w.safetensors", "cpu")
    assert read_content(write("again.safetensors"), "weights")["format"] == 1


@pytest.mark.parametrize("name", ["task", "plugin", "config"])
def test_a_header_without_a_part_it_needs_is_damaged(name):
    rewrite(write(), lambda content: content.pop(name))
    assert "the header of w.safetensors is damaged" in refuse(gantools.load, "w.safetensors", "cpu")


def test_weights_of_a_plugin_that_is_not_installed_say_which():
    write(task="dreaming", plugin={"name": "dreaming", "distribution": "gantools-dreaming", "version": "1.0"})
    with pytest.raises(GanToolsError, match="task `dreaming`") as caught:
        gantools.load("w.safetensors", "cpu")
    assert "pip install gantools-dreaming" in caught.value.hint


@pytest.mark.parametrize(
    "change",
    [
        {"width": 8}, {"blocks": 2}, {"blocks": 0}, {"width": 0}, {"width": "wide"}, {"width": 10**9},
        {"width": 10**30}, {"width": -4}, {"size": -16}, {"blocks": 10**9},
        {"upsample": "magic"}, {"later_option": 1}, {"background": "nocolour"}, {"betas": 3},
    ],
)  # fmt: skip
def test_a_configuration_that_does_not_fit_the_tensors_is_an_error(change):
    write(config={**CONFIG.model_dump(mode="json"), **change})
    message = refuse(gantools.load, "w.safetensors", "cpu")
    assert "w.safetensors does not fit its own header" in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("half", [False, True])
def test_numbers_that_are_not_finite_are_refused(number, half):
    broken = tensors()
    name = list(broken)[3]
    broken[name].view(-1)[-1] = number
    broken = {key: value.half() for key, value in broken.items()} if half else broken
    save_weights(Path("w.safetensors"), broken, header())
    with pytest.raises(GanToolsError) as caught:
        gantools.load("w.safetensors", "cpu")
    assert caught.value.message == f"`{name}` in w.safetensors holds numbers that are not finite"
    assert "weights of an earlier step" in caught.value.hint


def test_a_kilobyte_that_claims_gigabytes_is_damaged():
    numbers = 4 * 10**10
    claim = {"x": {"dtype": "F32", "shape": [numbers // 4], "data_offsets": [0, numbers]}}
    for text in (json.dumps(claim), json.dumps(claim).replace(str(numbers), str(2**64 - 1)), " " * 900):
        Path("w.safetensors").write_bytes(struct.pack("<Q", len(text)) + text.encode() + bytes(100))
        assert "w.safetensors is damaged or no safetensors file" in refuse(gantools.load, "w.safetensors", "cpu")
    Path("w.safetensors").write_bytes(struct.pack("<Q", 2**40) + b"{}" + bytes(900))
    assert "w.safetensors is damaged or no safetensors file" in refuse(gantools.load, "w.safetensors", "cpu")


def test_missing_and_superfluous_tensors_are_errors():
    kept = tensors()
    name = next(iter(kept))
    for changed in ({key: value for key, value in kept.items() if key != name}, {**kept, "g_ab.extra": torch.zeros(1)}):
        save_weights(Path("w.safetensors"), changed, header())
        assert "does not fit its own header" in refuse(gantools.load, "w.safetensors", "cpu")


def test_weights_of_lower_precision_are_loaded_as_float32():
    save_weights(Path("w.safetensors"), {name: tensor.half() for name, tensor in tensors().items()}, header())
    model = gantools.load("w.safetensors", "cpu")
    assert {p.dtype for p in model.networks.parameters()} == {torch.float32}
    assert not any(p.requires_grad or p.is_meta for p in model.networks.parameters())


def test_weights_are_found_by_path_by_run_folder_and_by_name(monkeypatch):
    write("runs/cyclegan/1/weights.safetensors")
    write("mine/horse2zebra.safetensors", step=1)
    write("theirs/horse2zebra.safetensors", step=2)
    monkeypatch.setenv("GANTOOLS_WEIGHTS", os.pathsep.join(["mine", "nowhere", "theirs"]))
    assert find_weights("runs/cyclegan/1").path == Path("runs/cyclegan/1/weights.safetensors")
    assert find_weights(Path("runs/cyclegan/1/weights.safetensors")).header.task == "cyclegan"
    assert find_weights("horse2zebra").header.step == 1  # the first folder wins
    assert [path.parent.name for path in named_weights()[:2]] == ["mine", "theirs"]
    Path("horse2zebra").mkdir()  # a folder of something else does not hide a name
    assert find_weights("horse2zebra").header.step == 1
    with pytest.raises(GanToolsError, match="no weights `horse2zebr`") as caught:
        find_weights("horse2zebr")
    assert "did you mean `horse2zebra`?" in caught.value.hint


def test_a_folder_without_weights_says_what_to_do():
    Path("photos").mkdir()
    Path("runs/cyclegan/1/checkpoints").mkdir(parents=True)
    assert "photos has no weights.safetensors" in refuse(find_weights, "photos")
    with pytest.raises(GanToolsError) as caught:
        find_weights("runs/cyclegan/1")
    assert "gantools resume runs/cyclegan/1" in caught.value.hint


def test_the_default_is_the_newest_run_that_finished():
    for number, step in ((1, 7), (2, 7), (3, 5), (4, 7), (5, 7)):
        path = write(f"runs/cyclegan/{number}/weights.safetensors", step=step)
        os.utime(path, (number, number))
    path.write_bytes(path.read_bytes()[:500])  # 5 is damaged, 3 was interrupted
    rewrite(Path("runs/cyclegan/4/weights.safetensors"), lambda content: content.update(task="uninstalled"))
    os.utime("runs/cyclegan/4/weights.safetensors", (4, 4))
    assert default_weights("translate").name == "runs/cyclegan/2"
    os.utime("runs/cyclegan/1/weights.safetensors", (6, 6))
    assert default_weights("translate").name == "runs/cyclegan/1"


def test_without_any_weights_the_hint_says_how_to_make_some(monkeypatch):
    monkeypatch.setattr("gantools.weights.places.shipped_folder", lambda: Path("none"))
    with pytest.raises(GanToolsError, match="no weights that can translate") as caught:
        default_weights("translate")
    assert "gantools train" in caught.value.hint
