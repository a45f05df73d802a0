"""`gantools resume RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gantools.cli.console import talk
from gantools.cli.train import finish

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def resume(
    run: Annotated[Path, typer.Argument(help="run folder, such as runs/cyclegan/1")],
    steps: Annotated[int | None, typer.Option(help="steps to go on for; default: to the planned end", min=1)] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="print warnings and errors only")] = False,
) -> None:
    """Go on with a run from its last checkpoint, exactly where it stopped."""
    from gantools.api import fit
    from gantools.training.checkpoint import newest_checkpoint
    from gantools.training.display import pick_display
    from gantools.training.run import open_run

    opened = open_run(run)
    finish(fit(opened, pick_display(talk, quiet), newest_checkpoint(opened.checkpoints), steps), opened.task)


def command() -> Any:
    """Build the command."""
    return typer.main.get_command(app)
