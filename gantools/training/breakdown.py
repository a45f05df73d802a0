"""A run that cannot go on: what it is told with, and going back to where it could."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

from gantools.config import RunConfig, validate
from gantools.data.loader import ImageData
from gantools.errors import GanToolsError
from gantools.storage import write_atomically
from gantools.training.checkpoint import list_checkpoints, newest_checkpoint
from gantools.training.run import Run

_NAMED = 4  # samples of a batch that an error names


class BreakdownError(GanToolsError):
    """A run cannot go on: a loss is not finite, or the weights have grown beyond all measure."""


def breakdown(run: Run, step: int, what: str, pictures: list[str]) -> BreakdownError:
    """Return the error with what to do from here; of the ``pictures`` it was seen with all are written down."""
    saved = bool(list_checkpoints(run.checkpoints))
    again = f"gantools resume {shlex.quote(str(run.folder))}" if saved else "train again"
    return BreakdownError(
        f"training broke down at step {step}: {what}{_written(run, step, what, pictures)}",
        f"{again} with --lr-g and --lr-d below {run.config.lr_g:g} and {run.config.lr_d:g}"
        + ("; the last checkpoint is from before" if saved else ", or add --spectral-norm"),
    )


def pictures_of(data: ImageData, update: int, config: RunConfig) -> list[str]:
    """Return the files of an update's batch, where the data come from files."""
    files = getattr(data, "files", None)
    numbers = range(update * config.batch_size, (update + 1) * config.batch_size)
    return [" + ".join(map(str, files(k))) for k in numbers] if files else []


def rolled_back(run: Run) -> tuple[Run, dict[str, Any] | None]:
    """Return a run at a tenth of its learning rates, which will not be rolled back again, and its last checkpoint."""
    config = run.config
    slower = {"lr_g": config.lr_g / 10, "lr_d": config.lr_d / 10, "on_nan": "stop"}
    run = replace(run, config=validate(type(config), {**dict(config), **slower}))
    run.write_config()
    return run, newest_checkpoint(run.checkpoints) if list_checkpoints(run.checkpoints) else None


def _written(run: Run, step: int, what: str, pictures: list[str]) -> str:
    """Write breakdown.json, and return its first pictures in words."""
    if not pictures:
        return ""
    path = run.folder / "breakdown.json"
    text = json.dumps({"step": step, "what": what, "pictures": pictures}, indent=2) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
    more = f", … (all {len(pictures)} in {path})" if len(pictures) > _NAMED else ""
    return f", with {', '.join(pictures[:_NAMED])}{more}"
