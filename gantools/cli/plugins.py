"""`gantools plugins list`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gantools.cli.console import put_json
from gantools.plugins import manager

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)


@app.callback()
def group() -> None:
    """List installed plugins."""


@app.command("list")
def list_plugins(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """List installed plugins: where they come from, which hooks they use, and what is wrong with them."""
    records = list(manager().records.values())
    if as_json:
        put_json([asdict(record) for record in records])
        return
    table = Table("name", "distribution", "version", "hooks or error", box=None, header_style="bold", pad_edge=False)
    for record in records:
        hooks = ", ".join(hook.removeprefix("gantools_") for hook in record.hooks)
        table.add_row(
            record.name, record.distribution, record.version, f"error: {record.error}" if record.error else hooks
        )
    Console(highlight=False, markup=False).print(table)


def command() -> Any:
    """Build the group."""
    return typer.main.get_command(app)
