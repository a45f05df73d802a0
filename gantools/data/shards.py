"""Plain tars that are read as one folder: which files they hold, found by name without unpacking."""

from __future__ import annotations

import math
import os
import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from gantools.cache import cache_folder
from gantools.data.listing import Names
from gantools.data.tars import members_of
from gantools.errors import GanToolsError
from gantools.storage import write_atomically

_MOST = 100_000
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d{1,18})\.\.(\d{1,18})")
Signature = list[tuple[str, int, int]]  # of each tar its path, size and time


class Shards:
    """The visible files in the tars of a ``pattern``, by their names in there, sorted as paths in a folder are.

    Names are only names: nothing is ever written to them. ``./`` and ``/`` in front do not count, and a part that
    begins with a point, ``..`` too, is hidden, as in folders.
    """

    def __init__(self, pattern: str) -> None:
        self.tars = expand(pattern)
        self.signature = [_signed(path, pattern) for path in self.tars]
        index = cache_folder() / "shards" / f"{sha256(repr(self.signature).encode()).hexdigest()[:32]}.npz"
        found = _kept(index)
        if found is None:
            found = _index(self.tars)
            with suppress(GanToolsError):  # a full disk costs the next run some seconds, no more
                write_atomically(index, lambda temporary: _save(temporary, found))
        self.names = Names(packed=found["names"].tobytes())
        self._tar, self._offset, self._size = found["tar"], found["offset"], found["size"]

    def changed(self) -> bool:
        """Say whether a tar is another one than it was."""
        try:
            return self.signature != [_signed(path, "") for path in self.tars]
        except GanToolsError:
            return True

    def size(self, name: str) -> int | None:
        """Return a file's bytes, or None if there is no such file."""
        row = self._row(name)
        return None if row is None else int(self._size[row])

    def read(self, name: str) -> bytes:
        """Return what is in a file; OSError if there is none, or its tar is gone."""
        row = self._row(name)
        if row is None:
            raise FileNotFoundError(2, "no such file in the tar", name)
        with open(self.tars[self._tar[row]], "rb") as tar:
            tar.seek(int(self._offset[row]))
            return tar.read(int(self._size[row]))

    def below(self, folder: str) -> Iterator[str]:
        """Yield the names below a folder in the tars, "" for all, without the folder's own in front."""
        if not folder:
            yield from self.names
            return
        first = bisect_left(self.names, _order(f"{folder}/"), key=_order)
        for row in range(first, len(self.names)):
            name = self.names[row]
            if not name.startswith(f"{folder}/"):
                return
            yield name[len(folder) + 1 :]

    def _row(self, name: str) -> int | None:
        row = bisect_left(self.names, _order(name), key=_order)
        return row if row < len(self.names) and self.names[row] == name else None


def expand(pattern: str) -> list[str]:
    """Return the paths that a pattern stands for: ``{000..099}`` counts, ``{a,b}`` lists, as in a shell."""
    if os.path.exists(pattern):
        return [pattern]
    parts = _BRACES.split(pattern)  # every other one stood in braces
    choices = [_words(pattern, part) if place % 2 else [part] for place, part in enumerate(parts)]
    count = math.prod(map(len, choices))
    if count > _MOST:
        raise GanToolsError(f"{pattern} stands for {count:,} tars", f"at most {_MOST:,} are read")
    return list(map("".join, product(*choices)))


def _words(pattern: str, inside: str) -> list[str]:
    """Return what braces stand for."""
    counted = _RANGE.fullmatch(inside)
    if counted is None:
        if "," not in inside:
            raise GanToolsError(f"{pattern}: {{{inside}}} is no range", "write {000..099}, or {one,two}")
        return inside.split(",")
    first, last = map(int, counted.groups())
    if not first <= last < first + _MOST:
        raise GanToolsError(f"{pattern}: {{{inside}}} is no range of 1 to {_MOST:,} tars", "write {000..099}")
    width = len(counted[1]) if counted[1].startswith("0") else 0
    return [f"{number:0{width}}" for number in range(first, last + 1)]


def _signed(path: str, pattern: str) -> tuple[str, int, int]:
    try:
        status = os.stat(path)
    except OSError as error:
        part = f", one of {pattern}," if path != pattern else ""
        raise GanToolsError(f"{path}{part} cannot be read: {error.strerror}", "check the path") from None
    return os.path.abspath(path), status.st_size, status.st_mtime_ns


def _index(tars: list[str]) -> dict[str, Any]:
    """Read the headers of all tars; of a name that a tar has twice the later file counts, as where it is unpacked."""
    names, tar, offset, size = list[str](), list[int](), list[int](), list[int]()
    for number, path in enumerate(tars):
        for member in members_of(Path(path)):
            name = _visible(member.name)
            if name is not None:
                names.append(name)
                tar.append(number)
                offset.append(member.offset)
                size.append(member.size)
    keys = list(map(_order, names))
    rows: list[int] = []
    for row in sorted(range(len(names)), key=keys.__getitem__):
        if rows and names[rows[-1]] == names[row]:
            before = rows.pop()
            if tar[before] != tar[row]:
                twice = f"{names[row]} is in {tars[tar[before]]} and in {tars[tar[row]]}"
                raise GanToolsError(twice, "in shards that are read together every file needs a name of its own")
        rows.append(row)
    packed = Names(map(names.__getitem__, rows)).packed
    return {
        "names": np.frombuffer(packed, np.uint8),
        "tar": np.array(tar, np.int32)[rows],
        "offset": np.array(offset, np.int64)[rows],
        "size": np.array(size, np.int64)[rows],
    }


def _visible(name: str) -> str | None:
    """Return a name as it is below a folder, or None if it is hidden or no name at all."""
    if name and name[0] not in "./" and "/." not in name and "//" not in name and "\0" not in name:
        return name
    parts = [part for part in name.split("/") if part not in {"", "."}]
    return None if not parts or "\0" in name or any(part.startswith(".") for part in parts) else "/".join(parts)


def _order(name: str) -> str:
    """Return what names are sorted by, so that a folder's files come where the folder would."""
    return name.replace("/", "\0")


def _kept(index: Path) -> dict[str, Any] | None:
    """Return an index that was kept; None if there is none, or it is damaged."""
    try:
        with index.open("rb") as file, np.load(file) as arrays:
            found = {name: arrays[name] for name in ("names", "tar", "offset", "size")}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    rows = int((found["names"] == 0).sum())
    return found if all(found[name].shape == (rows,) for name in ("tar", "offset", "size")) else None


def _save(path: Path, index: dict[str, Any]) -> None:
    with path.open("wb") as file:
        np.savez(file, **index)
