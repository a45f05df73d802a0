"""Several processes train as one does that splits its batches: to the last bit where there are two of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image

import gantools
from gantools import GanToolsError, api
from gantools.data.order import Parts
from gantools.hookspecs import hookimpl
from gantools.objectives.grammar import build_objective
from gantools.plugins import manager
from gantools.registry import PluginRecord
from gantools.training.checkpoint import list_checkpoints, load_checkpoint, newest_checkpoint
from gantools.training.log import read_log
from gantools.training.processes import Processes, launched_place
from gantools.training.updates import Updates
from tests.conftest import EXAMPLES
from tests.tiny_encoders import build_bert

TINY = {
    "size": 16, "batch_size": 4, "steps": 3, "device": "cpu", "log_every": 1, "sample_every": 1000, "quiet": True,
    "lr_g": 2e-4, "lr_d": 2e-4,
}  # fmt: skip
EMOJI = {"a": EXAMPLES / "noto", "b": EXAMPLES / "fluent3d", "width": 4, "blocks": 1, "d_layers": 1, "pool_size": 4}
PAIRS = {"a": EXAMPLES / "outline", "b": EXAMPLES / "openmoji", "width": 4, "d_layers": 1}
EVALUATED = {
    "eval_every": 3, "eval_data": [EXAMPLES / "test/outline", EXAMPLES / "test/openmoji"], "eval_metrics": "kid",
    "best_metric": "l1",
}  # fmt: skip
STARS = {"data": EXAMPLES, "select": "noto,twemoji", "width": 4, "blocks": 1}
CASES = {
    "cyclegan": ("cyclegan", EMOJI),
    "pix2pix": ("pix2pix", {**PAIRS, **EVALUATED, "norm": "instance", "dropout": 0}),
    "stargan": ("stargan", {**STARS, "objective": "wgan-gp", "n_critic": 2}),
    "text2image": ("text2image", {"width": 4, "noise": 3, "load_size": 16}),
}
LONG = {"pix2pix", "text2image"}
MORE = {
    "spectral norm": ("cyclegan", {**EMOJI, "objective": "hinge", "spectral_norm": True, "batch_size": 8}),
    "historical averaging": (
        "cyclegan",
        {**EMOJI, "constraint": ["historical-averaging"], "workers": 1, "cache_mb": 0},
    ),
}


class At:
    """A plugin that does something at a step."""

    def __init__(self, step, action):
        self.step, self.action = step, action

    @hookimpl
    def gantools_step_logged(self, step):
        if step == self.step:
            self.action()


@pytest.fixture
def at():
    """Register an action for a step; it is forgotten after the test."""
    yield lambda step, action: manager().register(At(step, action), PluginRecord("at", "tests", "0"))
    if "at" in manager().records:
        manager().unregister("at")


def updates(folder):
    return newest_checkpoint(Path(folder) / "checkpoints")["updates"]


def same(first, second):
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return first == second


def captioned(folder):
    """Write pictures of one colour each, their captions, and an encoder."""
    (folder / "birds").mkdir()
    for i in range(8):
        words, rgb = [("a red bird", (220, 30, 30)), ("a blue fish", (30, 30, 220))][i % 2]
        Image.new("RGB", (16, 16), rgb).save(folder / "birds" / f"{i}.png")
        (folder / "birds" / f"{i}.txt").write_text(words)
    (folder / "bert").mkdir()
    return {"data": folder / "birds", "text_encoder": str(build_bert(folder / "bert"))}


@pytest.mark.parametrize("case", [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in CASES])
def test_two_processes_give_the_weights_of_one_that_splits_its_batches(case, elsewhere):
    expect_equal(case, *CASES[case], elsewhere)


@pytest.mark.slow
@pytest.mark.parametrize("case", MORE)
def test_two_processes_give_the_weights_of_one_with(case, elsewhere):
    expect_equal(case, *MORE[case], elsewhere)


def expect_equal(case, task, settings, folder):
    """Whatever a checkpoint holds is the same, the losses in the log are, and each step is logged once."""
    settings = {**TINY, **settings, **(captioned(folder) if task == "text2image" else {})}
    settings = {name: value for name, value in settings.items() if value is not None}
    gantools.train(task, **settings, accumulate=2, out="one")
    gantools.train(task, **settings, devices=2, out="two")
    one, two = updates("one"), updates("two")
    assert same(one, two), [name for name in one if not same(one[name], two[name])]
    logs = [read_log(Path(name, "log.jsonl")) for name in ("one", "two")]
    one, two = ([row for row in log if "eval/l1" in row] for log in logs)
    assert one == two
    assert len(one) == bool(settings.get("eval_every"))
    logs = [[row for row in log if "eval/l1" not in row] for log in logs]
    assert [[row["step"] for row in log] for log in logs] == [[1, 2, 3], [1, 2, 3]]
    for rows in zip(*logs, strict=True):
        losses = [{name: value for name, value in row.items() if "/adv" in name or "norm" in name} for row in rows]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.slow
def test_two_processes_that_accumulate_are_near_to_one_that_does_not(capsys):
    settings = {**TINY, **EMOJI, "batch_size": 8, "steps": 2, "optimizer": "sgd", "decay_from": 1.0}
    gantools.train("cyclegan", **{**settings, "steps": 1}, out="before")
    gantools.train("cyclegan", **settings, out="one")
    gantools.train("cyclegan", **settings, devices=2, accumulate=2, out="two")
    before, one, two = (updates(name)["nets"] for name in ("before", "one", "two"))
    moved = max(float((one[name] - before[name]).abs().max()) for name in one)
    assert moved > 1e-5
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 0.02 * moved
    assert "come apart" not in capsys.readouterr().err


@pytest.mark.slow
def test_resuming_is_exact_with_as_many_processes_and_says_that_it_is_not_with_others(at, caplog):
    settings = {**TINY, **PAIRS, "norm": "batch", "constraint": ["virtual-batch-norm"], "steps": 4}
    whole = gantools.train("pix2pix", **settings, devices=2, checkpoint_every=1, out="whole")
    at(1, lambda: os.kill(os.getpid(), signal.SIGTERM))
    broken = gantools.train("pix2pix", **settings, devices=2, out="broken")
    assert (broken.outcome, broken.signal) == ("interrupted", signal.SIGTERM)
    assert broken.step in {1, 2}  # a signal is heard of with the next step
    manager().unregister("at")
    resumed = api.resume("broken", quiet=True)
    assert (resumed.outcome, resumed.step, whole.step) == ("finished", 4, 4)
    assert same(updates("whole"), updates("broken"))
    assert not caplog.records
    list_checkpoints(Path("broken/checkpoints"))[-1].unlink()
    assert api.resume("broken", devices=1, quiet=True).step == 4
    assert "goes on with 1: right up to rounding" in caplog.text
    assert load_checkpoint(list_checkpoints(Path("broken/checkpoints"))[-1])["processes"] == 1


def children():
    """Return the processes that this one has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, parent = status.parent.name, status.read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == os.getpid():
            found.append(int(name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_killed_process_ends_the_run_with_an_error_that_names_it(at):
    at(2, lambda: [os.kill(child, signal.SIGKILL) for child in children()])
    began = time.monotonic()
    with pytest.raises(GanToolsError, match=r"process 1 .* ended before its time: killed by SIGKILL") as caught:
        gantools.train("cyclegan", **{**TINY, **EMOJI, "steps": 10_000}, checkpoint_every=1, devices=2, out="run")
    assert "gantools resume" in caught.value.hint
    assert time.monotonic() - began < 60
    assert not children()
    assert newest_checkpoint(Path("run/checkpoints"))["step"] >= 1


@pytest.mark.parametrize(
    ("script", "said"), [("raise SystemExit('no luck')", "no luck"), ("1 / 0", "ZeroDivisionError: division by zero")]
)
def test_a_process_that_fails_ends_the_run_with_its_own_words(script, said, monkeypatch):
    monkeypatch.setattr("gantools.training.launch._FOLLOW", script)
    with pytest.raises(GanToolsError, match=f"process 1 of 0 … 1 ended before its time: {said}"):
        gantools.train("cyclegan", **TINY, **EMOJI, devices=2, out="run")
    assert not Path("run").exists() or not list(Path("run").iterdir())


def test_processes_that_have_come_apart_are_noticed():
    class Apart(Processes):
        """Two processes, of which the other one's first sum is higher."""

        several = True

        def agree(self, *numbers):
            return [numbers[0] + 0.5, *numbers[1:]]

    made = Updates.__new__(Updates)
    made.nets, made.processes = torch.nn.Linear(2, 2), Processes()
    assert made.drift() == 0
    made.processes = Apart()
    assert made.drift() == 0.5


@pytest.mark.slow
def test_sigterm_ends_a_command_with_a_checkpoint_and_exit_code_75():
    words = ["--size", "16", "--width", "4", "--blocks", "0", "--d-layers", "1", "--batch-size", "2", "--devices", "2"]
    places = ["--a", EXAMPLES / "noto", "--b", EXAMPLES / "fluent3d", "--out", "run", "--log-every", "1"]
    command = [sys.executable, "-m", "gantools", "train", "cyclegan", *words, *places, "--device", "cpu"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if line.startswith("step 1/"):
                process.terminate()
                break
        rest = process.stderr.read()
    assert process.returncode == 75, rest
    assert "interrupted at step" in rest
    assert newest_checkpoint(Path("run/checkpoints"))["processes"] == 2


def test_a_batch_that_cannot_be_shared_out_is_refused_before_anything_begins():
    given = {**TINY, **EMOJI}
    del given["quiet"]
    for settings in ({"devices": 3}, {"devices": 2, "accumulate": 4}):
        with pytest.raises(GanToolsError, match=r"--batch-size 4 is not a multiple of .*--devices"):
            api.configure("cyclegan", **given, **settings)
    with pytest.raises(GanToolsError, match="compares the samples of a pass, and a pass has 1"):
        build_objective(api.configure("cyclegan", **given, devices=4, constraint=["minibatch-stddev"]))


def test_each_process_has_its_stretch_of_every_batch():
    shares = [iter(Parts(3, 8, 2, rank, 2)) for rank in range(2)]
    assert [next(share) for share in shares for _ in range(3)] == [
        [24, 25], [26, 27], [32, 33], [28, 29], [30, 31], [36, 37],
    ]  # fmt: skip


def test_alone_nothing_is_exchanged():
    alone, tensor = Processes(), torch.ones(2)
    alone.average([tensor])
    assert (alone.agree(2, 3), alone.share("x"), alone.gather("y")) == ([2, 3], "x", ["y"])
    assert (alone.leads, alone.several, alone.heeds_signals, launched_place()) == (True, False, True, None)


@pytest.mark.slow
def test_three_processes_and_a_pool(capsys):
    settings = {**TINY, **EMOJI, "batch_size": 6, "optimizer": "sgd"}
    gantools.train("cyclegan", **settings, accumulate=3, out="one")
    gantools.train("cyclegan", **settings, devices=3, out="three")
    one, three = updates("one"), updates("three")
    for name, tensor in one["nets"].items():
        torch.testing.assert_close(three["nets"][name], tensor, atol=1e-5, rtol=1e-3)
    torch.testing.assert_close(three["task"]["a"]["slots"], one["task"]["a"]["slots"], atol=1e-3, rtol=1e-3)
    assert "come apart" not in capsys.readouterr().err
