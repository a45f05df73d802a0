"""`gantools export W --format F -o FILE`: weights for other programs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from gantools.cli import completion
from gantools.cli.console import put, tell
from gantools.plugins import manager

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="rich")


@app.command()
def export(
    weights: Annotated[str, typer.Argument(help="weights file, run folder or name", autocompletion=completion.weights)],
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            help="onnx: generators for onnxruntime; junyanz: a state dict for pytorch-CycleGAN-and-pix2pix, or for CUT",
        ),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--out", help="file to write; a folder, where there is a generator for each direction")
    ],
    force: Annotated[bool, typer.Option("--force", help="replace existing files")] = False,
) -> None:
    """Write weights as another program's checkpoint, or for another runtime."""
    from gantools.weights.find import find_weights

    found = find_weights(weights)
    if format_ == "onnx":
        from gantools.inference.model import load_model
        from gantools.inference.onnx import export_onnx

        files = export_onnx(load_model(found, "cpu"), out, force)
        verb = (
            "translate PICTURE"
            if "translate" in manager().tasks.get(found.header.task).capabilities
            else "generate WORDS"
        )
        then = f"use it with: gantools {verb} --weights {shlex.quote(str(files[0]))}"
    else:
        from gantools.weights.exporting import export_weights

        files = export_weights(found, format_, out, force)
        then = f"back again: gantools weights import {shlex.quote(str(out))} -o NAME.safetensors"
    for file in files:
        put(str(file))
    tell(then)


def command() -> Any:
    """Build the command."""
    return typer.main.get_command(app)
