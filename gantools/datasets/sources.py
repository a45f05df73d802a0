"""What a data set is made from: pictures in folders, single pictures, and frames of videos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from PIL import Image

from gantools.data.decode import open_image
from gantools.data.folders import is_image, list_images, nearby, walk
from gantools.data.frames import VIDEOS, duration_of, frames_of
from gantools.errors import GanToolsError

_DIGITS = 12


@dataclass(frozen=True)
class Source:
    """A picture or a video. ``name`` is its path in the data set without ending, ``frames`` how many it will be about.

    ``key`` is the name without the folder of its kind: pictures that belong together share it.
    """

    path: Path
    name: str
    key: str
    frames: int = 1
    seconds: float = 0.0


@dataclass(frozen=True)
class Item:
    """A picture to prepare: where it lies in the split, from 0 to 1, and under which name."""

    path: Path
    name: str
    place: float
    image: Image.Image


def find_sources(paths: Sequence[Path], every: float) -> list[Source]:
    """Return what there is in files and folders, sorted; of several folders each is a kind, named as the folder.

    GanToolsError if two things would get one name, or there is nothing.
    """
    found = [source for path in paths for source in _inside(path, several=len(paths) > 1, every=every)]
    names: dict[str, Path] = {}
    for source in found:
        if source.name in names:
            raise GanToolsError(
                f"{names[source.name]} and {source.path} would both become {source.name}", "rename one of them"
            )
        names[source.name] = source.path
    return found


def items_of(source: Source, every: float) -> Iterator[Item]:
    """Yield the pictures of a source; GanToolsError if it is damaged.

    A file's place is a hash of its key: the same on every machine, whatever else is there. A frame's is its time,
    so that a test set is the end of a video and not the neighbours of what was trained on.
    """
    if not source.seconds and source.path.suffix.lower() not in VIDEOS:
        yield Item(source.path, source.name, place_of(source.key), open_image(source.path))
        return
    for time, image in frames_of(source.path, every):
        place = min(time / source.seconds, 1 - 1e-9) if source.seconds else 0.0
        yield Item(source.path, f"{source.name}-{round(time * 1000):08d}", place, image)


def place_of(key: str) -> float:
    """Return a number from 0 to 1 (never 1) that is a function of a name alone, and evenly spread over many."""
    digest = sha256(key.encode(errors="surrogateescape")).hexdigest()
    return int(digest[:_DIGITS], 16) / float(16**_DIGITS)


def _inside(path: Path, several: bool, every: float) -> list[Source]:
    if not path.is_dir():
        if not path.exists():
            raise GanToolsError(f"{path} does not exist", nearby(path))
        return [_source(path, path.stem, "", every)]
    files = sorted(file for file in walk(path) if is_image(file) or file.suffix.lower() in VIDEOS)
    if not files:
        list_images(path, "give a folder of pictures or videos")  # says what is there instead
    kind = path.resolve().name if several else ""
    return [_source(file, file.relative_to(path).with_suffix("").as_posix(), kind, every) for file in files]


def _source(path: Path, key: str, kind: str, every: float) -> Source:
    name = f"{kind}/{key}" if kind else key
    if path.suffix.lower() not in VIDEOS:
        return Source(path, name, key)
    seconds = duration_of(path)
    return Source(path, name, key, max(1, round(seconds / every)), seconds)
