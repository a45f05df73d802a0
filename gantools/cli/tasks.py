"""Commands that have a sub-command for each registered task, built when it is typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typer.core import TyperCommand, TyperGroup

from gantools.cli.uniform import make_uniform
from gantools.plugins import TaskInfo, manager


class _TaskCommand(TyperCommand):
    """A task's name and summary."""

    info: TaskInfo


class TaskGroup(TyperGroup):
    """Resolves tasks late: ``build`` makes a task's command with all its flags."""

    build: Callable[[TaskInfo], Any]

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Find a task and build its command."""
        name, command, rest = super().resolve_command(ctx, args)
        if isinstance(command, _TaskCommand):
            command = make_uniform(f"{self.name} {name}", self.build(command.info))
        return name, command, rest


def fill(group: TaskGroup, build: Callable[[TaskInfo], Any]) -> TaskGroup:
    """Give a group a sub-command for each task."""
    group.build = build
    for info in manager().tasks:
        task = _TaskCommand(info.name, help=info.summary, rich_markup_mode=None)
        task.info = info
        group.add_command(task)
    return group
