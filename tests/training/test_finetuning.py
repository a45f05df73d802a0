"""`--init`: whose networks a run begins with, what comes with them, and what does not fit."""

import pytest
import torch

import gantools
from gantools.api import configure
from gantools.errors import GanToolsError
from gantools.training.checkpoint import newest_checkpoint
from gantools.weights.files import read_tensors
from gantools.weights.header import read_header
from tests.conftest import EXAMPLES

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


@pytest.mark.parametrize(
    ("task", "settings", "message", "hint"),
    [
        ("cyclegan", {}, "are for pix2pix, not for cyclegan", "train pix2pix"),
        ("pix2pix", {"width": 8}, "not built as those of this run", "--width is 6 there and 8 here"),
        ("pix2pix", {"init": "emoji-color"}, "no weights `emoji-color`", "emoji-colour"),
    ],
)
def test_what_does_not_fit_is_named(first, task, settings, message, hint):
    with pytest.raises(GanToolsError, match=message) as raised:
        gantools.train(task, **{**PAIRS, "init": first.folder, "steps": 1, "quiet": True, "out": "out", **settings})
    assert hint in raised.value.hint
