"""Generators as ONNX files: equal to torch at several sizes, self-describing, and refused where they could not be."""

import builtins

import pytest
import torch

import gantools
from gantools import GanToolsError
from gantools.inference import engine
from gantools.inference.onnx import export_onnx
from gantools.testing.task import TaskConformance
from gantools.weights.find import find_weights
from gantools.weights.header import read_header
from gantools.weights.hub import push

TINY = {
    "cyclegan": {"size": 16, "width": 4, "blocks": 1, "d_layers": 1},
    "pix2pix": {"size": 16, "width": 4, "d_layers": 1, "dropout": 0, "inference": "picture"},
    "stargan": {"size": 32, "width": 4, "blocks": 1, "smoothing": True, "palette": True, "upsample": "blur"},
}
OPTIONS = {"cyclegan": {"direction": "b2a"}, "pix2pix": {}, "stargan": {"to": "b"}}


def trained(task, folder, **settings):
    """Return the model of a run of two steps."""
    suite = type("Suite", (TaskConformance,), {"task": task, "settings": {**TINY.get(task, {}), **settings}})()
    suite.trainer(folder / "run").fit()
    return gantools.load(folder / "run", "cpu")


@pytest.mark.parametrize("task", TINY)
def test_a_file_translates_as_torch_does_at_every_size_and_says_what_it_is(task, tmp_path):
    model = trained(task, tmp_path)
    target = tmp_path / ("both" if task == "cyclegan" else "g.onnx")
    file = export_onnx(model, target)[-1]
    header = read_header(file)
    assert (header.task, header.step, header.plugin) == (task, 2, model.header.plugin)
    loaded = gantools.load(file)
    for size in ((1, 16, 16), (3, 24, 40), (2, 33, 17)):
        images = torch.rand(size[0], 3, *size[1:]) * 2 - 1
        expected, found = (each.translate(images, **OPTIONS[task]) for each in (model, loaded))
        assert (expected - found).abs().max() < 1e-4
    with pytest.raises(GanToolsError, match="exists"):
        export_onnx(model, target)


@pytest.mark.slow
def test_words_are_painted_alike(tmp_path):
    model = gantools.load("emoji-words", "cpu")
    (file,) = export_onnx(model, tmp_path / "words.onnx")
    for one, other in zip(
        model.generate("a red bird", n=2), gantools.load(file).generate("a red bird", n=2), strict=True
    ):
        pixels = [torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).int() for picture in (one, other)]
        assert (pixels[0] - pixels[1]).abs().max() <= 1


def test_a_file_that_differs_is_not_written(tmp_path, monkeypatch):
    model = trained("stargan", tmp_path)
    forward = engine.OnnxNetwork.forward
    monkeypatch.setattr(engine.OnnxNetwork, "forward", lambda self, *inputs: forward(self, *inputs) + 1e-3)
    with pytest.raises(GanToolsError, match=r"differs from torch's by 1\.0e-03; nothing is written"):
        export_onnx(model, tmp_path / "g.onnx")
    assert not list(tmp_path.glob("*.onnx"))


def test_what_drops_at_random_is_refused(tmp_path):
    model = trained("pix2pix", tmp_path, dropout=0.5)
    with pytest.raises(GanToolsError, match="drop at random") as raised:
        export_onnx(model, tmp_path / "g.onnx")
    assert "--dropout 0" in raised.value.hint


def test_what_was_settled_by_the_export_cannot_be_asked_for_otherwise(tmp_path, monkeypatch):
    model = trained("pix2pix", tmp_path)
    (file,) = export_onnx(model, tmp_path / "pairs.v1.2")
    assert file.name == "pairs.v1.2.onnx"
    loaded, images = gantools.load(file), torch.rand(1, 3, 16, 16)
    assert torch.equal(loaded.translate(images), loaded.translate(images, inference="picture"))
    options = loaded.networks["g"]._session.get_session_options()
    assert options.intra_op_num_threads == torch.get_num_threads()
    with pytest.raises(GanToolsError, match="translate with --inference picture alone"):
        loaded.translate(images, inference="stored")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert str(gantools.load(file).device) == str(loaded.to("cpu").device) == "cpu"
    for load in (
        lambda: gantools.load(file, "cuda"),
        lambda: gantools.load(tmp_path / "run", "cuda:1", engine="onnx"),
        lambda: loaded.to("cuda"),
    ):
        with pytest.raises(GanToolsError, match="runs networks on the CPU, not on cuda"):
            load()
    with pytest.raises(GanToolsError, match="is an ONNX file already"):
        export_onnx(loaded, tmp_path / "again.onnx")
    with pytest.raises(GanToolsError, match=r"is no \.safetensors file"):
        push(find_weights(file), "somebody/pairs")
    with pytest.raises(GanToolsError, match="which does not train"):
        gantools.train("pix2pix", a="a", b="b", init=file)


def test_what_torch_cannot_export_is_one_line(tmp_path, monkeypatch):
    model = trained("stargan", tmp_path)
    monkeypatch.setattr(type(model.networks["g"]), "forward", lambda self, x, labels: x if x.sum() > 0 else -x)
    with pytest.raises(GanToolsError, match="torch cannot export `g`: ") as raised:
        export_onnx(model, tmp_path / "g.onnx")
    assert "\n" not in raised.value.message
    assert not list(tmp_path.glob("*.onnx*"))


def test_an_engine_runs_any_weights_and_keeps_what_it_exported(tmp_path, monkeypatch):
    model = trained("stargan", tmp_path, labels="independent", palette=False)
    images = torch.rand(2, 3, 32, 40) * 2 - 1
    expected = model.translate(images, to="+b")
    for _ in range(2):
        found = gantools.load(tmp_path / "run", engine="onnx").translate(images, to="+b")
        assert (expected - found).abs().max() < 1e-4
        monkeypatch.setattr(torch.onnx, "export", None)  # the second time nothing is exported
    alone = gantools.load(next((tmp_path / "cache" / "onnx").glob("*.onnx")))  # the recogniser stays behind
    told = [each.translate(images, to="+b", from_="a") for each in (model, alone)]
    assert (told[0] - told[1]).abs().max() < 1e-4
    with pytest.raises(GanToolsError, match="do not see which attributes"):
        alone.translate(images, to="+b")


def test_mistakes_are_one_line(tmp_path, gantools_cli, monkeypatch):
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"onnx, says the name")
    for words, message in (
        (["translate", damaged, "--weights", damaged], "damaged.onnx"),
        (["weights", "show", damaged], "cannot be read"),
        (["export", "emoji-colour", "--format", "onxx", "-o", "x.onnx"], "did you mean `onnx`"),
        (["export", "emoji-noto2fluent", "--format", "onnx", "-o", "x.onnx"], "there are 2 generators"),
    ):
        result = gantools_cli(*words)
        assert result.exit_code == 1
        assert message in result.stderr
        assert "Traceback" not in result.stderr
    imported = builtins.__import__

    def without(name, *rest):
        if name == "onnxruntime":
            raise ModuleNotFoundError(name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "pip install 'gantools[onnx]'" in gantools_cli("weights", "show", damaged).stderr
