"""`gantools export W --format F -o FILE`: weights for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gantools.cli.console import put, say

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


@app.command()
def export(
    weights: Annotated[str, typer.Argument(help="weights file, run folder or name")],
    format_: Annotated[
        str, typer.Option("--format", help="junyanz: a state dict for pytorch-CycleGAN-and-pix2pix, or for CUT")
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="file to write; a folder, where there is a generator for each direction")
    ],
    force: Annotated[bool, typer.Option("--force", help="replace existing files")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="print warnings and errors only")] = False,
) -> None:
    """Write weights as another program's checkpoint."""
    from gantools.weights.exporting import export_weights
    from gantools.weights.find import find_weights

    files = export_weights(find_weights(weights), format_, out, force)
    for file in files:
        put(str(file))
    if not quiet:
        say(f"back again: gantools weights import {out} -o NAME.safetensors")


def command() -> Any:
    """Build the command."""
    return typer.main.get_command(app)
