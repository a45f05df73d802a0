"""Image-to-image GANs from the command line and from Python.

``gantools.load("runs/cyclegan/1").translate(image)`` and ``gantools.train("cyclegan", a=…, b=…)`` are the two doors.
Importing this package imports neither torch nor any plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gantools.errors import GanToolsError
from gantools.hookspecs import hookimpl

if TYPE_CHECKING:
    from gantools.api import Model, TrainedRun, load, resume, train

__version__ = "0.1.0"
__all__ = ["GanToolsError", "Model", "TrainedRun", "__version__", "hookimpl", "load", "resume", "train"]


def __getattr__(name: str) -> Any:
    if name in {"load", "resume", "train", "Model", "TrainedRun"}:
        from gantools import api

        return getattr(api, name)
    raise AttributeError(f"module 'gantools' has no attribute {name!r}")
