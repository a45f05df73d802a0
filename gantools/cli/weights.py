"""`gantools weights list`, `show`, `verify`, `import`, `push` and `pull`."""

from __future__ import annotations

import shlex
from hashlib import file_digest
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any, Literal

import typer
from rich.table import Table

from gantools.cli import completion
from gantools.cli.console import put, put_json, say, tell
from gantools.cli.verify import verify
from gantools.errors import GanToolsError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="List, verify, import weights, read their headers, and exchange them through a hub.",
)
app.command()(verify)
_REFERENCE = typer.Argument(help="weights file, run folder or name", autocompletion=completion.weights)
_JSON = typer.Option("--json", help="print JSON")


@app.command("list")
def list_weights(as_json: Annotated[bool, _JSON] = False) -> None:
    """List the weights that can be used: of runs under ./runs, of GANTOOLS_WEIGHTS, and the shipped ones."""
    from gantools.weights.find import find_weights, run_weights
    from gantools.weights.places import named_weights

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
    tell("more of one: gantools weights show NAME")


@app.command()
def show(
    reference: Annotated[str, _REFERENCE],
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


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="checkpoint of another program, or the folder with all of them")],
    out: Annotated[Path, typer.Option("-o", "--out", help="weights file to write, NAME.safetensors")],
    task: Annotated[
        str | None, typer.Option(help="task to import for, where several could use the networks", show_default=False)
    ] = None,
    inference: Annotated[
        Literal["batch", "eval"],
        typer.Option(
            help="how they translate: by batch statistics with dropout, as their authors test, or after eval()"
        ),
    ] = "batch",
    dropout: Annotated[
        float | None,
        typer.Option(help="dropout, where it cannot be seen \\[default: 0.5]", show_default=False, min=0, max=0.99),
    ] = None,
    domains: Annotated[
        list[str] | None,
        typer.Option(
            help="names of the domains, A,B,…; once for each data set \\[default: A,B; StarGAN's: 0,1,…]",
            show_default=False,
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            help="StarGAN's domains are exclusive, or independent attributes; once for each data set "
            "\\[default: independent]",
            show_default=False,
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(help="side of the training pictures, where it cannot be seen", show_default=False, min=8),
    ] = None,
    text_encoder: Annotated[
        str | None,
        typer.Option(
            help="DF-GAN's text encoder, text_encoder*.pth; it is kept beside the weights", show_default=False
        ),
    ] = None,
    vocabulary: Annotated[
        Path | None, typer.Option(help="the words that it knows, captions_DAMSM.pickle", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="replace an existing file")] = False,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Turn weights of CycleGAN, pix2pix, CUT, StarGAN or DF-GAN, as their authors save them, into a weights file.

    Nothing in the checkpoint is executed. What is read, and what cannot be seen in it: docs/import.md.
    """
    from gantools.interchange import Wishes
    from gantools.plugins import manager
    from gantools.weights.find import find_weights
    from gantools.weights.importing import import_weights

    wishes = Wishes(inference, dropout, tuple(domains or ()), tuple(labels or ()), size, text_encoder)
    layout = import_weights(source, out, wishes, task, force, vocabulary)
    found = find_weights(out)
    if as_json:
        put_json(describe(found) | {"layout": layout})
        return
    put(str(out))
    critics = found.header.extra["imported"]["discriminators"]
    tell(f"imported {layout}{'; its discriminators are kept for `train --init`' if critics else ''}")
    verb = (
        'generate "WORDS"' if "generate" in manager().tasks.get(found.header.task).capabilities else "translate PICTURE"
    )
    tell(f"use it with: gantools {verb} --weights {shlex.quote(str(out))}")


@app.command()
def push(
    reference: Annotated[str, _REFERENCE],
    repository: Annotated[str, typer.Argument(help="where to: USER/NAME")],
    private: Annotated[bool, typer.Option("--private", help="make a new repository private")] = False,
) -> None:
    """Upload weights to the Hugging Face hub, with a model card and a sheet of what they do."""
    from gantools.weights.find import find_weights
    from gantools.weights.hub import push as upload

    put(upload(find_weights(reference), repository, private))
    tell(f"use it with: --weights hf://{repository.removeprefix('hf://')}")


@app.command()
def pull(
    repository: Annotated[str, typer.Argument(help="USER/NAME or USER/NAME@REVISION")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="file to write \\[default: NAME.safetensors]", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="replace an existing file")] = False,
) -> None:
    """Download weights from the Hugging Face hub into a file."""
    from shutil import copyfile

    from gantools.storage import write_atomically
    from gantools.weights.header import read_header
    from gantools.weights.hub import pull as download

    name = repository.partition("@")[0].rpartition("/")[2]
    target = out or Path(f"{name}.safetensors")
    if target.exists() and not force:
        raise GanToolsError(f"{target} exists", "choose another name with -o, or replace it with --force")
    source = download(repository)
    read_header(source)  # is it weights of gantools?
    write_atomically(target, lambda temporary: copyfile(source, temporary))
    put(str(target))
    tell(f"use it with: --weights {shlex.quote(str(target))}")


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
    origin = {name: header.extra[name] for name in ("imported", "init") if name in header.extra}
    return described | ({"domains": header.domains} if header.domains else {}) | origin


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
