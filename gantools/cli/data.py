"""`gantools data check`, and the group with `prepare` and `get`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from gantools.cli.completion import tasks
from gantools.cli.console import put, put_json, say_wrapped, steps_bar, tell
from gantools.cli.get import get
from gantools.cli.prepare import prepare
from gantools.errors import GanToolsError

if TYPE_CHECKING:
    from gantools.datasets.check import Checked

_INDENT = 12
_SHOWN = 3  # problems, and groups of duplicates, before the rest is only counted

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def group() -> None:
    """Check, prepare and get pictures to train on."""


@app.command()
def check(
    folders: Annotated[list[Path], typer.Argument(help="one folder, or the folders of the kinds", metavar="DIR…")],
    task: Annotated[
        str | None, typer.Option(help="task to check for", show_default="the one that fits", autocompletion=tasks)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="contact sheet to write", show_default="data-check.png")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON; a sheet only with --out")] = False,
    all_problems: Annotated[bool, typer.Option("--all", help="show every problem and duplicate")] = False,
) -> None:
    """Look at every picture: layout, counts, sizes, duplicates, broken files; and say how to train on them.

    Exit codes: 0 all is well, 1 there is nothing to look at, or not for --task, 3 some files are bad.
    """
    from gantools.datasets.advice import advise, train_command
    from gantools.datasets.check import check as checked_over

    if out and out.suffix.lower() != ".png":
        raise GanToolsError(f"{out} is no name for a contact sheet", "give --out a name that ends in .png")
    with steps_bar() as report:
        found = checked_over(folders, task, report)
    advice, command = advise(found), train_command(found)
    sheet = out or (None if as_json else Path("data-check.png"))
    if sheet in found.looks:
        raise GanToolsError(f"{sheet} is one of the pictures to check", "give another name with --out")
    if sheet:
        from gantools.cli.contact_sheet import draw_contact_sheet  # imports torch, which all else here does without

        draw_contact_sheet(found, sheet)
    most = None if all_problems else _SHOWN
    if as_json:
        put_json(found.as_json() | {"advice": advice, "sheet": str(sheet) if sheet else None, "next": command})
    else:
        for line in _lines(found, most):
            put(line)
        for problem in _some([f"problem: {problem}" for problem in found.problems], most):
            say_wrapped(problem)
        for line in advice:
            say_wrapped(f"advice: {line}", tell)
        tell(f"look at:    {sheet}")
        tell(f"train:      {command}" if command else "next:       gantools data prepare --help")
    if found.problems:
        raise typer.Exit(3)


app.command()(prepare)
app.command()(get)


def _lines(found: Checked, most: int | None) -> Iterable[str]:
    """Yield what was found, a subject a line."""
    counts = ", ".join(f"{name} {count:,}" for name, count in found.counts.items())
    kept = f"; {len(found.layout.held_out):,} for tests" if found.layout.held_out else ""
    pairs = f"; {len(found.layout.pairs):,} pairs" if len(found.counts) > 1 and found.layout.pairs else ""
    yield from _wrapped("layout", found.layout.name)
    yield from _wrapped("task", f"{found.task.name}: {found.task.summary}" if found.task else "none learns from this")
    yield from _wrapped("pictures", counts + pairs + kept)
    yield from _wrapped("sizes", _sizes(found))
    yield from _wrapped("modes", ", ".join(f"{mode} {count:,}" for mode, count in found.modes.items()))
    for kind, title in (("exact", "copies"), ("near", "look alike")):
        groups = [" = ".join(map(_short, paths)) for paths in found.duplicates[kind]]
        yield from _wrapped(title, "; ".join(_some(groups, most)) or "none")


def _sizes(found: Checked) -> str:
    """Return the sizes of each kind, once where they are all the same."""
    spelled = {}
    for name, sizes in found.sizes.items():
        least, median, largest = ("{} x {}".format(*sizes[which]) for which in ("smallest", "median", "largest"))
        spelled[name] = least if least == largest else f"{least} to {largest}, median {median}"
    if len(set(spelled.values())) == 1:
        return next(iter(spelled.values()))
    return "; ".join(f"{name} {sizes}" for name, sizes in spelled.items())


def _some(lines: list[str], most: int | None) -> list[str]:
    if most is None or len(lines) <= most:
        return lines
    return [*lines[:most], f"{len(lines) - most:,} more (--all shows them)"]


def _wrapped(title: str, text: str) -> list[str]:
    width = max(40, Console().width)
    return wrap(f"{title:{_INDENT}}{text}", width, subsequent_indent=" " * _INDENT, break_on_hyphens=False)


def _short(path: Path) -> str:
    return os.path.join(path.parent.name, path.name)


def command() -> Any:
    """Build the group."""
    return typer.main.get_command(app)
