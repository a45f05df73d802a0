"""The hooks a plugin may implement. All arguments are passed by keyword; implement only those you need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import typer

hookspec = pluggy.HookspecMarker("gantools")
hookimpl = pluggy.HookimplMarker("gantools")


class Hooks:
    """Every hook, one line each; `docs/plugins.md` says more."""

    @hookspec
    def gantools_register_tasks(self, register: Callable[..., None]) -> None:
        """Add tasks: ``register(TaskInfo(...))``."""

    @hookspec
    def gantools_register_objectives(self, register: Callable[..., None]) -> None:
        """Add losses, penalties, constraints, recipes: ``register(name, kind, "module:Class", summary)``."""

    @hookspec
    def gantools_register_metrics(self, register: Callable[..., None]) -> None:
        """Add metrics for `gantools evaluate`: ``register(name, "module:Class", summary)``."""

    @hookspec
    def gantools_register_datasets(self, register: Callable[..., None]) -> None:
        """Add a reader for a kind of data: ``register(name, "module:Class", summary)``."""

    @hookspec
    def gantools_register_importers(self, register: Callable[..., None]) -> None:
        """Add readers of other programs' weights: ``register(name, "module:Class", summary)``."""

    @hookspec
    def gantools_register_commands(self, app: typer.Typer) -> None:
        """Add commands or Typer sub-apps to the root app."""

    @hookspec(firstresult=True)
    def gantools_find_weights(self, reference: str) -> Path | None:
        """Turn a name or URI into the local path of a safetensors file, or return None."""

    @hookspec
    def gantools_run_started(self, run: Any) -> None:
        """Tell that training starts; ``run`` has ``folder`` and ``config``."""

    @hookspec
    def gantools_step_logged(self, run: Any, step: int, values: dict[str, float]) -> None:
        """Tell the values of a logging step, as they stand in log.jsonl."""

    @hookspec
    def gantools_run_saved(self, run: Any, step: int, kind: str, path: Path) -> None:
        """Tell that a file was written; ``kind`` is checkpoint, weights or samples."""

    @hookspec
    def gantools_run_finished(self, run: Any, outcome: str) -> None:
        """Tell that training ended; ``outcome`` is finished, interrupted or failed."""
