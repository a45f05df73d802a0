"""`gantools ui`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gantools.cli.console import put, tell
from gantools.errors import GanToolsError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def ui(
    runs: Annotated[Path, typer.Option(help="folder of the runs to show")] = Path("runs"),
    port: Annotated[int, typer.Option(help="port on this machine", min=1, max=65535)] = 7860,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps")] = "auto",
    browser: Annotated[bool, typer.Option("--open", help="open a browser")] = False,
) -> None:
    """Serve a page for this machine alone: translate, generate, watch runs, look at weights (extra: ui)."""
    from gantools.data.folders import nearby
    from gantools.ui.page import build_page, serve

    if runs != Path("runs") and not runs.is_dir():
        raise GanToolsError(f"folder {runs} does not exist", nearby(runs))
    page = build_page(runs, device)
    put(serve(page, port, browser))
    tell("open it in a browser; Ctrl-C ends it")
    try:
        page.block_thread()
    finally:
        page.close(verbose=False)
    raise typer.Exit(130)


def command() -> Any:
    """Build the command."""
    return typer.main.get_command(app)
