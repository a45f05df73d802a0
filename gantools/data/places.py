"""What a path leads to: files and folders on disk, or in plain tars, whose path or pattern stands for a folder.

``shards/{000..099}.tar`` is a folder of what is in the hundred tars, and ``shards/{000..099}.tar/cats/1.png`` a file.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from gantools.data.shards import Shards
from gantools.errors import GanToolsError

log = logging.getLogger("gantools")
_TAR = re.compile(r"\.tar(/|$)")
_COMPRESSED = re.compile(r".*\.(tar\.\w+|tgz|tbz2?|txz)")
_open: dict[str, Shards] = {}


def is_folder(path: Path) -> bool:
    """Say whether a path leads to a folder; GanToolsError if it names tars that cannot be read."""
    if _COMPRESSED.fullmatch(str(path)) and not path.is_dir():
        raise GanToolsError(f"{path}: compressed tars are not read", "unpack them to plain .tar files, or to a folder")
    inside = _inside(path)
    if inside is None:
        return path.is_dir()
    shards, name = inside
    return not name or next(shards.below(name), None) is not None


def is_file(path: Path) -> bool:
    """Say whether a path leads to a file; one with a name too long leads nowhere."""
    inside = _inside(path)
    return os.path.isfile(path) if inside is None else inside[0].size(inside[1]) is not None


def size_of(path: Path) -> int:
    """Return a file's bytes, 0 if it cannot be found."""
    inside = _inside(path)
    try:
        return path.stat().st_size if inside is None else inside[0].size(inside[1]) or 0
    except OSError:
        return 0


def read(path: Path) -> bytes:
    """Return what is in a file; OSError if it cannot be read."""
    inside = _inside(path)
    return path.read_bytes() if inside is None else inside[0].read(inside[1])


def source(path: Path) -> Path | BytesIO:
    """Return what Pillow opens: the path of a file on disk, else what is in it."""
    return path if _inside(path) is None else BytesIO(read(path))


def folders_in(path: Path) -> list[str]:
    """Return the names of the visible folders right inside a folder, sorted."""
    inside = _inside(path)
    if inside is None:
        return sorted(entry.name for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    shards, name = inside
    return sorted({below.partition("/")[0] for below in shards.below(name) if "/" in below})


def names_below(folder: Path) -> Iterator[str]:
    """Yield the names of all visible files below a folder, sorted as paths are; linked folders are entered once.

    Of two ways to one folder the first by name counts, so that a picture has the same name on every machine.
    """
    inside = _inside(folder)
    return _on_disk(str(folder), "", set()) if inside is None else inside[0].below(inside[1])


def name_of(folder: Path) -> str:
    """Return what a folder is called; of shards that a pattern names, what the folder is called that they are in."""
    path = folder.resolve()
    if path.suffix == ".tar" and not path.is_dir():
        return path.parent.name if "{" in path.name else path.stem
    return path.name


def refresh(folder: Path) -> None:
    """Forget the tars that a path names, if they are others by now."""
    inside = _inside(folder)
    if inside is not None and inside[0].changed():
        _open.clear()


def _inside(path: Path) -> tuple[Shards, str] | None:
    """Return the tars that a path leads into and the name in there, or None for a path on disk."""
    text = path.as_posix()
    for match in _TAR.finditer(text):
        pattern, name = text[: match.start() + 4], text[match.end() :]
        if os.path.isdir(pattern):
            continue
        key = os.path.abspath(pattern)
        if key not in _open:
            _open[key] = Shards(pattern)
        return _open[key], name
    return None


def _on_disk(folder: str, before: str, seen: set[tuple[int, int]]) -> Iterator[str]:
    """Yield the names of files with ``before`` in front of them, a folder's where it stands among its neighbours."""
    try:
        status = os.stat(folder)
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            found = {entry.name: _leads_to_folder(entry) for entry in entries if not entry.name.startswith(".")}
    except OSError as error:
        log.warning("left out: folder %s cannot be read: %s", error.filename, error.strerror)
        return
    for name in sorted(found):
        if found[name]:
            yield from _on_disk(os.path.join(folder, name), f"{before}{name}/", seen)
        else:
            yield before + name


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
