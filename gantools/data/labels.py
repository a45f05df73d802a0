"""Which domains a picture belongs to: from the folder it lies in, or from a file of attributes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from gantools.data.folders import is_image, list_images
from gantools.data.listing import Listing
from gantools.data.places import folders_in, is_folder
from gantools.data.table import Column, read_table
from gantools.errors import GanToolsError
from gantools.registry import suggestion

log = logging.getLogger("gantools")
Kind = Literal["exclusive", "independent"]
_LAYOUT = "give --data DIR with a sub-folder for each domain, or --attributes FILE beside it"
_ON = {"1", "1.0", "true", "t", "yes", "y"}
_OFF = {"-1", "0", "-1.0", "0.0", "false", "f", "no", "n", ""}
_RARE, _FEW, _MOST_WORDS, _FEWEST_ROWS = 0.02, 0.2, 100, 20


@dataclass(frozen=True)
class LabelledSet:
    """Pictures of one data set and their labels: ``labels[i]`` holds a byte of 0 or 1 for each of ``names``.

    "exclusive" domains: each picture is of exactly one; "independent" attributes: each is there or not. ``missing``
    are the pictures that a file of attributes names and that are not there.
    """

    folder: Path
    names: tuple[str, ...]
    kind: Kind
    files: Sequence[Path]
    labels: tuple[bytes, ...]
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say which domains there are, of which kind, and how many pictures each has."""
        what = "exclusive domains" if self.kind == "exclusive" else "independent attributes"
        return f"{self.folder}: {what} {', '.join(f'{name} {count:,}' for name, count in self.counts().items())}"

    def titles(self, name: str, files: Sequence[Path]) -> list[str]:
        """Return the names of pictures of a domain, without suffix: below its folder if all lie there, or the set's."""
        own = self.folder / name
        home = own if all(path.is_relative_to(own) for path in files) else self.folder
        return [path.relative_to(home).with_suffix("").as_posix() for path in files]

    def twins(self, first: str, second: str) -> dict[Path, Path]:
        """Return, for pictures of the second domain, those of the first that are called the same."""
        called = []
        for name in (first, second):
            place = self.names.index(name)
            files = [path for path, label in zip(self.files, self.labels, strict=True) if label[place]]
            called.append(dict(zip(self.titles(name, files), files, strict=True)))
        return {path: called[0][title] for title, path in called[1].items() if title in called[0]}

    def counts(self) -> dict[str, int]:
        """Return how many pictures each domain or attribute has."""
        joined = b"".join(self.labels)
        return {name: joined[i :: len(self.names)].count(1) for i, name in enumerate(self.names)}


def read_labels(data: Path, attributes: Path | None, select: Sequence[str], kind: Kind | None = None) -> LabelledSet:
    """Read one data set: a folder of sub-folders, or a folder of pictures with a file of attributes.

    ``select`` names the domains or attributes to use, in order; empty for all. ``kind`` says what they are; None
    for what the data show. GanToolsError says what is missing, or which names and labels cannot be used.
    """
    found = _from_file(data, attributes, select) if attributes else _from_folders(data, select)
    found = replace(found, kind=kind) if kind else found
    _check_names(found)
    if found.kind == "exclusive":
        _check_exclusive(found)
    return found


def read_sets(
    folders: Sequence[Path | str], files: Sequence[Path | str], select: Sequence[str], kinds: Sequence[str] = ()
) -> list[LabelledSet]:
    """Read several data sets, each with its names in ``select`` and its kind, if they are given.

    The files of attributes belong to the folders in order: to all of them, or to those without sub-folders.
    """
    for flag, given in (("--select", select), ("--labels", kinds)):
        if given and len(given) != len(folders):
            raise GanToolsError(
                f"{flag} is given {len(given)} times for {len(folders)} data sets", "give it once for each"
            )
    waiting = list(map(Path, files))
    everywhere = len(files) == len(folders)
    found = []
    for i, folder in enumerate(map(Path, folders)):
        attributes = waiting.pop(0) if waiting and (everywhere or not _has_domains(folder)) else None
        names = [name.strip() for name in select[i].split(",") if name.strip()] if select else []
        found.append(read_labels(folder, attributes, names, cast("Kind", kinds[i]) if kinds else None))
    if waiting:
        raise GanToolsError(f"{waiting[0]} belongs to no --data", "give --data DIR for each file of attributes")
    _check_sets(found)
    return found


def _check_names(found: LabelledSet) -> None:
    """Refuse names that --select and --to cannot spell."""
    for name in found.names:
        if not name or name != name.strip() or name[0] in "+-" or "," in name or name.lower() == "all":
            raise GanToolsError(
                f"{found.folder}: `{name}` cannot be the name of a domain",
                "rename it: not `all`, without commas, and without spaces, + or - in front",
            )
        if found.names.count(name) > 1:
            raise GanToolsError(f"{found.folder}: `{name}` is there twice", "rename one of the two")


def _check_exclusive(found: LabelledSet) -> None:
    if len(found.names) < 2:
        raise GanToolsError(
            f"{found.folder} has one domain only, {found.names[0]}", "two or more are needed to translate between"
        )
    for number, label in enumerate(found.labels):
        if sum(label) != 1:
            raise GanToolsError(
                f"{found.files[number].name} is of {sum(label)} domains, and exclusive ones are asked for",
                "give --labels independent, or mend the labels",
            )


def _check_sets(found: Sequence[LabelledSet]) -> None:
    """Refuse names that two data sets have: nobody could tell which one is meant."""
    seen: set[str] = set()
    for labelled in found:
        for name in labelled.names:
            if name in seen:
                raise GanToolsError(
                    f"two data sets have a domain `{name}`", "rename one, or put its pictures into one folder"
                )
        seen.update(labelled.names)


def _has_domains(folder: Path) -> bool:
    return is_folder(folder) and bool(folders_in(folder))


def warn_of_gaps(found: LabelledSet) -> None:
    """Warn of missing pictures, of domains that have hardly any, and of attributes nearly always or never there."""
    total = len(found.files)
    if found.missing:
        some = f"{len(found.missing)} pictures that the attributes name, such as {found.missing[0]},"
        log.warning("left out: %s are not in %s", some, found.folder)
    if found.kind == "exclusive":
        few = {name: count for name, count in found.counts().items() if count < _FEW * total / len(found.names)}
        if few:
            names = ", ".join(f"{name} ({count})" for name, count in few.items())
            log.warning("%s: few pictures of %s; these will hardly be learned", found.folder, names)
        return
    for name, count in found.counts().items():
        if not _RARE <= count / total <= 1 - _RARE:
            rare = f"{count} of {total} pictures are {name}"
            log.warning("%s: %s; the rarer side will hardly be learned", found.folder, rare)


def _from_folders(data: Path, select: Sequence[str]) -> LabelledSet:
    if not is_folder(data):
        list_images(data, _LAYOUT)  # says what is there instead
    domains = folders_in(data)
    if not domains:
        raise GanToolsError(f"{data} has no sub-folders", _LAYOUT)
    chosen = _chosen(domains, select, "domain") or domains
    names: list[str] = []
    labels: list[bytes] = []
    for i, domain in enumerate(chosen):
        pictures = list_images(data / domain, "put pictures into it, or leave the folder out with --select")
        names += [f"{domain}/{name}" for name in pictures.names]
        labels += [bytes(i == j for j in range(len(chosen)))] * len(pictures)
    return LabelledSet(data, tuple(chosen), "exclusive", Listing(data, names), tuple(labels))


def _from_file(data: Path, attributes: Path, select: Sequence[str]) -> LabelledSet:
    table = read_table(attributes)
    header, files, columns = table.header, table.files, table.columns
    spoken = _words_of(header, columns, select)
    if spoken is not None:
        return _located(data, attributes, *_by_word(attributes, files, spoken, select))
    words = [name for name, column in zip(header, columns, strict=True) if _holds_words(column.some(1000))]
    chosen = _chosen(header, select, "attribute") or [name for name in header if name not in words] or words
    if chosen and chosen[0] in words:
        if len(chosen) > 1:
            raise GanToolsError(
                f"{attributes}: {' and '.join(words)} hold words, not 0 and 1", "give --select NAME of one of them"
            )
        return _located(data, attributes, *_by_word(attributes, files, columns[header.index(chosen[0])], ()))
    if words and not select:
        log.warning("%s: not used, as they hold words: %s; --select NAME takes one", attributes, ", ".join(words))
    bits = [_bits(attributes, name, columns[header.index(name)], files) for name in chosen]
    labels = list(map(bytes, zip(*bits, strict=True)))
    exclusive = len(chosen) > 1 and all(sum(label) == 1 for label in labels)
    rows = list(zip(files, labels, strict=True))
    return _located(data, attributes, tuple(chosen), "exclusive" if exclusive else "independent", rows)


def _holds_words(values: Sequence[str]) -> bool:
    """Whether a column holds something else than 0 and 1; single cells that do are mistakes."""
    return sum(value.lower() in _ON | _OFF for value in values) < len(values) / 2


def _words_of(header: Sequence[str], columns: Sequence[Column], select: Sequence[str]) -> Column | None:
    """Return the column of words that holds all selected domains, if they are no attributes themselves."""
    if not select or set(select) & set(header):
        return None
    return next((column for column in columns if set(select) <= set(column.words)), None)


def _by_word(
    attributes: Path, files: Sequence[str], column: Column, select: Sequence[str]
) -> tuple[tuple[str, ...], Kind, list[tuple[str, bytes]]]:
    """Return the domains that a column of words names, all or the selected ones, and each file's; blanks have none."""
    names = tuple(dict.fromkeys(select)) or tuple(sorted(filter(None, column.words)))
    if len(names) > _MOST_WORDS or (len(files) > _FEWEST_ROWS and len(names) > len(files) / 2):
        raise GanToolsError(
            f"{attributes}: {len(names)} different words for {len(files)} pictures are no domains",
            "give --select NAME,NAME,… of the column or of the words to use",
        )
    labels = {column.words.index(name): bytes(name == other for other in names) for name in names}
    rows = [(file, labels[number]) for file, number in zip(files, column.numbers, strict=True) if number in labels]
    return names, "exclusive", rows


def _located(
    data: Path, attributes: Path, names: tuple[str, ...], kind: Kind, rows: Sequence[tuple[str, bytes]]
) -> LabelledSet:
    """Find the pictures that the rows name below the folder; those that are missing are told of."""
    find = _finder(data)
    placed = [(name, find(name), label) for name, label in rows]
    found = [(path, label) for _, path, label in placed if path is not None]
    missing = [name for name, path, _ in placed if path is None]
    if not found:
        such = f": {missing[0]} is not there" if missing else ""  # a file may name none at all
        raise GanToolsError(
            f"none of the {len(rows)} pictures that {attributes} names is in {data}{such}",
            "give the folder that holds the pictures with --data",
        )
    files, labels = tuple(path for path, _ in found), tuple(label for _, label in found)
    return LabelledSet(data, names, kind, files, labels, tuple(missing))


def _finder(data: Path) -> Callable[[str], Path | None]:
    """Return what finds the picture that a row means: its path, else its name, else its name without ending.

    CelebA's file names JPEGs, and its pictures come as PNGs, too.
    """
    by_path: dict[str, Path] = {}
    by_name: dict[str, list[Path]] = {}
    by_stem: dict[str, list[Path]] = {}
    above = len(data.parts)
    for path in list_images(data, _LAYOUT):
        by_path["/".join(path.parts[above:])] = path
        by_name.setdefault(path.name.lower(), []).append(path)
        by_stem.setdefault(path.stem.lower(), []).append(path)

    def find(name: str) -> Path | None:
        base = name.replace("\\", "/").rpartition("/")[2].lower()
        candidates = by_name.get(base) or by_stem.get(Path(base).stem if is_image(base) else base) or []
        return by_path.get(name) or (candidates[0] if len(candidates) == 1 else None)

    return find


def _bits(path: Path, name: str, column: Column, files: Sequence[str]) -> bytes:
    """Return a column as zeros and ones; GanToolsError names the first cell that is neither."""
    for number, word in enumerate(column.words):
        if word.lower() not in _ON | _OFF:
            file = files[column.numbers.index(number)]
            raise GanToolsError(f"{path}: {name} of {file} is `{word}`", "write 1 and 0, or 1 and -1")
    meant = [word.lower() in _ON for word in column.words]
    return bytes(map(meant.__getitem__, column.numbers))


def _chosen(names: Sequence[str], select: Sequence[str], what: str) -> list[str]:
    for name in select:
        if name not in names:
            raise GanToolsError(f"there is no {what} `{name}`", suggestion(name, list(names)))
    return list(dict.fromkeys(select))
