"""`gantools lab compare`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantools.cli.console import put_json, say, tell, with_bar

if TYPE_CHECKING:
    from gantools_lab.compare import Result, Summary

_DEFAULTS = ["lsgan", "nonsaturating", "hinge --spectral-norm", "wgan-gp"]


def compare(
    contenders: Annotated[
        list[str] | None,
        typer.Argument(help='objectives, each with flags of its own if quoted: "minimax --n-critic 5"'),
    ] = None,
    task: Annotated[str, typer.Option(help="task to train")] = "toy",
    seeds: Annotated[int, typer.Option(help="runs of each, with seeds 0, 1, 2, …", min=1)] = 3,
    flags: Annotated[
        str, typer.Option("--with", help='training flags for all: "--data grid25 --steps 2000"', metavar="FLAGS")
    ] = "",
    out: Annotated[Path, typer.Option("-o", "--out", help="folder for the runs, the table and the figure")] = Path(
        "lab/compare"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Train objectives on one task with several seeds, and print mean and spread of what they reach.

    All runs have the same length. What is done already is not done again: the same command goes on after Ctrl-C.
    """
    from gantools.cli.train import read_flags
    from gantools_lab.compare import read_contenders, read_log, run_all, summarise
    from gantools_lab.spread import draw_courses, draw_spread

    listed = read_contenders(contenders or _DEFAULTS, lambda words: read_flags(task, words))
    shared = read_flags(task, shlex.split(flags))
    runs = run_all(task, listed, range(seeds), shared, out)
    total = len(listed) * seeds
    results: list[Result] = []
    for result in with_bar(runs, "training", total):
        results.append(result)
        tell(f"{len(results)}/{total}  {result.contender}, seed {result.seed}: {_in_short(result.measured)}")
    if len(results) < total:
        say(f"interrupted after {len(results)} of {total} runs; the same command goes on")
        raise typer.Exit(130)
    table = summarise(results)
    figures = [draw_spread(results, out / "compare.png")]
    logs = {result.contender: read_log(result) for result in reversed(results)}  # of the first seed
    if all("eval/wasserstein" in row for rows in logs.values() for row in rows):
        figures.append(draw_courses(dict(reversed(logs.items())), out / "courses.png"))
    if as_json:
        put_json({"summary": _plain(table), "runs": [asdict(result) for result in results]})
    else:
        _print_table(table)
    tell(f"runs in:  {out}")
    tell(f"look at:  {', '.join(map(str, figures))}, and {results[0].folder}/samples")


def _print_table(table: dict[str, dict[str, Summary]]) -> None:
    """Print a row an objective, mean over standard deviation; what is the same for all stands below."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    names = list(dict.fromkeys(name for measured in table.values() for name in measured))
    constant = [name for name in names if len({measured.get(name) for measured in table.values()}) == 1]
    varying = [name for name in names if name not in constant]
    shown = Table("objective", *map(_title, varying), box=None, header_style="bold", pad_edge=False)
    shown.columns[0].overflow = "fold"
    for words, measured in table.items():
        shown.add_row(words, *(_cell(measured[name]) if name in measured else "" for name in varying))
    console.print(shown)
    for name in constant:
        value = next(iter(table.values()))[name]
        console.print(f"{name.replace('_', ' ')}, the same for all: {value.mean:.3g}")


def _title(name: str) -> str:
    return name.replace("wasserstein", "W").replace("g_gradient", "G's gradient").replace("_", " ")


def _cell(summary: Summary) -> str:
    return f"{summary.mean:.3g}\n± {summary.std:.2g}"


def _plain(table: dict[str, dict[str, Summary]]) -> dict[str, Any]:
    return {words: {name: asdict(value) for name, value in measured.items()} for words, measured in table.items()}


def _in_short(measured: dict[str, float]) -> str:
    return "  ".join(f"{name} {value:.3g}" for name, value in list(measured.items())[:4])
