"""What all commands have in common: examples under the help, and ``--quiet``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gantools.cli.console import hush
from gantools.cli.examples import EXAMPLES, epilog


def complete(name: str, command: Any) -> Any:
    """Return a command, and those below it, with the examples of its name and with ``--quiet``."""
    if name in EXAMPLES:
        command.epilog = epilog(*EXAMPLES[name])
    parts = getattr(command, "commands", {})
    for sub, part in parts.items():
        complete(f"{name} {sub}", part)
    taken = {flag for parameter in command.params for flag in parameter.opts}
    if (not parts or command.invoke_without_command) and not taken & {"--quiet", "-q"}:
        command.params.append(_quiet(command))
    return command


def _heed(quiet: bool) -> None:
    """Leave what a group was told as it is."""
    if quiet:
        hush(True)


def _quiet(command: Any) -> Any:
    """Return the option, for the panel of what is put out."""
    app = typer.Typer(add_completion=False)

    @app.command()
    def borrowed(
        quiet: Annotated[
            bool,
            typer.Option(
                "--quiet", "-q", help="print results, warnings and errors only", callback=_heed, expose_value=False
            ),
        ] = False,
    ) -> None: ...

    option: Any = typer.main.get_command(app).params[0]
    panels = {getattr(parameter, "rich_help_panel", None) for parameter in command.params}
    option.rich_help_panel = "Output" if "Output" in panels else None
    return option
