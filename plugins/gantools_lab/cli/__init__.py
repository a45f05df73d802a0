"""`gantools lab`: one file a verb, heavy imports inside the commands."""

from __future__ import annotations

import typer

from gantools_lab.cli.compare import compare
from gantools_lab.cli.estimate import estimate

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Experiments with GAN theory: estimates beside exact values, landscapes, comparisons.",
)
app.command()(estimate)
app.command()(compare)


@app.callback()
def group() -> None:
    """Experiments with GAN theory: estimates beside exact values, landscapes, comparisons."""
