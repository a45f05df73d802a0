"""`gantools weights verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from gantools.cli.console import put, put_json, say, with_bar
from gantools.errors import GanToolsError
from gantools.registry import suggestion


def verify(
    names: Annotated[list[str] | None, typer.Argument(help="shipped weights; all without", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Check that shipped weights are the recorded files, and still make of the examples what is recorded."""
    from gantools.inference.verification import verify as problems_of
    from gantools.weights.places import shipped_index

    known = list(shipped_index().get("weights", {}))
    strange = [name for name in names or [] if name not in known]
    if strange:
        raise GanToolsError(f"no shipped weights are called `{strange[0]}`", suggestion(strange[0], known))
    chosen = names or known
    found = {name: problems_of(name) for name in with_bar(chosen, "verifying", len(chosen))}
    if as_json:
        put_json(found)
    else:
        for name, problems in found.items():
            put(f"{name}: {'; '.join(problems) or 'as recorded'}")
    if any(found.values()):
        say("install gantools again, or leave what differs alone: another processor rounds otherwise, but never by 1 %")
        raise typer.Exit(1)
