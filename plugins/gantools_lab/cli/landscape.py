"""`gantools lab landscape`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gantools.cli.console import put_json, tell, with_bar


def landscape(
    out: Annotated[Path, typer.Option("-o", "--out", help="folder for the figures")] = Path("lab/landscape"),
    as_json: Annotated[bool, typer.Option("--json", help="print the numbers behind the figures as JSON")] = False,
) -> None:
    """Draw how divergences move with distance, why a sure critic teaches nothing, and what KL covers or drops."""
    from rich.console import Console
    from rich.table import Table

    from gantools_lab.landscape import FIGURES
    from gantools_lab.style import places

    paths = places(out, *(f"{name}.png" for name in FIGURES))
    wanted = list(zip(FIGURES.items(), paths, strict=True))
    drawn = {name: draw(path) for (name, draw), path in with_bar(wanted, "drawing", len(wanted))}
    if as_json:
        put_json({name: asdict(figure) for name, figure in drawn.items()})
    else:
        table = Table("figure", "what", "value", box=None, header_style="bold", pad_edge=False)
        for name, figure in drawn.items():
            for what, value in _flat(figure.findings):
                table.add_row(name, what, "infinite" if value is None else f"{value:.4g}")
        Console(highlight=False, markup=False).print(table)
    tell(f"look at:  {', '.join(map(str, paths))}")
    tell("try:      gantools lab dirac, or: gantools lab estimate --objective f-kl")


def _flat(findings: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Yield the numbers of nested findings, each with all its names."""
    for name, value in findings.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}, {inner}", number) for inner, number in _flat(value))
        else:
            yield name.replace("_", " "), value
