"""`gantools lab`: one file a verb, heavy imports inside the commands."""

from __future__ import annotations

import typer

from gantools_lab.cli.compare import compare
from gantools_lab.cli.dirac import dirac
from gantools_lab.cli.estimate import estimate
from gantools_lab.cli.landscape import landscape

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Experiments with GAN theory: estimates beside exact values, landscapes, comparisons.",
)
app.command()(estimate)
app.command()(landscape)
app.command()(dirac)
app.command()(compare)


@app.callback()
def group() -> None:
    """Experiments with GAN theory: estimates beside exact values, landscapes, comparisons."""
