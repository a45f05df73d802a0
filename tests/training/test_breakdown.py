"""A loss that is not finite: the step and the pictures are named, and a run can go back by itself."""

import json
from pathlib import Path

import pytest
from PIL import Image

import gantools
from gantools import GanToolsError, api
from gantools.training import launch
from gantools.training.checkpoint import newest_checkpoint
from gantools_pix2pix.task import Pix2Pix
from tests.training.test_processes import PAIRS, TINY, same

SETTINGS = {**TINY, **PAIRS, "norm": "instance", "dropout": 0, "steps": 8, "checkpoint_every": 2}


def test_the_step_and_the_pictures_are_named_and_the_checkpoint_stays(monkeypatch):
    """One picture is magenta, and where a batch holds it the critic's loss is NaN."""
    Path("a").mkdir()
    for i in range(40):
        Image.new("RGB", (16, 16), "magenta" if i == 33 else (i, 90, 2 * i)).save(f"a/{i:02}.png")
    losses = Pix2Pix.d_losses

    def poisoned(task, nets, batch, *rest):
        pink = (batch["a"][:, 1].mean((1, 2)) < -0.99).any()
        return {name: value * (float("nan") if pink else 1) for name, value in losses(task, nets, batch, *rest).items()}

    monkeypatch.setattr(Pix2Pix, "d_losses", poisoned)
    settings = {**SETTINGS, "a": Path("a"), "b": copied(), "steps": 30, "log_every": 5}
    with pytest.raises(GanToolsError, match=r"broke down at step \d+: not finite: d/") as caught:
        gantools.train("pix2pix", **settings, out="run")
    told = json.loads(Path("run/breakdown.json").read_text())
    assert len(told["pictures"]) == 4
    assert any("a/33.png" in name for name in told["pictures"])
    assert "a/33.png" in caught.value.message
    assert f"at step {told['step']}:" in caught.value.message
    saved = newest_checkpoint(Path("run/checkpoints")) if told["step"] > 2 else {"step": 0}
    assert saved["step"] < told["step"]


def test_a_rollback_is_a_resume_at_a_tenth_of_the_learning_rates(monkeypatch):
    seen = poison(monkeypatch.setattr)
    rolled = gantools.train("pix2pix", **SETTINGS, on_nan="rollback", out="rolled")
    assert (rolled.outcome, rolled.step, seen) == ("finished", 8, [2e-4] * 6 + [2e-5] * 4)
    assert [row["step"] for row in rolled.log()] == list(range(1, 9))
    assert "on_nan: stop" in Path("rolled/config.yaml").read_text()
    seen.clear()
    with pytest.raises(GanToolsError, match="broke down at step 6"):
        gantools.train("pix2pix", **SETTINGS, out="stopped")
    api.resume("stopped", lr_g=2e-5, lr_d=2e-5, quiet=True)
    assert same(*(newest_checkpoint(Path(name, "checkpoints"))["updates"] for name in ("rolled", "stopped")))


FOLLOW_POISONED = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from tests.training.test_breakdown import poison
poison()
"""


def poison(replace=setattr):
    """Make the critic's loss NaN in the sixth step, at learning rates that are not small; return the rates seen."""
    losses, seen = Pix2Pix.d_losses, []

    def poisoned(task, *rest):
        seen.append(task.config.lr_d)
        broken = task.config.lr_d > 1e-4 and len(seen) == 6
        return {name: value * (float("nan") if broken else 1) for name, value in losses(task, *rest).items()}

    replace(Pix2Pix, "d_losses", poisoned)
    return seen


@pytest.mark.parametrize("poisoned", [pytest.param("first", marks=pytest.mark.slow), "other"])
def test_two_processes_roll_back_together_whichever_of_them_saw_it(poisoned, monkeypatch):
    if poisoned == "first":
        poison(monkeypatch.setattr)
    else:
        monkeypatch.setattr(launch, "_FOLLOW", FOLLOW_POISONED + launch._FOLLOW)
    rolled = gantools.train("pix2pix", **SETTINGS, devices=2, on_nan="rollback", out="rolled")
    assert (rolled.outcome, rolled.step) == ("finished", 8)
    assert [row["step"] for row in rolled.log()] == list(range(1, 9))
    assert "on_nan: stop" in Path("rolled/config.yaml").read_text()


@pytest.mark.slow
def test_a_rollback_of_two_processes_is_a_resume_of_two(monkeypatch):
    monkeypatch.setattr(launch, "_FOLLOW", FOLLOW_POISONED + launch._FOLLOW)
    gantools.train("pix2pix", **SETTINGS, devices=2, on_nan="rollback", out="rolled")
    with pytest.raises(GanToolsError, match="broke down at step 6"):
        gantools.train("pix2pix", **SETTINGS, devices=2, out="stopped")
    api.resume("stopped", lr_g=2e-5, lr_d=2e-5, quiet=True)
    assert same(*(newest_checkpoint(Path(name, "checkpoints"))["updates"] for name in ("rolled", "stopped")))


def copied():
    Path("c").mkdir()
    for path in Path("a").glob("*.png"):
        Path("c", path.name).write_bytes(path.read_bytes())
    return Path("c")
