"""The lab: GAN theory one can run. A toy task in the plane, and experiments between known distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gantools.hookspecs import hookimpl
from gantools.plugins import TaskInfo

if TYPE_CHECKING:
    import typer


@hookimpl
def gantools_register_tasks(register: Callable[[TaskInfo], None]) -> None:
    """Register the task `toy`."""
    register(
        TaskInfo(
            name="toy",
            summary="learn a distribution in the plane: see modes covered and lost",
            data="points",
            config="gantools_lab.config:Config",
            task="gantools_lab.task:Toy",
            capabilities=frozenset(),
        )
    )


@hookimpl
def gantools_register_datasets(register: Callable[..., None]) -> None:
    """Register the data kind `points`."""
    register("points", "gantools_lab.points:Points", "samples of a known distribution in the plane")


@hookimpl
def gantools_register_commands(app: typer.Typer) -> None:
    """Register `gantools lab`."""
    from gantools_lab.cli import app as lab

    app.add_typer(lab, name="lab")
