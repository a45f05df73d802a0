"""How a data set is laid out: what a folder turned out to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gantools.data.captions import METADATA, Captioned
from gantools.data.folders import is_image, walk
from gantools.data.listing import Files
from gantools.data.places import is_file

HELD_OUT = ("test", "testA", "testB", "val", "valA", "valB", "validation")
ATTRIBUTES = "file of attributes"


@dataclass(frozen=True)
class Layout:
    """What a folder turned out to hold.

    ``kind`` is the kind of data that tasks name, "" if no task learns from it; ``groups`` are the pictures by what
    they are, ``pairs`` the files that belong together, ``held_out`` pictures kept for a test, beside the others.
    """

    name: str
    kind: str
    flags: tuple[str, ...]
    groups: Mapping[str, Sequence[Path]]
    pairs: Sequence[Files] = field(default_factory=list)
    captions: list[Captioned] = field(default_factory=list)
    held_out: list[Path] = field(default_factory=list)


def has_captions(folder: Path) -> bool:
    """Say whether a folder has captions as `read_captions` reads them."""
    beside = (is_file(path.with_suffix(".txt")) for path in walk(folder) if is_image(path))
    return any(is_file(folder / name) for name in METADATA) or any(beside)


def attribute_files(folder: Path) -> list[Path]:
    """Return the files of attributes in a folder of pictures, and beside it."""
    places = (folder, folder.parent)
    found = [path for place in places for path in (*place.glob("list_attr_*.txt"), *place.glob("*attr*.csv"))]
    return [path for path in found if path.is_file()]
