"""Weights of other programs become weights files of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import file_digest
from pathlib import Path
from typing import Any

from torch import Tensor

from gantools.config import RunConfig, validate
from gantools.errors import GanToolsError
from gantools.interchange import Imported, Importer, Parts, Wishes
from gantools.networks.renaming import on_meta
from gantools.plugins import manager
from gantools.registry import load_object
from gantools.task import Networks, Task
from gantools.text.recurrent import write_encoder
from gantools.weights.foreign import read_parts, read_vocabulary
from gantools.weights.header import Header, environment, plugin_of, save_weights, with_critics


def import_weights(
    source: Path,
    target: Path,
    wishes: Wishes,
    task: str | None = None,
    force: bool = False,
    vocabulary: Path | None = None,
) -> str:
    """Read a checkpoint or a folder of them and write a weights file; return what was read, in words.

    With a ``vocabulary``, ``wishes.encoder`` is the file of a text encoder, and becomes a folder beside ``target``.
    GanToolsError says what no importer can read, or what does not fit.
    """
    if target.exists() and not force:
        raise GanToolsError(f"{target} exists", "choose another name with -o, or replace it with --force")
    parts, files = read_parts(source)
    name, importer = pick_importer(parts, task)
    if vocabulary is None and Path(wishes.encoder or "").is_file():
        raise GanToolsError(
            f"{wishes.encoder} does not say which words it knows", "give --vocabulary captions_DAMSM.pickle"
        )
    if vocabulary is not None:
        wishes = replace(wishes, encoder=_import_encoder(wishes.encoder, vocabulary, target, force))
    try:
        imported = importer.read(parts, wishes)
        config = _fitting(importer.task, imported)
    except (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, MemoryError) as error:
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise GanToolsError(
            f"{source} looks like weights for {name}, and is not: {reason}", "is it a generator's whole state dict?"
        ) from None
    header = Header(
        task=importer.task,
        plugin=plugin_of(importer.task),
        config=config.model_dump(mode="json", exclude=_of_this_machine(config)),
        size=getattr(config, "size", None),
        data={"kind": manager().tasks.get(importer.task).data, "domains": imported.domains},
        domains=imported.domains if hasattr(config, "domains") else [],
        extra={"imported": _origin(name, imported, files)},
        environment=environment(),
    )
    save_weights(target, imported.tensors | with_critics(imported.critics), header)
    return imported.layout


def _import_encoder(file: str | None, vocabulary: Path, target: Path, force: bool) -> str:
    """Write a text encoder into a folder beside a weights file, and return where."""
    if file is None:
        raise GanToolsError("--vocabulary goes with a text encoder", "give --text-encoder FILE")
    parts, _ = read_parts(Path(file))
    folder = target.with_name(f"{target.stem}-encoder").resolve()
    write_encoder(folder, next(iter(parts.values())), read_vocabulary(vocabulary), force)
    return str(folder)


def pick_importer(parts: Parts, task: str | None = None) -> tuple[str, Importer]:
    """Return the importer that suits networks best, of those for a task if one is asked for."""
    if task is not None:
        manager().tasks.get(task)
    loaded = [(reference.name, reference.load()()) for reference in manager().importers]
    known = [(name, importer) for name, importer in loaded if task in {None, importer.task}]
    suited = {name: importer.suits(parts) for name, importer in known}
    best = max(suited.values(), default=0)
    for name, importer in known:
        if best and suited[name] == best:
            return name, importer
    names = ", ".join(f"{name} ({len(tensors)} tensors, such as {min(tensors)})" for name, tensors in parts.items())
    what = f"no importer for the task `{task}` knows" if task else "no importer knows"
    raise GanToolsError(f"{what} these networks: {names}", _readable(loaded))


def _readable(importers: Sequence[tuple[str, Importer]]) -> str:
    return "known: " + (", ".join(f"{name} (task {importer.task})" for name, importer in importers) or "none")


def _fitting(name: str, imported: Imported) -> RunConfig:
    """Return the configuration that the settings give; GanToolsError if its generators are not those of the tensors."""
    info = manager().tasks.get(name)
    config: RunConfig = validate(load_object(info.config), imported.settings)
    task: Task[Any] = load_object(info.task)(config)
    expected: dict[str, Tensor] = on_meta(lambda: Networks(task.generators())).generators.state_dict()
    strange = expected.keys() ^ imported.tensors.keys()
    strange |= {key for key in expected.keys() - strange if expected[key].shape != imported.tensors[key].shape}
    if strange:
        raise GanToolsError(
            f"the importer made tensors that do not fit the task {name}, such as {min(strange)}",
            "report it to the importer's author",
        )
    return config


def _of_this_machine(config: RunConfig) -> set[str]:
    """Return the settings that say nothing about the weights."""
    panels = {name: field.json_schema_extra for name, field in type(config).model_fields.items()}
    return {
        name for name, said in panels.items() if isinstance(said, dict) and said.get("panel") in {"Machine", "Output"}
    }


def _origin(importer: str, imported: Imported, files: Sequence[Path]) -> dict[str, Any]:
    """Return what the header says of where weights are from, and which discriminators `--init` finds in them."""
    critics = sorted({key.partition(".")[0] for key in imported.critics})
    return {
        "layout": imported.layout, "importer": importer, "files": _described(files), "discriminators": critics,
    }  # fmt: skip


def _described(files: Sequence[Path]) -> list[dict[str, str]]:
    """Return the names and SHA-256 of the files that weights are from."""
    described = []
    for path in files:
        with path.open("rb") as file:
            described.append({"name": path.name, "sha256": file_digest(file, "sha256").hexdigest()})
    return described
