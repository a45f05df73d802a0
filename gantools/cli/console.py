"""How commands talk: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import wrap
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gantools.errors import INDENT, GanToolsError
from gantools.terminal import harmless, one_line
from gantools.training.processes import leads

T = TypeVar("T")
talk = Console(stderr=True, highlight=False, quiet=not leads())


@dataclass
class _Manner:
    """How much the command that runs has to say."""

    quiet: bool = False


_manner = _Manner()


def hush(quiet: bool) -> None:
    """Say from now on only what has to be said, or all again."""
    _manner.quiet = quiet


def hushed() -> bool:
    """Say whether ``--quiet`` was given."""
    return _manner.quiet


def say(message: str) -> None:
    """Print a line that has to be said, such as a warning, on stderr: one line, whatever the names in it hold."""
    talk.print(Text(one_line(message)), soft_wrap=True)


def tell(message: str) -> None:
    """Print how it goes, or what to type next, on stderr; nothing under ``--quiet``."""
    if not hushed():
        say(message)


def say_wrapped(message: str, speak: Callable[[str], None] = say) -> None:
    """Say or tell words in lines no wider than the terminal, broken between words; not for what is to be copied."""
    for line in wrap(message.replace("\n", "\\n"), max(40, talk.width), subsequent_indent="  ", break_on_hyphens=False):
        speak(line)


def put(data: str) -> None:
    """Print a line of data on stdout, to the byte where a program reads it."""
    typer.echo(harmless(data) if sys.stdout.isatty() else data)


def put_json(data: Any) -> None:
    """Print data as JSON on stdout."""
    put(json.dumps(data, indent=2, ensure_ascii=False))


def with_bar(results: Iterable[T], doing: str, total: int) -> Iterable[T]:
    """Pass results on under a progress bar, where there is a terminal to show one and something to wait for."""
    from rich.progress import track

    if hushed() or total < 2 or not talk.is_terminal:
        return results
    return track(results, doing, total, console=talk, transient=True)


@contextmanager
def steps_bar() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function of (what, done, total) that keeps one progress bar for what is being done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=talk, transient=True, disable=hushed() or not talk.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda what, done, total: progress.update(task, description=what, completed=done, total=total)


def put_table(table: Table) -> None:
    """Print a table and an empty line on stdout."""
    console = Console(highlight=False, markup=False)
    console.print(table)
    console.print()


def show_error(error: GanToolsError) -> None:
    """Print ``error: …``, an empty line and ``hint: …`` on stderr, whichever of several processes this is."""
    talk.quiet = False
    talk.print(Text.assemble(("error: ", "bold red"), _lines(error.message)), soft_wrap=True)
    if error.hint:
        talk.print()
        talk.print(Text.assemble(("hint: ", "bold cyan"), one_line(error.hint)), soft_wrap=True)


def _lines(message: str) -> str:
    """Return a message in the lines that were meant: problems one below the other, and no newline of a name's."""
    return f"\n{INDENT}".join(map(one_line, message.split(f"\n{INDENT}")))


class TalkHandler(logging.Handler):
    """Prints the package's warnings as ``warning: …``."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        message = one_line(record.getMessage())
        talk.print(Text.assemble((f"{record.levelname.lower()}: ", "bold yellow"), message), soft_wrap=True)
