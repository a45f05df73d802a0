"""`gantools plugins list`, `new`, `install` and `uninstall`."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gantools.cli.console import put, put_json, say, tell
from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.registry import suggestion
from gantools.scaffold import Kind, write_plugin

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="List, install and remove plugins, and begin a new one.",
)
_YES = typer.Option("--yes", "-y", help="don't ask")


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


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="what it brings is called: line-drawing")],
    kind: Annotated[Kind, typer.Option(help="what it brings")] = "task",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="folder to write [default: gantools-NAME]", show_default=False)
    ] = None,
) -> None:
    """Write a plugin that works and is tested, to change from there."""
    for registry in (manager().tasks, manager().objectives, manager().metrics):
        if name in registry.names():
            taken = f"{registry.origin(name)} brings the {registry.what} `{name}` already"
            raise GanToolsError(taken, "choose another name")
    folder = out or Path(f"gantools-{name}")
    for path in write_plugin(name, kind, folder):
        tell(f"wrote {path}")
    put(str(folder))
    tell(f"next:   cd {shlex.quote(str(folder))} && pip install -e '.[dev]' && pytest")


@app.command()
def install(
    packages: Annotated[list[str], typer.Argument(help="what pip installs: names, folders, wheels, addresses")],
    yes: Annotated[bool, _YES] = False,
) -> None:
    """Install plugins with pip, into the environment that gantools runs in."""
    for package in packages:
        if package.startswith((".", "/")) and not Path(package.partition("[")[0]).exists():
            raise GanToolsError(f"there is no {package}", "name a folder or wheel that is there, or a package")
    say(f"{', '.join(packages)}: somebody else's code, which will run whenever gantools does, with all your rights")
    _ask("install it?", yes)
    before = _installed()
    _run("pip", "install", "--quiet", *packages)
    new = [plugin for plugin in _installed() if plugin not in before]
    for plugin in new:
        brings = ", ".join(hook.removeprefix("gantools_") for hook in plugin["hooks"])
        say(f"{plugin['name']} ({plugin['distribution']} {plugin['version']}): {plugin['error'] or brings}")
    tell("more: gantools plugins list" if new else "installed, but it brings gantools no new plugin")


@app.command()
def uninstall(
    name: Annotated[str, typer.Argument(help="plugin, or its distribution")], yes: Annotated[bool, _YES] = False
) -> None:
    """Remove a plugin's distribution with pip."""
    records = manager().records
    distributions = {record.distribution for record in records.values()}
    distribution = records[name].distribution if name in records else name
    if distribution not in distributions:
        raise GanToolsError(f"no plugin or distribution `{name}` is installed", suggestion(name, list(records)))
    if distribution == "gantools":
        raise GanToolsError(f"`{name}` is a part of gantools", "it stays; only other plugins can be removed")
    lost = [record.name for record in records.values() if record.distribution == distribution]
    _ask(f"remove {distribution}, with {', '.join(lost)}?", yes)
    _run("pip", "uninstall", "--yes", distribution)
    say(f"{distribution} is removed; weights that need it will say so")


def _ask(question: str, yes: bool) -> None:
    """Go on only with a yes; where nobody can be asked it has to be given beforehand."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise GanToolsError("there is no terminal to ask at", "say yes beforehand: --yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)


def _installed() -> list[dict[str, Any]]:
    """Return the plugins that a new process finds."""
    found: list[dict[str, Any]] = json.loads(_run("gantools", "plugins", "list", "--json"))
    return found


def _run(module: str, *arguments: str) -> str:
    """Run a module of this environment and return what it prints; GanToolsError if it is not there, or fails."""
    if find_spec(module) is None:
        hint = f"install with what made the environment: uv {module} {shlex.join(arguments)}"
        raise GanToolsError(f"there is no {module} in this environment", hint)
    done = subprocess.run(  # noqa: S603  (what to install is the user's choice, and no shell reads it)
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it says nothing"]
        reason = next((line for line in lines if line.startswith("ERROR: ")), lines[-1])
        raise GanToolsError(f"{module} {arguments[0]} failed: {reason.removeprefix('ERROR: ')}", "nothing is changed")
    return done.stdout


def command() -> Any:
    """Build the group."""
    return typer.main.get_command(app)
