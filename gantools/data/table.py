"""Files of attributes: CelebA's layout or a CSV, kept as small numbers."""

from __future__ import annotations

import csv
import logging
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path

from gantools.errors import GanToolsError

log = logging.getLogger("gantools")
_AT_ONCE = 4096


@dataclass(frozen=True)
class Column:
    """The different words of a column, and for each row the number of its word."""

    words: tuple[str, ...]
    numbers: Sequence[int]

    def some(self, count: int) -> list[str]:
        """Return the words of the first rows."""
        return [self.words[number] for number in self.numbers[:count]]


@dataclass(frozen=True)
class Table:
    """A row for each file, and its columns with their names."""

    header: tuple[str, ...]
    files: tuple[str, ...]
    columns: tuple[Column, ...]


def read_table(path: Path) -> Table:
    """Read CelebA's layout (a count, the names, then a file and -1 or 1 for each) or a CSV with a header.

    GanToolsError says which row does not fit.
    """
    try:
        state = path.stat()
        return _read(path, state.st_size, state.st_mtime_ns)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GanToolsError(f"cannot read {path}: {error}", "give a CSV, or CelebA's list_attr_celeba.txt") from None


@lru_cache(maxsize=4)
def _read(path: Path, size: int, changed: int) -> Table:
    """Read a file, again only if it has changed."""
    with path.open(encoding="utf-8-sig") as file:
        filled = (line for line in file if line.strip())
        first = next(filled, "")
        celeba = first.strip().isdecimal()
        rows = map(str.split, filled) if celeba else _comma_separated(first, filled)
        header, row = next(rows, []), next(rows, [])
        if not row:
            hint = "write a header, then a file name and its attributes in each line"
            raise GanToolsError(f"{path} holds no rows", hint)
        names = header[1:] if len(header) == len(row) else header  # CelebA's names stand without one for the file
        if not names:
            raise GanToolsError(f"{path} has no attributes beside the file names", "separate them by commas")
        checked = _checked(path, len(names) + 1, 3 if celeba else 2, chain([row], rows))
        files, columns = _columns(checked, len(names))
        if celeba and len(files) != int(first):
            log.warning("%s says that it has %s rows, but has %s", path, f"{int(first):,}", f"{len(files):,}")
    return Table(tuple(names), tuple(files), tuple(columns))


def _comma_separated(first: str, others: Iterator[str]) -> Iterator[list[str]]:
    for row in csv.reader(chain([first], others), delimiter=max(",;\t", key=first.count)):
        yield [cell.strip() for cell in row]


def _checked(path: Path, width: int, first: int, rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Pass rows on; GanToolsError for one of another width."""
    for number, row in enumerate(rows, first):
        if len(row) != width:
            raise GanToolsError(
                f"{path}, row {number}: {len(row) - 1} values for {width - 1} attributes", "mend the row"
            )
        yield row


def _columns(rows: Iterator[list[str]], count: int) -> tuple[list[str], list[Column]]:
    """Return the files, and the columns: a byte for each cell, or 4 where there are very many words."""
    files: list[str] = []
    words = [_Numbers() for _ in range(count)]
    numbers = [array("B") for _ in range(count)]
    while chunk := list(islice(rows, _AT_ONCE)):
        names, *columns = zip(*chunk, strict=True)
        files += names
        for i, column in enumerate(columns):
            found = list(map(words[i].__getitem__, column))
            if len(words[i]) > 256 and numbers[i].typecode == "B":
                numbers[i] = array("I", numbers[i])
            numbers[i].extend(found)
    return files, [Column(tuple(known), cells) for known, cells in zip(words, numbers, strict=True)]


class _Numbers(dict[str, int]):
    """Numbers words in the order in which they come."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number
