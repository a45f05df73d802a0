"""A resume is a resume: the same bytes as a run that was never stopped."""

import os
import signal
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest
import torch
import yaml

import gantools
from gantools import GanToolsError, api
from gantools.hookspecs import hookimpl
from gantools.plugins import manager
from gantools.registry import PluginRecord
from gantools.training import evaluator, trainer
from gantools.training.checkpoint import list_checkpoints, load_checkpoint, newest_checkpoint
from gantools.training.log import read_log
from tests.conftest import EXAMPLES

VARIANTS = {
    "lsgan": {},
    "wgan-gp": {"objective": "wgan-gp", "steps": 4},
    "hinge, spectral norm": {"objective": "hinge", "spectral_norm": True},
    "r1, augmented": {"objective": "nonsaturating", "penalty": ["r1:every=2"], "augment": "color,translation,cutout"},
    "accumulated": {"accumulate": 2},
    "not cached, a worker": {"cache_mb": 0, "workers": 1},
}


class CtrlC:
    """A plugin that presses Ctrl-C at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def gantools_step_logged(self, step: int) -> None:
        if step == self.step:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("settings", VARIANTS.values(), ids=VARIANTS.keys())
def test_interrupted_and_resumed_equals_unbroken(tiny: dict, settings: dict) -> None:
    settings = {**tiny, **settings}
    whole = gantools.train("cyclegan", **settings, out="whole", quiet=True)
    manager().register(CtrlC(3), PluginRecord("ctrl-c", "tests", "0"))
    try:
        broken = gantools.train("cyclegan", **settings, out="broken", quiet=True)
    finally:
        manager().unregister("ctrl-c")
    assert (broken.outcome, broken.step, broken.signal) == ("interrupted", 3, signal.SIGINT)

    resumed = api.resume("broken", quiet=True)

    assert (resumed.outcome, resumed.step) == ("finished", whole.step)
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()
    states = [
        load_checkpoint(list_checkpoints(Path(name, "checkpoints"))[-1])["updates"] for name in ("whole", "broken")
    ]
    assert _same(*states)


@pytest.mark.parametrize("settings", [{}, {"norm": "instance", "accumulate": 2}], ids=["batch norm", "accumulated"])
def test_dropout_is_resumed_too(settings: dict) -> None:
    folders = {"a": EXAMPLES / "outline", "b": EXAMPLES / "openmoji", "device": "cpu", "quiet": True}
    small = {"size": 32, "width": 4, "d_layers": 2, "batch_size": 2, "steps": 4, "log_every": 1, **folders, **settings}
    whole = gantools.train("pix2pix", **small, out="whole")
    manager().register(CtrlC(2), PluginRecord("ctrl-c", "tests", "0"))
    try:
        assert gantools.train("pix2pix", **small, out="broken", sample_every=1).step == 2
    finally:
        manager().unregister("ctrl-c")
    assert gantools.resume("broken", quiet=True).step == 4
    states = [newest_checkpoint(Path(name, "checkpoints"))["updates"] for name in ("whole", "broken")]
    assert whole.step == 4
    assert _same(*states)


def killed_in(module: object, name: str, when: str, monkeypatch: pytest.MonkeyPatch, **settings: object) -> None:
    """Train into `broken`, stopped where a function is about to write the last of a file."""
    function = getattr(module, name)

    def dies(path: Path, *rest: object) -> object:
        if when in path.name and Path("broken/samples/step-000004.png").exists():
            raise KeyboardInterrupt
        return function(path, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dies)
        with pytest.raises(KeyboardInterrupt):
            gantools.train("cyclegan", **settings, out="broken")


def test_killed_while_the_last_weights_are_written(tiny: dict, monkeypatch) -> None:
    settings = {**tiny, "steps": 4, "checkpoint_every": 2, "quiet": True}
    whole = gantools.train("cyclegan", **settings, out="whole")
    killed_in(trainer, "save_weights", "weights", monkeypatch, **settings)
    assert gantools.resume("broken", quiet=True).weights.read_bytes() == whole.weights.read_bytes()


@pytest.mark.parametrize("moment", [pytest.param("measuring", marks=pytest.mark.slow), "the best weights"])
def test_killed_in_the_last_evaluation(tiny: dict, monkeypatch, moment: str) -> None:
    folders = [EXAMPLES / "test" / name for name in ("noto", "fluent3d")]
    settings = {**tiny, "steps": 4, "eval_every": 9, "eval_data": folders, "eval_metrics": "kid", "quiet": True}
    gantools.train("cyclegan", **settings, out="whole")
    if moment == "measuring":
        with monkeypatch.context() as patch:
            patch.setattr(evaluator, "evaluate", raising(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                gantools.train("cyclegan", **settings, out="broken")
    else:
        killed_in(trainer, "save_weights", "weights-best", monkeypatch, **settings)
    assert gantools.resume("broken", quiet=True).outcome == "finished"
    best = [Path(name, "weights-best.safetensors").read_bytes() for name in ("whole", "broken")]
    measured = [row for row in read_log(Path("broken/log.jsonl")) if "seconds" not in row]
    assert (best[0] == best[1], [row["step"] for row in measured]) == (True, [4])
    with pytest.raises(GanToolsError, match="is finished"):
        gantools.resume("broken", quiet=True)


def test_sigterm_before_training_begins_ends_with_75_too() -> None:
    words = f"train cyclegan --a {EXAMPLES}/noto --b {EXAMPLES}/fluent3d --size 256 --out run --device cpu"
    command = [sys.executable, "-m", "gantools", *words.split()]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        while not Path("run/.lock").exists():
            time.sleep(0.01)
        process.terminate()
        said = process.stderr.read()
    assert process.returncode == 75, said


def raising(error: type[BaseException]) -> object:
    def raises(*_: object, **__: object) -> None:
        raise error

    return raises


def test_the_log_is_cut_back_to_the_checkpoint(tiny: dict) -> None:
    gantools.train("cyclegan", **{**tiny, "steps": 4}, checkpoint_every=2, out="run", quiet=True)
    for path in list_checkpoints(Path("run/checkpoints"))[-1:]:
        path.unlink()

    api.resume("run", quiet=True)

    assert [row["step"] for row in read_log(Path("run/log.jsonl"))] == [1, 2, 3, 4]


def test_a_finished_run_goes_on_for_more_steps(tiny: dict) -> None:
    gantools.train("cyclegan", **{**tiny, "steps": 2}, out="run", quiet=True)
    assert api.resume("run", steps=2, quiet=True).step == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("d_layers: 1", "does not fit what config.yaml"),
        ("constraint: [weight-clipping]", "does not fit what config.yaml"),
        ("optimizer: sgd", "is of another optimizer"),
        ("optimizer: adamw", "is of another optimizer"),
        ("betas: [0.9, 0.999]", "or other betas"),
    ],
)
def test_a_checkpoint_is_not_resumed_with_other_settings(tiny: dict, change: str, said: str) -> None:
    gantools.train("cyclegan", **{**tiny, "steps": 2}, out="run", quiet=True)
    settings = Path("run/config.yaml")
    name, value = change.split(": ")
    settings.write_text(yaml.safe_dump(yaml.safe_load(settings.read_text()) | {name: yaml.safe_load(value)}))
    with pytest.raises(GanToolsError, match=said):
        api.resume("run", steps=2, quiet=True)


def test_steps_are_the_same_whether_or_not_sheets_and_logs_are_made(tiny: dict) -> None:
    few = gantools.train("cyclegan", **tiny, out="few", quiet=True)
    often = {**tiny, "sample_every": 1, "log_every": 3, "checkpoint_every": 2}
    many = gantools.train("cyclegan", **often, out="many", quiet=True)
    first, second = (gantools.load(run.folder).networks.state_dict() for run in (few, many))
    assert _same(dict(first), dict(second))


def test_a_run_from_shards_is_that_from_the_folders_and_resumes(tiny: dict) -> None:
    for side in "ab":
        for number in range(2):
            with tarfile.open(f"{side}-{number}.tar", "w") as tar:
                for path in sorted(Path(tiny[side]).iterdir())[number::2]:
                    tar.add(path, path.name)
    shards = {"a": "a-{0..1}.tar", "b": "b-{0..1}.tar"}
    settings = {**tiny, "cache_mb": 0}
    whole = gantools.train("cyclegan", **settings, out="whole", quiet=True)
    manager().register(CtrlC(3), PluginRecord("ctrl-c", "tests", "0"))
    try:
        gantools.train("cyclegan", **{**settings, **shards}, workers=2, out="shards", quiet=True)
    finally:
        manager().unregister("ctrl-c")
    resumed = api.resume("shards", quiet=True)
    states = [newest_checkpoint(Path(name, "checkpoints")) for name in ("whole", "shards")]
    assert _same(states[0]["updates"], states[1]["updates"])
    assert resumed.step == whole.step


def _same(first: object, second: object) -> bool:
    if isinstance(first, torch.Tensor):
        return torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(_same, first, second))
    return first == second


@pytest.mark.parametrize("keep", [1, 3])
def test_as_many_checkpoints_are_kept_as_asked_for(keep, tiny):
    run = gantools.train("cyclegan", **tiny, checkpoint_every=1, keep=keep, quiet=True, out="run")
    kept = [path.stem for path in list_checkpoints(run.folder / "checkpoints")]
    assert kept == [f"step-{step:06}" for step in range(7 - keep, 7)]
