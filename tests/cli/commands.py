"""Every command there is, with the words that it is called by."""

from collections.abc import Iterator
from typing import Any

import typer

from gantools.cli.app import app


def commands() -> Iterator[tuple[str, Any]]:
    """Yield all that can be typed, groups before what is below them, and a group of tasks with each task."""
    root = typer.main.get_command(app)
    for name in root.commands:
        yield from _below(name, root.resolve_command(None, [name])[1])


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield words, command
    for name in getattr(command, "commands", {}):
        yield from _below(f"{words} {name}", command.resolve_command(None, [name])[1])
