"""`gantools compare RUN|SWEEP…`: runs beside each other, with mean and spread over seeds."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantools.cli.completion import runs
from gantools.cli.console import put, put_json, put_table, say, talk, tell

if TYPE_CHECKING:
    from rich.table import Table

    from gantools.sweep.comparison import Column, Comparison

_ARROWS = {"lower": " ↓", "higher": " ↑", None: ""}
_LABEL = 28
_GAP = 2

_HELP = (
    "Set runs of one task beside each other, grouped by what differs in their settings.\n\n"
    "Of each figure the mean and the standard deviation over seeds are shown, and the best is marked if Welch's t-test "
    "tells it from the next at 5 %. Figures are those in RUN/evaluation/metrics.json, which a sweep writes, and for "
    "other runs `gantools evaluate RUN -o RUN/evaluation`; and the last values of what was measured during training."
)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(help=_HELP)
def compare(
    folders: Annotated[
        list[Path], typer.Argument(help="run folders, and folders of sweeps", metavar="FOLDER", autocompletion=runs)
    ],
    metrics: Annotated[
        list[str] | None,
        typer.Option("--metric", help="NAME,NAME,… of figures to show", show_default="all that there are"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the comparison as JSON")] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="folder for the figures", show_default="the sweep, or comparison"),
    ] = None,
) -> None:
    """Print a comparison; with one sweep alone, it is kept there."""
    from gantools.sweep.plan import FILE

    alone = len(folders) == 1 and (folders[0] / FILE).is_file()
    show(folders, metrics or (), as_json, out or (folders[0] if alone else Path("comparison")))


def show(folders: Sequence[Path], metrics: Sequence[str], as_json: bool, out: Path) -> None:
    """Print a comparison, keep it in ``out`` as JSON and as figures, and say what to look at and to type next."""
    from gantools.storage import write_atomically
    from gantools.sweep.comparison import compare as compared
    from gantools.sweep.figures import draw_courses, draw_figures
    from gantools.sweep.results import find_runs

    names = [name.strip() for text in metrics for name in text.split(",") if name.strip()]
    found = find_runs(folders)
    comparison = compared(found.runs, found.varied, names)
    for note in found.notes:
        say(f"note: {note}")
    if as_json:
        put_json(comparison.as_json())
    else:
        put_comparison(comparison)
    text = json.dumps(comparison.as_json(), indent=2, ensure_ascii=False) + "\n"
    write_atomically(out / "compare.json", lambda temporary: temporary.write_text(text, encoding="utf-8"))
    files = [out / "compare.json"]
    if comparison.columns:
        files.append(draw_figures(comparison, out / "compare.png"))
        courses = draw_courses(comparison, out / "curves.png")
        files += [courses] if courses else []
    else:
        say("there are no figures yet: make them by `gantools evaluate RUN -o RUN/evaluation`, then compare again")
    tell(f"results in {', '.join(map(str, files))}")
    leader = comparison.leader.runs[0].folder
    tell(f"look at:    {leader / 'samples'}")
    tell(f"train on:   gantools resume {shlex.quote(str(leader))} --steps 1000")


def put_comparison(comparison: Comparison) -> None:
    """Print tables no wider than the terminal, and what their marks mean."""
    from rich.console import Console

    put_table(_overview(comparison))
    width = Console().width
    for title in dict.fromkeys(column.title for column in comparison.columns):
        columns = [column for column in comparison.columns if column.title == title]
        for part in _parts(comparison, columns, width):
            put_table(_figures(comparison, title, part))
    _put_verdicts(comparison)


def _overview(comparison: Comparison) -> Table:
    """Return the groups with their numbers of seeds and steps."""
    table = _table(comparison, ", ".join(comparison.keys) or comparison.task, ["seeds", "steps", "s/step"])
    for group in comparison.groups:
        least, most = group.steps
        steps = f"{most:,}" if least == most else f"{least:,} to {most:,}"
        table.add_row(group.name, str(len(group.runs)), steps, f"{group.seconds_per_step:.3g}")
    return table


def _figures(comparison: Comparison, title: str, columns: Sequence[Column]) -> Table:
    """Return the groups with some figures of one row of the evaluation."""
    table = _table(comparison, title, [_head(column) for column in columns])
    for number, group in enumerate(comparison.groups):
        table.add_row(group.name, *(_cell(comparison, number, column) for column in columns))
    sources = [comparison.untranslated(column) for column in columns]
    if any(value is not None for value in sources):
        cells = ["" if v is None else _number(v, c) for v, c in zip(sources, columns, strict=True)]
        table.add_row("(untranslated)", *cells, style="dim")
    return table


def _table(comparison: Comparison, title: str, heads: Sequence[str]) -> Table:
    from rich.table import Table

    table = Table(title, *heads, box=None, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))
    table.columns[0].overflow = "fold"
    table.columns[0].min_width = table.columns[0].max_width = _label_width(comparison)
    for column in table.columns[1:]:
        column.no_wrap = True
    return table


def _label_width(comparison: Comparison) -> int:
    titles = [column.title for column in comparison.columns]
    words = ["(untranslated)", ", ".join(comparison.keys), *titles, *(group.name for group in comparison.groups)]
    return min(_LABEL, max(map(len, words)))


def _parts(comparison: Comparison, columns: Sequence[Column], width: int) -> list[list[Column]]:
    """Share figures out among tables that are no wider than the terminal."""
    room = width - _label_width(comparison) - _GAP
    parts: list[list[Column]] = []
    left = 0
    for column in columns:
        cells = [_cell(comparison, number, column) for number in range(len(comparison.groups))]
        needed = max(map(len, (_head(column), *cells))) + _GAP
        if not parts or needed > left:
            parts.append([])
            left = room
        parts[-1].append(column)
        left -= needed
    return parts


def _head(column: Column) -> str:
    from gantools.sweep.comparison import better_way

    return f"{column.key}{_ARROWS[better_way(column)]}"


def _cell(comparison: Comparison, number: int, column: Column) -> str:
    """Return mean and spread, a star where they are best, and the number of seeds where some lack the figure."""
    group = comparison.groups[number]
    summary = group.summary(column)
    if summary is None:
        return ""
    best = comparison.best(column)
    star = "*" if best and best.beyond and best.group == number else ""
    spread = "" if summary.spread is None else f" ±{_number(summary.spread, column)}"
    few = f" ({summary.n} of {len(group.runs)})" if summary.n < len(group.runs) else ""
    return f"{_number(summary.mean, column)}{spread}{star}{few}"


def _number(value: float, column: Column) -> str:
    from gantools.sweep.comparison import decimals

    places = decimals(column)
    return f"{value:.3g}" if places is None else f"{value:.{places}f}"


def _put_verdicts(comparison: Comparison) -> None:
    """Say what the marks mean, and for which figures there is no best."""
    bests = {column: comparison.best(column) for column in comparison.columns}
    several = any(len(group.runs) > 1 for group in comparison.groups)
    if comparison.along:
        _put_wrapped(f"Along with {', '.join(comparison.keys)} differ: {', '.join(comparison.along)}.")
    if several:
        put("± is the standard deviation over seeds.")
    if any(best and best.beyond for best in bests.values()):
        put("* is best, and told from the next by Welch's t-test over seeds at 5 %.")
    for title in dict.fromkeys(column.title for column in bests):
        here = {column.key: best for column, best in bests.items() if best and column.title == title}
        within = [key for key, best in here.items() if best.beyond is False]
        if within:
            _put_wrapped(f"{title}: the best cannot be told from the next: {', '.join(within)}.")
    if any(best and best.beyond is None for best in bests.values()):
        _put_wrapped("No best is marked where the first or the next has one seed: its spread is not known.")


def _put_wrapped(text: str) -> None:
    from textwrap import wrap

    for line in wrap(text, max(40, talk.width), subsequent_indent="  ", break_on_hyphens=False):
        put(line)


def command() -> Any:
    """Build the command."""
    return typer.main.get_command(app)
