"""Many paths in little memory, and the items that are made of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np

Files = tuple[Path, ...]


class Names(Sequence[str]):
    """Strings without NUL, as file names are, in one string of bytes: a million of 20 characters take 29 MB.

    Worker processes that are forked share it, as nothing counts references to what is in it.
    """

    def __init__(self, names: Iterable[str] = (), packed: bytes = b"") -> None:
        self.packed = packed or os.fsencode("".join(f"{name}\0" for name in names))
        self._ends = np.flatnonzero(np.frombuffer(self.packed, np.uint8) == 0)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        return os.fsdecode(self.packed[self._ends[index - 1] + 1 if index else 0 : self._ends[index]])

    def __iter__(self) -> Iterator[str]:
        return iter(os.fsdecode(self.packed).split("\0")[:-1])


class Listing(Sequence[Path]):
    """Files by their ``names`` below a folder; a Path is made when it is asked for."""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self.folder, self.names = folder, Names(names)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> list[Path]: ...

    def __getitem__(self, index: int | slice) -> Path | list[Path]:
        if isinstance(index, slice):
            return [self.folder / name for name in self.names[index]]
        return self.folder / self.names[index]

    def __iter__(self) -> Iterator[Path]:
        return (self.folder / name for name in self.names)


class Items(Sequence[Files]):
    """Items of a file from each column: pictures alone, or pairs."""

    def __init__(self, *columns: Sequence[Path]) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, index: int) -> Files: ...

    @overload
    def __getitem__(self, index: slice) -> list[Files]: ...

    def __getitem__(self, index: int | slice) -> Files | list[Files]:
        if isinstance(index, slice):
            return list(zip(*(column[index] for column in self._columns), strict=True))
        return tuple(column[index] for column in self._columns)

    def __iter__(self) -> Iterator[Files]:
        return zip(*self._columns, strict=True)
