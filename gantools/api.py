"""The Python API: `load` and `train`, and what they return."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gantools.errors import GanToolsError
from gantools.inference.engine import on_cpu
from gantools.inference.model import Model, load_model
from gantools.weights.find import Found, default_weights, find_weights
from gantools.weights.onnx import SUFFIX

if TYPE_CHECKING:
    from gantools.config import RunConfig, Settings
    from gantools.training.display import Display
    from gantools.training.run import Run

__all__ = ["Model", "TrainedRun", "load", "resume", "train"]


@dataclass(frozen=True)
class TrainedRun:
    """What training leaves: the task, the run folder, how it ended, and how far it came.

    ``outcome`` is "finished" or "interrupted"; ``signal`` is the number of the signal that interrupted it.
    """

    task: str
    folder: Path
    outcome: str
    step: int
    signal: int | None = None

    @property
    def weights(self) -> Path:
        """The averaged generators."""
        return self.folder / "weights.safetensors"

    def log(self) -> list[dict[str, Any]]:
        """Return the rows of log.jsonl: step, seconds, losses as "d/…" and "g/…", measures of the task as "eval/…"."""
        from gantools.training.log import read_log

        return read_log(self.folder / "log.jsonl")

    def model(self, device: str = "auto") -> Model:
        """Load the trained model."""
        return load(self.folder, device)


def load(reference: str | Path | None = None, device: str = "auto", engine: str | None = None) -> Model:
    """Load weights: a file, a run folder, a name; without one, the newest finished run under ./runs or the default.

    ``engine="onnx"`` lets onnxruntime run the networks, on the CPU; an ONNX file that gantools exported always does.
    """
    found = find_weights(reference) if reference is not None else default_weights("translate")
    return load_found(found, device, engine)


def load_found(found: Found, device: str = "auto", engine: str | None = None) -> Model:
    """Load weights that are found already; GanToolsError if the engine cannot run them."""
    is_onnx = found.path.suffix == SUFFIX
    if engine == "torch" and is_onnx:
        raise GanToolsError(f"{found.name} is for onnxruntime", "leave --engine out, or give the weights it is from")
    if engine not in {None, "torch", "onnx"}:
        raise GanToolsError(f"unknown engine `{engine}`", "known: torch, onnx")
    if engine != "onnx" or is_onnx:
        return load_model(found, device)
    from gantools.inference.onnx import run_by_onnx

    return run_by_onnx(load_model(found, on_cpu(device)))


def configure(task: str, **settings: Any) -> RunConfig:
    """Return the settings that `train` would use; GanToolsError says what is wrong with them."""
    from gantools.training.run import resolve

    return resolve(task, settings)[1]


def train(task: str, *, quiet: bool = False, **settings: Any) -> TrainedRun:
    """Train a task; ``settings`` are the command line's options with underscores: ``a="horses", steps=2000``."""
    from gantools.training.run import new_run, resolve

    info, config = resolve(task, settings)
    return fit(new_run(info, config), _display(quiet))


def resume(folder: str | Path, *, steps: int | None = None, quiet: bool = False, **changes: Any) -> TrainedRun:
    """Go on with a run from its last checkpoint, to its planned end or for ``steps`` further steps.

    ``changes`` replace settings of the run, such as ``lr_g``, or ``a`` and ``b`` where the pictures have moved.
    """
    return resume_with(_display(quiet), Path(folder), steps, changes)


def resume_with(display: Display, folder: Path, steps: int | None, changes: Settings) -> TrainedRun:
    """Resume a run and tell ``display`` how it goes."""
    from gantools.training.run import open_run

    run = open_run(folder, changes)
    run.config.check()
    return fit(run, display, steps)


def fit(run: Run, display: Display, steps: int | None = None) -> TrainedRun:
    """Train a run, from its beginning or from its last checkpoint, write its report, and say how it ended."""
    from gantools.report import write_report
    from gantools.training.launch import together
    from gantools.training.processes import leads
    from gantools.training.trainer import train_run

    try:
        with run.claimed() if leads() else nullcontext():
            state = _last_state(run, display) if leads() and not run.new else None
            with together(run.config) as processes:
                run, state, steps = processes.share((run, state, steps))
                trainer, outcome = train_run(run, display, state, steps, processes)
    finally:
        display.ended()
    if leads():
        with suppress(GanToolsError):  # a page that cannot be written is no reason to call the run a failure
            write_report(run.folder)
    return TrainedRun(run.task.name, run.folder, outcome, trainer.step, trainer.signal)


def _last_state(run: Run, display: Display) -> dict[str, Any] | None:
    """Return what a run goes on from; None where it was stopped before its first checkpoint."""
    from gantools.training.checkpoint import list_checkpoints, newest_checkpoint

    if list_checkpoints(run.checkpoints):
        return newest_checkpoint(run.checkpoints)
    display.note(f"{run.folder} was stopped before its first checkpoint: it begins again")
    return None


def _display(quiet: bool) -> Display:
    from rich.console import Console

    from gantools.training.display import pick_display

    return pick_display(Console(stderr=True), quiet)
