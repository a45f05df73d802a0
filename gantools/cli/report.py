"""`gantools report RUN`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from gantools.cli.completion import runs
from gantools.cli.console import put, tell

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="run folder", autocompletion=runs)],
) -> None:
    """Write a run as one page of HTML: curves, sheets, settings, figures. It opens from disk, without a network."""
    from gantools.report import write_report

    page = write_report(run)
    put(str(page))
    tell("open it in a browser; it holds everything it shows")
    tell(f"set runs beside each other: gantools compare {shlex.quote(str(run))} RUN")


def command() -> Any:
    """Build the command."""
    return typer.main.get_command(app)
