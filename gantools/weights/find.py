"""Which weights a reference means: a file, a run folder, a name, a plugin's URI, or nothing at all."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.registry import load_object, suggestion
from gantools.weights.header import Header, read_header
from gantools.weights.places import NAME, named_weights, run_folders, shipped_index

log = logging.getLogger("gantools")


@dataclass(frozen=True)
class Found:
    """A weights file, the name to call it by, and its header."""

    name: str
    path: Path
    header: Header


def find_weights(reference: str | Path) -> Found:
    """Return the weights that a path, a run folder, a shipped name or a plugin's URI stands for."""
    path = Path(reference)
    known = {found.stem: found for found in reversed(named_weights())}  # of one name twice, the first counts
    is_run = (path / NAME).is_file()
    if path.is_dir() and (is_run or str(reference) not in known):  # a folder of something else hides no name
        if not is_run:
            raise GanToolsError(f"{path} has no {NAME}", _unfinished(path))
        path = path / NAME
    if path.is_file():
        return Found(str(reference), path, read_header(path))
    if str(reference) in known:
        path = known[str(reference)]
        return Found(str(reference), path, read_header(path))
    answer = manager().first("gantools_find_weights", reference=str(reference))
    if answer is not None:
        return Found(str(reference), Path(answer), read_header(Path(answer)))
    raise GanToolsError(
        f"no weights `{reference}`: no such file, run folder or name",
        suggestion(str(reference), [*known, *run_folders(NAME)]),
    )


def default_weights(capability: str, options: Iterable[str] = ()) -> Found:
    """Return the newest finished run under ./runs that has the capability, else the shipped default for it.

    Only weights whose task takes all of these inference ``options`` count, if there are any.
    """
    wanted = set(options)
    for found in run_weights():
        if found.header.complete and _can(found.header.task, capability, wanted):
            return found
    index = shipped_index()
    first = index.get("default", {}).get(capability)
    for name in sorted(index.get("weights", {}), key=lambda name: name != first):
        if _can(index["weights"][name]["task"], capability, wanted):
            return find_weights(name)
    if wanted:
        return default_weights(capability)  # whose task then says which options it takes
    raise GanToolsError(
        f"no weights that can {capability}: no finished run under ./runs, and none are shipped",
        "train some, such as `gantools train cyclegan --a DIR --b DIR`, or give --weights FILE",
    )


def _can(task: str, capability: str, options: set[str]) -> bool:
    if task not in manager().tasks.names():
        return False
    info = manager().tasks.get(task)
    return capability in info.capabilities and options <= load_object(info.options).model_fields.keys()


def run_weights(folder: Path = Path("runs")) -> Iterator[Found]:
    """Yield the readable weights of the runs under a folder, the newest first."""
    paths = sorted(folder.glob(f"*/*/{NAME}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in paths:
        try:
            yield Found(str(path.parent), path, read_header(path))
        except GanToolsError as error:
            log.warning("left out: %s", error.message)


def _unfinished(path: Path) -> str:
    if (path / "checkpoints").is_dir():
        return f"the run has not saved weights yet; go on with `gantools resume {shlex.quote(str(path))}`"
    return "give a weights file, a run folder, or a name from `gantools weights list`"
