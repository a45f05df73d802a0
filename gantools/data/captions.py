"""Captions: which picture has which, from a file of metadata or from text files beside the pictures."""

from __future__ import annotations

import csv
import json
import logging
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from gantools.data.folders import is_image, list_images, walk
from gantools.data.places import folders_in, is_file, is_folder, read
from gantools.errors import GanToolsError

log = logging.getLogger("gantools")
METADATA = ("metadata.jsonl", "metadata.csv")
_COLUMNS = ("file_name", "text")
_LAYOUT = (
    "put metadata.jsonl or metadata.csv with file_name and text into the folder, or NAME.txt with a caption a line "
    "beside each picture"
)
_UNSEEN = {"Cc", "Cs"}  # Unicode's control characters and halves of surrogate pairs
Row = tuple[Path, str]  # a picture and a caption of it


@dataclass(frozen=True)
class Captioned:
    """A picture and its captions: at least one, none empty, each once and in the order of the file."""

    file: Path
    texts: tuple[str, ...]


def read_captions(folder: Path) -> list[Captioned]:
    """Return the pictures of a folder that have captions, sorted by path.

    They stand in ``metadata.jsonl`` or ``metadata.csv`` (columns file_name and text; several rows for a picture, or in
    JSON a list of texts), else in ``NAME.txt`` beside each picture, one a line. Pictures that are missing or have no
    caption, and empty captions, are left out with a warning; GanToolsError says what else is wrong, and where.
    """
    if not is_folder(folder):
        list_images(folder, _LAYOUT)  # says what is there instead
    pictures = list(filter(is_image, walk(folder)))
    metadata = next((folder / name for name in METADATA if is_file(folder / name)), None)
    rows = _metadata_rows(metadata) if metadata else _text_rows(folder, pictures)
    found = _grouped(_present(rows, metadata or folder), metadata or folder)
    _warn(set(pictures) - {captioned.file for captioned in found}, f"pictures in {folder} have no caption")
    return found


def clean_caption(text: str) -> str:
    """Return a caption in one line: control characters and runs of white space become single spaces."""
    return " ".join("".join(" " if unicodedata.category(c) in _UNSEEN else c for c in text).split())


def _present(rows: Sequence[Row], source: Path) -> list[Row]:
    """Leave out rows whose picture is not there, with a warning."""
    there = {path: is_file(path) for path, _ in rows}
    missing = {path for path, found in there.items() if not found}
    if missing and len(missing) == len(there):
        raise GanToolsError(
            f"none of the {len(missing)} pictures that {source} names is there, such as {min(missing)}",
            "a file_name is a path from the folder that holds the metadata",
        )
    _warn(missing, f"pictures that {source} names are not there")
    return [(path, text) for path, text in rows if there[path]]


def _grouped(rows: Sequence[Row], source: Path) -> list[Captioned]:
    """Gather the captions of each picture, cleaned; empty ones are left out with a warning."""
    texts: dict[Path, dict[str, None]] = {}
    empty = []
    for path, text in rows:
        caption = clean_caption(text)
        if caption:
            texts.setdefault(path, {})[caption] = None
        else:
            empty.append(path)
    if not texts:
        problem = f"all {len(empty)} captions in {source} are empty" if empty else f"{source} holds no captions"
        raise GanToolsError(problem, _LAYOUT)
    _warn(empty, f"captions in {source} are empty", "that of ")
    return [Captioned(path, tuple(texts[path])) for path in sorted(texts)]


def _warn(paths: Sequence[Path] | set[Path], problem: str, such: str = "") -> None:
    if paths:
        log.warning("left out: %d %s, such as %s%s", len(paths), problem, such, min(paths))


def _text_rows(folder: Path, pictures: Sequence[Path]) -> list[Row]:
    """Read NAME.txt beside each picture that has one, else the text or caption that is in its NAME.json."""
    rows = [(path, text) for path in pictures for text in _beside(path)]
    if not rows:
        raise GanToolsError(f"{folder} has no captions", _nearby(folder) or _LAYOUT)
    return rows


def _beside(picture: Path) -> list[str]:
    text, metadata = picture.with_suffix(".txt"), picture.with_suffix(".json")
    if is_file(text):
        return _read(text).rstrip().split("\n")
    row = _json(str(metadata), _read(metadata)) if is_file(metadata) else {}
    return [row[name] for name in ("text", "caption") if isinstance(row.get(name), str)][:1]


def _nearby(folder: Path) -> str | None:
    """Say which sub-folder has metadata, as the training set of a larger one has."""
    inside = [folder / name for name in folders_in(folder)]
    found = [place for place in inside if any(is_file(place / name) for name in METADATA)]
    found.sort(key=lambda place: (place.name != "train", place))
    return f"there are captions in {found[0]}; give that folder" if found else None


def _metadata_rows(path: Path) -> list[Row]:
    text = _read(path)
    rows = _json_rows(path, text) if path.suffix == ".jsonl" else _csv_rows(path, text)
    return [(path.parent / name, caption) for name, caption in rows]


def _json_rows(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            file, texts = _json_row(f"{path}, line {number}", line)
            yield from ((file, caption) for caption in texts)


def _json_row(where: str, line: str) -> tuple[str, list[str]]:
    """Return the file and the texts of a line; null and an empty list are an empty text."""
    row = _json(where, line)
    _check_columns(where, list(row))
    texts: Any = row["text"] if isinstance(row["text"], list) else [row["text"]]
    if not isinstance(row["file_name"], str) or not all(isinstance(text, str | None) for text in texts):
        raise GanToolsError(f"{where}: file_name and text have to be strings", "text may be a list of strings")
    return row["file_name"], [text or "" for text in texts] or [""]


def _json(where: str, text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", type(error).__name__)
        raise GanToolsError(f"{where}: not valid JSON: {reason}", "write one {…} a line") from None
    if not isinstance(row, dict):
        raise GanToolsError(f"{where}: not an object", 'write {"file_name": "1.png", "text": "a red bird"}')
    return row


def _csv_rows(path: Path, text: str) -> Iterator[tuple[str, str]]:
    reader = csv.DictReader(StringIO(text, newline=""))
    try:
        _check_columns(str(path), list(reader.fieldnames or []))
        for row in reader:
            if None in row:
                raise GanToolsError(
                    f"{path}, line {reader.line_num}: more values than columns", "put captions with commas into quotes"
                )
            yield row["file_name"] or "", row["text"] or ""
    except csv.Error as error:
        raise GanToolsError(f"{path}, line {reader.line_num}: {error}", "write a CSV as spreadsheets do") from None


def _check_columns(where: str, columns: Sequence[str]) -> None:
    missing = [name for name in _COLUMNS if name not in columns]
    if missing:
        found = ", ".join(columns) or "nothing"
        raise GanToolsError(
            f"{where}: no {' and no '.join(missing)}; there is {found}", "call the columns file_name and text"
        )


def _read(path: Path) -> str:
    try:
        return read(path).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise GanToolsError(f"{path} is not UTF-8: byte {error.start}", "save it as UTF-8") from None
    except OSError as error:
        raise GanToolsError(f"cannot read {path}: {error.strerror}", "check the file") from None
