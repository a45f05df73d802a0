"""`gantools data get`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gantools.cli.completion import data_sets
from gantools.cli.console import put, put_json, put_table, steps_bar, tell


def get(
    name: Annotated[
        str | None, typer.Argument(help="data set", show_default="list them", autocompletion=data_sets)
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="folder to make", show_default="data/NAME")] = None,
    url: Annotated[
        str | None, typer.Option(help="another address, or a file, of the same archive", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be got, and stop")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the list, or what was got, as JSON")] = False,
) -> None:
    """Get a known data set: checked by size and SHA-256, or built from public packages; without NAME list them.

    A download that was stopped goes on where it was. The licences are those of the pictures' sources.
    """
    from gantools.datasets.catalogue import known_set, known_sets
    from gantools.datasets.get import check_free
    from gantools.datasets.get import get as get_set

    if name is None and as_json:
        put_json([asdict(one) for one in known_sets()])
        return
    if name is None:
        table = Table("name", "MB", "what it shows", box=None, header_style="bold", pad_edge=False)
        for one in known_sets():
            table.add_row(one.name, f"{one.size / 1e6:,.0f}" if one.size else "", one.summary)
        put_table(table)
        tell("get one:    gantools data get NAME")
        return
    known = known_set(name)
    folder = out or Path("data", name)
    described = asdict(known) | {"url": url or known.url, "folder": str(folder)}
    if dry_run:
        check_free(folder)
        put_json(described) if as_json else put(_plan(described))
        return
    tell(f"getting {name} from {url or known.url}" if known.url else f"building {name}; this takes some minutes")
    with steps_bar() as report:
        get_set(known, folder, url, report)
    put_json(described) if as_json else put(str(folder))
    tell(f"results in {folder}")
    tell(f"next:       gantools data check {shlex.quote(str(folder))}")


def _plan(described: dict[str, Any]) -> str:
    """Say what would be got, and into which folder."""
    name, folder, url = described["name"], described["folder"], described["url"]
    return (
        f"would get {described['size'] / 1e6:,.0f} MB from {url} into {folder}"
        if url
        else f"would build {name} in {folder}"
    )
