"""`gantools resume RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gantools.cli.completion import runs
from gantools.cli.console import hushed, talk
from gantools.cli.train import finish, preemptible

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="run folder, such as runs/cyclegan/1", autocompletion=runs)],
    steps: Annotated[
        int | None,
        typer.Option(help="steps to go on for; the fall of the learning rates is laid over the new length", min=1),
    ] = None,
    lr_g: Annotated[float | None, typer.Option(help="new learning rate of the generators")] = None,
    lr_d: Annotated[float | None, typer.Option(help="new learning rate of the discriminators")] = None,
    devices: Annotated[int | None, typer.Option(help="processes that share each batch", min=1)] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads of a process", min=1)] = None,
    a: Annotated[Path | None, typer.Option("--a", help="where the first pictures are now")] = None,
    b: Annotated[Path | None, typer.Option("--b", help="where the second pictures are now")] = None,
    data: Annotated[str | None, typer.Option(help="where the data are now")] = None,
) -> None:
    """Go on with a run from its last checkpoint, exactly where it stopped."""
    from gantools.api import resume_with
    from gantools.training.display import pick_display

    given = {"lr_g": lr_g, "lr_d": lr_d, "devices": devices, "threads": threads, "a": a, "b": b, "data": data}
    changes = {name: value for name, value in given.items() if value is not None}
    with preemptible():
        finish(resume_with(pick_display(talk, hushed()), run, steps, changes))


def command() -> Any:
    """Build the command."""
    return typer.main.get_command(app)
