"""`gantools data get`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from gantools.cli.completion import data_sets
from gantools.cli.console import put, put_json, put_table, say, steps_bar


def get(
    name: Annotated[
        str | None, typer.Argument(help="data set", show_default="list them", autocompletion=data_sets)
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="folder to make", show_default="data/NAME")] = None,
    url: Annotated[
        str | None, typer.Option(help="another address, or a file, of the same archive", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="list the sets as JSON")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="print warnings and errors only")] = False,
) -> None:
    """Get a known data set: checked by size and SHA-256, or built from public packages; without NAME list them.

    A download that was stopped goes on where it was. The licences are those of the pictures' sources.
    """
    from gantools.datasets.catalogue import known_set, known_sets
    from gantools.datasets.get import get as get_set

    if as_json:
        put_json([asdict(one) for one in known_sets()])
        return
    if name is None:
        table = Table("name", "MB", "what it shows", box=None, header_style="bold", pad_edge=False)
        for one in known_sets():
            table.add_row(one.name, f"{one.size / 1e6:,.0f}" if one.size else "", one.summary)
        put_table(table)
        say("get one:    gantools data get NAME")
        return
    known = known_set(name)
    folder = out or Path("data", name)
    if not quiet:
        say(f"getting {name} from {url or known.url}" if known.url else f"building {name}; this takes some minutes")
    with steps_bar(quiet) as report:
        get_set(known, folder, url, report)
    put(str(folder))
    if not quiet:
        say(f"results in {folder}")
        say(f"next:       gantools data check {shlex.quote(str(folder))}")
