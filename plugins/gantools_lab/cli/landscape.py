"""`gantools lab landscape`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gantools.cli.console import put, put_json, say, talk


def landscape(
    out: Annotated[Path, typer.Option("-o", "--out", help="folder for the figures")] = Path("lab/landscape"),
    as_json: Annotated[bool, typer.Option("--json", help="print the numbers behind the figures as JSON")] = False,
) -> None:
    """Draw how divergences move with distance, why a sure critic teaches nothing, and what KL covers or drops."""
    from rich.progress import track

    from gantools_lab.landscape import FIGURES
    from gantools_lab.style import folder

    folder(out)
    numbers: dict[str, Any] = {}
    for name in track(FIGURES, "drawing", console=talk, transient=True, disable=not talk.is_terminal):
        path = out / f"{name}.png"
        numbers[name] = FIGURES[name](path)
        if not as_json:
            put(f"{path}: {_in_words(numbers[name])}")
    if as_json:
        put_json(numbers)
    say(f"look at:  {out}/*.png")
    say("try:      gantools lab dirac, or: gantools lab estimate --objective f-kl")


def _in_words(numbers: Any) -> str:
    if isinstance(numbers, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_in_words(value)}" for name, value in numbers.items())
    return "infinite" if numbers is None else f"{numbers:.4g}"
