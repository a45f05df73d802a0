"""`gantools doctor`."""

from __future__ import annotations

from textwrap import fill
from typing import Annotated, Any

import typer
from rich.console import Console

from gantools.cli.console import put, put_json, say_wrapped, tell

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False) -> None:
    """Look at this machine: versions, devices, what is fast here, disk, plugins, weights; and say what to do."""
    from gantools.diagnosis import diagnose

    found = diagnose()
    if as_json:
        put_json(found)
    else:
        for line in _lines(found):
            put(line)
    for problem in found["problems"]:
        say_wrapped(f"problem: {problem}")
    if not as_json:
        for advice in found["advice"]:
            say_wrapped(f"advice: {advice}", tell)
        tell("next:       gantools demo, or gantools data check DIR")
    if found["problems"]:
        raise typer.Exit(1)


def _lines(found: dict[str, Any]) -> list[str]:
    """Return what was found, a line each."""
    rates = {
        "threads": [f"{count}: {rate} GFLOP/s" for count, rate in found["threads"].items()],
        "precision": [f"{name}: {rate} GFLOP/s" for name, rate in found["precision"].items()],
        "free disk": [f"{place}: {free} GB" for place, free in found["free_gigabytes"].items()],
        "plugins": [name for name, error in found["plugins"].items() if not error],
        "weights": found["weights"],
        "devices": found["devices"],
        "versions": [f"{name} {value}" for name, value in found["versions"].items()],
    }
    order = ("versions", "devices", "threads", "precision", "free disk", "plugins", "weights")
    width = Console().width
    return [fill(f"{name:11}{', '.join(rates[name])}", width, subsequent_indent=" " * 11) for name in order]


def command() -> Any:
    """Build the command."""
    return typer.main.get_command(app)
