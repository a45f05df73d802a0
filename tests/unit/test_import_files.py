"""Checkpoints of others as files: damaged, malicious, in folders, and our own written for them."""

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

import gantools
from gantools import GanToolsError
from gantools.config import validate
from gantools.interchange import Wishes
from gantools.registry import load_object
from gantools.storage import read_tensors
from gantools.task import Networks
from gantools.weights.exporting import export_weights
from gantools.weights.find import find_weights
from gantools.weights.foreign import read_parts
from gantools.weights.header import Header, plugin_of, save_weights
from gantools.weights.importing import import_weights
from tests.unit.foreign import ResNet, UNet, drawn

OUT = Path("w.safetensors")


def refuse(path, task=None):
    with pytest.raises(GanToolsError) as caught:
        import_weights(Path(path), OUT, Wishes(), task)
    assert caught.value.hint
    assert not OUT.exists()
    return caught.value.message


class Touch:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("new", [True, False])
def test_a_pickle_that_would_run_a_program_does_not(new):
    Path("folder").mkdir()
    state = {**ResNet().state_dict(), "x": Touch(Path("created").resolve())}
    for path in ("x.pth", "folder/1-G.ckpt"):
        torch.save(state, path, _use_new_zipfile_serialization=new)
    Path("plain.pth").write_bytes(pickle.dumps(state["x"], protocol=4 if new else 2))
    for path in ("x.pth", "folder"):
        assert "holds more than tensors and plain values, " in refuse(path)
    refuse("plain.pth")
    assert not Path("created").exists()
    os.system(f"touch {state['x'].path}")  # it would have been
    assert Path("created").exists()


def test_a_whole_network_is_not_unpickled():
    torch.save(ResNet(), "x.pth")
    assert "tests.unit.foreign.ResNet" in refuse("x.pth")


@pytest.mark.parametrize("new", [True, False])
def test_damaged_files_are_errors_wherever_they_are_cut(new):
    torch.save(ResNet().state_dict(), "x.pth", _use_new_zipfile_serialization=new)
    raw = Path("x.pth").read_bytes()
    for length in [0, 1, 10, 100, 1000, len(raw) // 2, len(raw) - 1]:
        Path("cut.pth").write_bytes(raw[:length])
        refuse("cut.pth")
    for place in range(50, len(raw), len(raw) // 40):
        Path("flipped.pth").write_bytes(raw[:place] + bytes([raw[place] ^ 0x55]) + raw[place + 1 :])
        try:
            import_weights(Path("flipped.pth"), OUT, Wishes(), force=True)
        except GanToolsError as error:
            assert error.hint  # noqa: PT017


def test_what_is_no_checkpoint_is_an_error():
    Path("text.pth").write_text("no checkpoint")
    with zipfile.ZipFile("other.pth", "w") as file:
        file.writestr("a.txt", "a")
    for content in ({}, [1, 2], torch.ones(3), {"a": {"b": 1}}, {"x": torch.ones(2)}, {"x": torch.eye(2).to_sparse()}):
        torch.save(content, "x.pth")
        refuse("x.pth")
    for path in ("text.pth", "other.pth", "nowhere.pth"):
        refuse(path)


def test_folders_of_which_the_newest_is_not_known_are_errors():
    Path("empty").mkdir()
    assert "holds no checkpoint" in refuse("empty")
    for name in ("a.pth", "b.pth"):
        torch.save(ResNet().state_dict(), Path("empty", name))
    assert "2 files with other names" in refuse("empty")
    Path("empty/a.pth").unlink()
    assert list(read_parts(Path("empty"))[0]) == ["b"]


def test_the_newest_epoch_counts():
    Path("f").mkdir()
    for name in ("iter_900_net_G.pth", "9_net_G.pth", "10_net_G.pth"):
        torch.save(ResNet().state_dict(), Path("f", name))
    assert [path.name for path in read_parts(Path("f"))[1]] == ["10_net_G.pth"]
    torch.save(ResNet().state_dict(), "f/latest_net_G.pth")
    assert [path.name for path in read_parts(Path("f"))[1]] == ["latest_net_G.pth"]


def test_a_task_that_cannot_use_the_networks_and_an_existing_file():
    torch.save(UNet().state_dict(), "x.pth")
    assert "no importer for the task `stargan`" in refuse("x.pth", "stargan")
    assert "unknown task" in refuse("x.pth", "cycle")
    import_weights(Path("x.pth"), OUT, Wishes())
    with pytest.raises(GanToolsError, match="exists"):
        import_weights(Path("x.pth"), OUT, Wishes())


# The way back


def ours(task, **settings):
    """Write a weights file of ours with random weights."""
    info = gantools.plugins.manager().tasks.get(task)
    config = validate(load_object(info.config), {"width": 4, **settings})
    networks = drawn(Networks(load_object(info.task)(config).generators()).generators)
    header = Header(task=task, plugin=plugin_of(task), config=config.model_dump(mode="json"), size=config.size)
    save_weights(Path("ours.safetensors"), networks.state_dict(), header)
    return find_weights("ours.safetensors")


@pytest.mark.parametrize(
    ("task", "settings", "reference"),
    [
        ("cyclegan", {"upsample": "transpose", "skips": False, "blocks": 2}, ResNet),
        (
            "cyclegan",
            {"upsample": "blur", "downsample": "blur", "skips": False, "blocks": 2},
            lambda: ResNet(blur_down=True, blur_up=True),
        ),
        (
            "cyclegan",
            {"upsample": "blur", "skips": False, "blocks": 2, "directions": "a2b"},
            lambda: ResNet(blur_up=True),
        ),
        ("pix2pix", {"norm": "instance", "size": 32}, lambda: UNet(4, norm="instance")),
        ("pix2pix", {"norm": "instance", "size": 128}, lambda: UNet(4, 7, norm="instance")),
        (
            "pix2pix",
            {"generator": "resnet", "upsample": "transpose", "blocks": 2, "block_dropout": 0.5},
            lambda: ResNet(norm="batch", dropout=True),
        ),
    ],
)
def test_there_and_back_bit_for_bit(task, settings, reference):
    found = ours(task, **settings)
    both = task == "cyclegan" and "directions" not in settings
    target = Path("out" if both else "out.pth")
    files = export_weights(found, "junyanz", target)
    side = settings.get("size", 32)
    picture = torch.rand(1, 3, side, 2 * side) * 2 - 1
    model = gantools.load("ours.safetensors", "cpu")
    options = {"inference": "stored", "resize": False} if task == "pix2pix" else {}
    for i, file in enumerate(files):
        network = reference().eval()
        network.load_state_dict(torch.load(file, weights_only=True))  # strictly
        if both:
            options = {"direction": ("a2b", "b2a")[i]}
        with torch.no_grad():
            torch.testing.assert_close(model.translate(picture, **options), network(picture), atol=1e-4, rtol=0)
    import_weights(target, OUT, Wishes(), task)
    before, after = read_tensors(found.path), read_tensors(OUT)
    assert before.keys() == after.keys()
    assert all(before[name].equal(after[name]) for name in before)
    assert [file.name for file in files] == (["latest_net_G_A.pth", "latest_net_G_B.pth"] if both else ["out.pth"])


def test_an_imported_unet_with_batch_norm_goes_back():
    network = drawn(UNet())
    torch.save(network.state_dict(), "x.pth")
    import_weights(Path("x.pth"), OUT, Wishes())
    export_weights(find_weights(OUT), "junyanz", Path("y.pth"))
    back = torch.load("y.pth", weights_only=True)
    assert back.keys() == network.state_dict().keys()
    assert all(back[name].equal(tensor) for name, tensor in network.state_dict().items())


def test_what_the_reference_cannot_hold_is_refused():
    def refused(found, target="y.pth", format_="junyanz"):
        with pytest.raises(GanToolsError) as caught:
            export_weights(found, format_, Path(target))
        assert caught.value.hint
        assert not Path(target).exists()
        return caught.value.message

    assert "no skip connections" in refused(ours("cyclegan", blocks=1))
    assert "no layer that resizes" in refused(ours("cyclegan", blocks=1, skips=False))
    assert "no bias where" in refused(ours("pix2pix", size=32))
    assert "halve 5 times or more" in refused(ours("pix2pix", size=16, norm="instance"))
    assert "no generator like Generator" in refused(ours("stargan", data=["x"], select=["a,b"], labels=["exclusive"]))
    assert "unknown format `onnx`" in refused(ours("pix2pix", size=32), format_="onnx")
    found = ours("cyclegan", blocks=1, upsample="transpose", skips=False)
    assert "2 generators, and y.pth names one file" in refused(found)
    export_weights(found, "junyanz", Path("out"))
    with pytest.raises(GanToolsError, match="exists"):
        export_weights(found, "junyanz", Path("out"))
    export_weights(found, "junyanz", Path("out"), force=True)
