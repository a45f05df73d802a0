"""A tracker on the observer hooks: runs with ``--tensorboard`` write scalars and sheets for TensorBoard as well."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from gantools.data.decode import open_image
from gantools.errors import GanToolsError
from gantools.training.run import Run

_writers: dict[Path, Any] = {}


def check_installed() -> None:
    """Raise GanToolsError where there is no TensorBoard: before training, not at its first figures."""
    if find_spec("tensorboard") is None:
        raise GanToolsError("--tensorboard needs TensorBoard", "pip install 'gantools[tensorboard]'")


def logged(run: Run, step: int, values: dict[str, float]) -> None:
    """Write the values of a logging step."""
    for name, value in values.items():
        _writer(run, step).add_scalar(name, value, step)


def saved(run: Run, step: int, kind: str, path: Path) -> None:
    """Write a sample sheet."""
    if kind == "samples":
        sheet = np.asarray(open_image(path).convert("RGB"))
        _writer(run, step).add_image("samples", sheet, step, dataformats="HWC")


def finished(run: Run) -> None:
    """Close the file."""
    if run.folder in _writers:
        _writers.pop(run.folder).close()


def _writer(run: Run, step: int) -> Any:
    """Return the run's writer; one that a resumed run opens hides what was written from ``step`` on."""
    if run.folder not in _writers:
        from torch.utils.tensorboard import SummaryWriter

        _writers[run.folder] = SummaryWriter(run.folder / "tensorboard", purge_step=step)
    return _writers[run.folder]
