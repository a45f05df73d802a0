"""What all commands have in common: help that fits a terminal, examples under it, and ``--quiet``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gantools.cli.console import hush
from gantools.cli.examples import EXAMPLES, epilog

_TYPE_WIDTH = 12  # of the help's column of types: what is wider leaves no room for words at 80 columns


def make_uniform(name: str, command: Any) -> Any:
    """Return a command, and those below it, with the examples of its name and with ``--quiet``."""
    if name in EXAMPLES:
        command.epilog = epilog(*EXAMPLES[name])
    parts = getattr(command, "commands", {})
    for sub, part in parts.items():
        make_uniform(f"{name} {sub}", part)
    taken = {flag for parameter in command.params for flag in parameter.opts}
    if (not parts or command.invoke_without_command) and not taken & {"--quiet", "-q"}:
        command.params.append(_quiet(command))
    if not parts:
        _narrow(command)
    return command


def _narrow(command: Any) -> None:
    """Let the help take few columns before its words; what is parsed stays as it is."""
    show = command.format_help

    def format_help(context: Any, formatter: Any) -> None:
        options = (parameter for parameter in command.params if parameter.param_type_name == "option")
        for parameter in options:
            if parameter.secondary_opts:  # a column of their own, and those of both would not fit
                parameter.opts = [f"--[no-]{flag[2:]}" if flag[:2] == "--" else flag for flag in parameter.opts]
                parameter.secondary_opts = []
            kind = parameter.display_type_rich(context) or ""
            choices = kind.strip("<>").split("|")
            if len(choices) > 1 and len(kind) > _TYPE_WIDTH:
                parameter.metavar = "<word>"
                parameter.help = f"{', '.join(choices[:-1])} or {choices[-1]}: {parameter.help}"
            elif kind:
                parameter.metavar = kind.replace(" range>", ">").removesuffix("...")
        show(context, formatter)

    command.format_help = format_help


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
