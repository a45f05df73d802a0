"""The root command: knows every verb by name, and imports one only when it is typed."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import gantools
from gantools.cli.console import TalkHandler, hush, put, say, show_error
from gantools.cli.uniform import make_uniform
from gantools.errors import GanToolsError
from gantools.plugins import manager

_VERBS = {
    "demo": "see it work on the shipped example pictures",
    "data": "check, prepare and get pictures to train on",
    "train": "train a task on your own pictures",
    "resume": "go on with an interrupted run, exactly where it stopped",
    "translate": "translate pictures with trained weights",
    "generate": "generate pictures from words",
    "evaluate": "measure how good weights are, on pictures they were not trained on",
    "sweep": "train every combination of some settings with several seeds, and compare",
    "compare": "set runs beside each other, with mean and spread over seeds",
    "report": "write a run as one page of HTML",
    "ui": "serve a web page on this machine: translate, generate, watch runs",
    "objectives": "list the objective layer's entries, with their formulas",
    "weights": "list trained weights, import those of others, exchange them through a hub",
    "export": "write weights for other programs",
    "doctor": "look at this machine, and say what is fast here and what is wrong",
    "plugins": "list, install and remove plugins, and begin a new one",
}


class LazyCommand(TyperCommand):
    """A verb's name and help line; `load` imports the real command."""

    def load(self) -> Any:
        """Import ``gantools.cli.VERB`` and return its command."""
        return make_uniform(str(self.name), import_module(f"gantools.cli.{self.name}").command())


class RootGroup(TyperGroup):
    """Resolves verbs late, adds the plugins' commands, and prints our own errors as error and hint."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, line in _VERBS.items():
            self.add_command(LazyCommand(name, help=line, rich_markup_mode=None))
        manager().each("gantools_register_commands", self._add_from)

    def _add_from(self, register: Callable[..., None]) -> None:
        """Add the commands of one plugin, built on an app of its own."""
        extra = typer.Typer(add_completion=False, callback=lambda: None)
        register(app=extra)
        for name, command in typer.main.get_group(extra).commands.items():
            if name in self.commands:
                raise ValueError(f"there is a command `{name}` already")
            self.add_command(make_uniform(name, command))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Find a verb and import it."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, LazyCommand) else command, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a GanToolsError ends it with its message and exit code 1, Ctrl-C with 130."""
        hush(False)
        try:
            return super().invoke(ctx)
        except GanToolsError as error:
            show_error(error)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(130) from None


app = typer.Typer(
    name="gantools",
    cls=RootGroup,
    help="Train and use image-to-image GANs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        put(f"gantools {gantools.__version__}")
        raise typer.Exit()


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Train and use image-to-image GANs."""


def main() -> None:
    """Run the command line."""
    logger = logging.getLogger("gantools")
    logger.addHandler(TalkHandler())
    logger.propagate = False
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter is no reason to stop
    sys.exit(app())
