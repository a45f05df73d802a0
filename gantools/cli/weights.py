"""`gantools weights list` and `show`."""

from __future__ import annotations

from hashlib import file_digest
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any

import typer
from rich.table import Table

from gantools.cli.console import put_json, say
from gantools.errors import GanToolsError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="List weights and read their headers.",
)
_JSON = typer.Option("--json", help="print JSON")


@app.command("list")
def list_weights(as_json: Annotated[bool, _JSON] = False) -> None:
    """List the weights that can be used: of runs under ./runs, of GANTOOLS_WEIGHTS, and the shipped ones."""
    from gantools.weights.find import find_weights, named_weights, run_weights

    found = list(run_weights())
    for path in named_weights():
        try:
            found.append(find_weights(path.stem))
        except GanToolsError as error:
            say(f"left out: {error.message}")
    if as_json:
        put_json([describe(item) for item in found])
        return
    if not found:
        say("no weights yet; train some with: gantools train cyclegan --a DIR --b DIR")
        return
    table = Table("name", "task", "size", "step", "data", box=None, header_style="bold", pad_edge=False)
    for item in found:
        header = item.header
        arrow = " ↔ " if header.data.get("kind") in {"unpaired", "domains"} else " → "
        domains = arrow.join(map(str, header.data.get("domains", [])))
        table.add_row(item.name, header.task, str(header.size or ""), f"{header.step:,}", domains)
    _stdout().print(table)
    say("more of one: gantools weights show NAME")


@app.command()
def show(
    reference: Annotated[str, typer.Argument(help="weights file, run folder or name")],
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show what a weights file says of itself."""
    from gantools.weights.find import find_weights

    found = find_weights(reference)
    described = describe(found) | {"config": found.header.config, "environment": found.header.environment}
    if as_json:
        put_json(described)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in described.items():
        text = _plain(value)
        if text:
            table.add_row(name, text)
    _stdout().print(table, markup=False)


def describe(found: Any) -> dict[str, Any]:
    """Return what the JSON lists say of weights."""
    header = found.header
    with Path(found.path).open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    described = {
        "name": found.name, "path": str(found.path), "task": header.task, "plugin": header.plugin, "size": header.size,
        "step": header.step, "data": header.data, "licence": header.licence, "sha256": digest,
        "metrics": header.metrics,
    }  # fmt: skip
    return described | ({"domains": header.domains} if header.domains else {})


def _plain(value: Any) -> str:
    """Return a value of the header in words; "" for nothing."""
    if isinstance(value, dict):
        return "\n".join(_entry(key, item) for key, item in value.items() if _plain(item))
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value)


def _entry(key: str, value: Any) -> str:
    nested = isinstance(value, dict)
    return f"{key}:\n{indent(_plain(value), '  ')}" if nested else f"{key}: {_plain(value)}"


def _stdout() -> Any:
    from rich.console import Console

    return Console(highlight=False)


def command() -> Any:
    """Build the group."""
    return typer.main.get_command(app)
