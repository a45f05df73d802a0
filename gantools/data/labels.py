"""Which domains a picture belongs to: from the folder it lies in, or from a file of attributes."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gantools.data.folders import list_images
from gantools.errors import GanToolsError
from gantools.registry import suggestion

log = logging.getLogger("gantools")
Kind = Literal["exclusive", "independent"]
Row = tuple[str, list[str]]  # a file and its values
_LAYOUT = "give --data DIR with a sub-folder for each domain, or --attributes FILE beside it"
_ON, _OFF = {"1", "1.0", "true", "yes"}, {"-1", "0", "-1.0", "0.0", "false", "no", ""}
_RARE = 0.02


@dataclass(frozen=True)
class LabelledSet:
    """Pictures of one data set and their labels: ``labels[i]`` holds a 0 or 1 for each of ``names``.

    "exclusive" domains: each picture is of exactly one; "independent" attributes: each is there or not. ``missing``
    are the pictures that a file of attributes names and that are not there.
    """

    folder: Path
    names: tuple[str, ...]
    kind: Kind
    files: tuple[Path, ...]
    labels: tuple[tuple[int, ...], ...]
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say which domains there are, of which kind, and how many pictures each has."""
        what = "exclusive domains" if self.kind == "exclusive" else "independent attributes"
        return f"{self.folder}: {what} {', '.join(f'{name} {count:,}' for name, count in self.counts().items())}"

    def counts(self) -> dict[str, int]:
        """Return how many pictures each domain or attribute has."""
        return dict(zip(self.names, map(sum, zip(*self.labels, strict=True)), strict=True))


def read_labels(data: Path, attributes: Path | None, select: Sequence[str]) -> LabelledSet:
    """Read one data set: a folder of sub-folders, or a folder of pictures with a file of attributes.

    ``select`` names the domains or attributes to use, in order; empty for all. GanToolsError says what is missing.
    """
    found = _from_file(data, attributes, select) if attributes else _from_folders(data, select)
    if len(found.names) < 2 and found.kind == "exclusive":
        raise GanToolsError(
            f"{data} has one domain only, {found.names[0]}", "two or more are needed to translate between"
        )
    return found


def read_sets(folders: Sequence[Path | str], files: Sequence[Path | str], select: Sequence[str]) -> list[LabelledSet]:
    """Read several data sets; a folder without sub-folders of pictures takes the next file of attributes."""
    waiting = list(map(Path, files))
    chosen = [names.split(",") for names in select]
    if len(chosen) > len(folders) or (chosen and len(chosen) < len(folders)):
        raise GanToolsError(
            f"--select is given {len(chosen)} times for {len(folders)} data sets", "give it once for each"
        )
    found = []
    for i, folder in enumerate(map(Path, folders)):
        attributes = waiting.pop(0) if waiting and not (len(folders) > 1 and _has_domains(folder)) else None
        found.append(read_labels(folder, attributes, [name.strip() for name in chosen[i]] if chosen else []))
    if waiting:
        raise GanToolsError(f"{waiting[0]} belongs to no --data", "give --data DIR for each file of attributes")
    return found


def _has_domains(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_dir() and not path.name.startswith(".") for path in folder.iterdir())


def warn_of_gaps(found: LabelledSet) -> None:
    """Warn of missing pictures, of domains that have hardly any, and of attributes nearly always or never there."""
    total = len(found.files)
    if found.missing:
        some = f"{len(found.missing)} pictures that the attributes name, such as {found.missing[0]},"
        log.warning("left out: %s are not in %s", some, found.folder)
    for name, count in found.counts().items():
        share = count / total
        if share < _RARE or (found.kind == "independent" and share > 1 - _RARE):
            log.warning(
                "%s: %d of %d pictures are %s; the rarer side will hardly be learned", found.folder, count, total, name
            )


def _from_folders(data: Path, select: Sequence[str]) -> LabelledSet:
    if not data.is_dir():
        list_images(data, _LAYOUT)  # says what is there instead
    folders = sorted(path for path in data.iterdir() if path.is_dir() and not path.name.startswith("."))
    names = [folder.name for folder in folders]
    if not names:
        raise GanToolsError(f"{data} has no sub-folders", _LAYOUT)
    chosen = _chosen(names, select, "domain") or names
    files, labels = [], []
    for i, name in enumerate(chosen):
        pictures = list_images(data / name, "put pictures into it, or leave the folder out with --select")
        files += pictures
        labels += [tuple(int(i == j) for j in range(len(chosen)))] * len(pictures)
    return LabelledSet(data, tuple(chosen), "exclusive", tuple(files), tuple(labels))


def _from_file(data: Path, attributes: Path, select: Sequence[str]) -> LabelledSet:
    header, rows = _table(attributes)
    spoken = _words_of(header, rows, select)
    if spoken is not None:
        return _located(data, attributes, *_by_word(rows, *spoken))
    words = [name for i, name in enumerate(header) if any(row[1][i].lower() not in _ON | _OFF for row in rows[:1000])]
    chosen = _chosen(header, select, "attribute") or [name for name in header if name not in words] or words
    if chosen and chosen[0] in words:
        if len(chosen) > 1:
            raise GanToolsError(
                f"{attributes}: {chosen[0]} holds words, not 0 and 1", f"give --select {chosen[0]} alone"
            )
        return _located(data, attributes, *_by_word(rows, header.index(chosen[0]), ()))
    columns = [header.index(name) for name in chosen]
    bits = [(name, tuple(_bit(attributes, name, values[c]) for c in columns)) for name, values in rows]
    exclusive = len(chosen) > 1 and all(sum(row) == 1 for _, row in bits)
    return _located(data, attributes, tuple(chosen), "exclusive" if exclusive else "independent", bits)


def _words_of(header: Sequence[str], rows: Sequence[Row], select: Sequence[str]) -> tuple[int, Sequence[str]] | None:
    """Return the column of words that holds all selected domains, and these, if they are no attributes themselves."""
    if not select or set(select) & set(header):
        return None
    columns = (c for c in range(len(header)) if set(select) <= {values[c] for _, values in rows})
    return next(((column, select) for column in columns), None)


def _by_word(
    rows: Sequence[Row], column: int, select: Sequence[str]
) -> tuple[tuple[str, ...], Kind, list[tuple[str, tuple[int, ...]]]]:
    """Return the domains that a column of words names, all or the selected ones, and each file's."""
    names = tuple(select) or tuple(sorted({values[column] for _, values in rows}))
    found = [(file, values[column]) for file, values in rows if values[column] in names]
    return names, "exclusive", [(file, tuple(int(word == name) for name in names)) for file, word in found]


def _located(
    data: Path, attributes: Path, names: tuple[str, ...], kind: Kind, rows: Sequence[tuple[str, tuple[int, ...]]]
) -> LabelledSet:
    """Find the pictures that the rows name below the folder; those that are missing are told of."""
    by_name = {path.relative_to(data).as_posix(): path for path in list_images(data, _LAYOUT)}
    by_name = {path.name: path for path in by_name.values()} | by_name
    found = [(by_name[name], label) for name, label in rows if name in by_name]
    missing = [name for name, _ in rows if name not in by_name]
    if not found:
        raise GanToolsError(
            f"none of the {len(rows)} pictures that {attributes} names is in {data}: {missing[0]} is not there",
            "give the folder that holds the pictures with --data",
        )
    files, labels = tuple(path for path, _ in found), tuple(label for _, label in found)
    return LabelledSet(data, names, kind, files, labels, tuple(missing))


def _table(path: Path) -> tuple[list[str], list[Row]]:
    """Read CelebA's layout (a count, the names, then a file and -1 or 1 for each) or a CSV with a header."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise GanToolsError(f"cannot read {path}: {error}", "give a CSV, or CelebA's list_attr_celeba.txt") from None
    rows = list(
        _celeba(lines) if lines and lines[0].strip().isdigit() else csv.reader(line for line in lines if line.strip())
    )
    if len(rows) < 2:
        raise GanToolsError(f"{path} holds no rows", "write a header, then a file name and its attributes in each line")
    header, body = rows[0], rows[1:]
    names = header[1:] if len(header) == len(body[0]) else header  # CelebA's names stand without one for the file
    for number, row in enumerate(body, start=2):
        if len(row) != len(names) + 1:
            raise GanToolsError(
                f"{path}, row {number}: {len(row) - 1} values for {len(names)} attributes", "mend the row"
            )
    return [name.strip() for name in names], [(row[0].strip(), [value.strip() for value in row[1:]]) for row in body]


def _celeba(lines: Sequence[str]) -> Iterator[list[str]]:
    return (line.split() for line in lines[1:] if line.strip())


def _bit(path: Path, name: str, value: str) -> int:
    if value.lower() not in _ON | _OFF:
        raise GanToolsError(f"{path}: {name} is `{value}` in one row", "write 1 and 0, or 1 and -1")
    return int(value.lower() in _ON)


def _chosen(names: Sequence[str], select: Sequence[str], what: str) -> list[str]:
    for name in select:
        if name not in names:
            raise GanToolsError(f"there is no {what} `{name}`", suggestion(name, list(names)))
    return list(dict.fromkeys(select))
