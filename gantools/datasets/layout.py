"""How a data set is laid out: which kind of data a folder holds, and which flags would train on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gantools.data.captions import METADATA, Captioned, read_captions
from gantools.data.folders import is_image, list_images, named_folders, walk
from gantools.data.labels import read_sets
from gantools.data.pairs import find_pairs
from gantools.errors import GanToolsError

if TYPE_CHECKING:
    from gantools.data.images import Files

HELD_OUT = ("test", "testA", "testB", "val", "valA", "valB", "validation")
ATTRIBUTES = "file of attributes"
_PAIRED_SHARE = 0.5  # of the smaller folder's names that the other has too, for the two to be pairs
_KINDS = {
    "unpaired": "two folders of pictures",
    "paired": "two folders of pictures that are named alike, or pictures with both halves side by side",
    "domains": "a folder with a sub-folder for each kind of picture, or a file of attributes",
    "captions": "a folder of pictures with metadata.jsonl, metadata.csv or NAME.txt beside each",
}


@dataclass(frozen=True)
class Layout:
    """What a folder turned out to hold.

    ``kind`` is the kind of data that tasks name, "" if no task learns from it; ``groups`` are the pictures by what
    they are, ``pairs`` the files that belong together, ``held_out`` pictures kept for a test, beside the others.
    """

    name: str
    kind: str
    flags: tuple[str, ...]
    groups: dict[str, list[Path]]
    pairs: list[Files] = field(default_factory=list)
    captions: list[Captioned] = field(default_factory=list)
    held_out: list[Path] = field(default_factory=list)


def recognise(folders: Sequence[Path], kind: str | None = None) -> Layout:
    """Return the layout of one folder, or of two or more that belong together, as a ``kind`` of data if one is given.

    GanToolsError says what is missing.
    """
    if kind is not None and kind not in _KINDS:
        raise GanToolsError(f"data of the kind `{kind}` are no pictures", f"kinds that are: {', '.join(_KINDS)}")
    if len(folders) == 1:
        return _one(folders[0], kind)
    if len(folders) == 2 and kind in {None, "unpaired", "paired"}:
        return replace(_two(folders[0], folders[1], kind), held_out=_held_out(*folders))
    parents = {folder.resolve().parent for folder in folders}
    if len(parents) == 1 and kind in {None, "domains"}:
        found = _domains(folders[0].parent, ",".join(folder.name for folder in folders))
        return replace(found, held_out=_held_out(*folders))
    raise GanToolsError(
        f"{len(folders)} folders do not make one data set", f"give {_KINDS[kind] if kind else 'one or two folders'}"
    )


def _one(top: Path, kind: str | None) -> Layout:
    list_images(top, f"give {_KINDS[kind]}" if kind else "give a folder of pictures")  # or says what is there instead
    folder = top / "train" if (top / "train").is_dir() else top
    for wanted, reader in _READERS:
        if kind in {None, wanted}:
            found = reader(folder, kind is not None)
            if found is not None:
                return replace(found, held_out=_held_out(top))
    if kind is not None:
        raise GanToolsError(f"{folder} is not laid out for data of the kind `{kind}`", f"give {_KINDS[kind]}")
    return Layout("one folder of pictures", "", (), {top.resolve().name: list_images(folder)}, held_out=_held_out(top))


def has_captions(folder: Path) -> bool:
    """Say whether a folder has captions as `read_captions` reads them."""
    beside = (path.with_suffix(".txt").is_file() for path in walk(folder) if is_image(path))
    return any((folder / name).is_file() for name in METADATA) or any(beside)


def attribute_files(folder: Path) -> list[Path]:
    """Return the files of attributes in a folder of pictures, and beside it."""
    places = (folder, folder.parent)
    return [path for place in places for path in (*place.glob("list_attr_*.txt"), *place.glob("*attr*.csv"))]


def _with_captions(folder: Path, asked: bool) -> Layout | None:
    """Read pictures with captions, if there are any."""
    if not asked and not has_captions(folder):
        return None
    found = read_captions(folder)
    groups = {"pictures with captions": [captioned.file for captioned in found]}
    return Layout("captions", "captions", ("--data", str(folder)), groups, captions=found)


def _with_attributes(folder: Path, asked: bool) -> Layout | None:
    """Read pictures that a file of attributes names, inside the folder or beside it."""
    files = attribute_files(folder)
    if not files:
        return None
    [found] = read_sets([folder], files[:1], [])
    flags = ("--data", str(folder), "--attributes", str(files[0]))
    groups = {
        name: [path for path, label in zip(found.files, found.labels, strict=True) if label[i]]
        for i, name in enumerate(found.names)
    }
    return Layout(ATTRIBUTES, "domains", flags, groups)


def _in_two_folders(folder: Path, asked: bool) -> Layout | None:
    named = named_folders(folder)
    inside = _picture_folders(folder)
    if named is None and len(inside) != 2:
        return None
    a, b = named or inside
    return _two(a, b, None)


def _as_pairs(folder: Path, asked: bool) -> Layout | None:
    """Read pairs, of two folders or side by side; unless asked for, only where most of them look like pairs."""
    found = _in_two_folders(folder, asked)
    if found is not None:
        return _two(*_sides(found), "paired") if asked else found if found.kind == "paired" else None
    pictures = [path for path in list_images(folder) if path.parent == folder]
    if not pictures or not (asked or _twice_as_wide(pictures)):
        return None
    _, pairs = find_pairs(None, None, folder)
    groups = {"pairs": [files[0] for files in pairs]}
    return Layout("pairs side by side", "paired", ("--data", str(folder)), groups, pairs=pairs)


def _without_pairs(folder: Path, asked: bool) -> Layout | None:
    found = _in_two_folders(folder, asked)
    return _two(*_sides(found), "unpaired") if found else None


def _in_sub_folders(folder: Path, asked: bool) -> Layout | None:
    """Read a domain from each sub-folder, but for test sets and folders without pictures."""
    domains = _picture_folders(folder)
    if not asked and len(domains) <= 2:
        return None
    others = len(domains) < sum(path.is_dir() and not path.name.startswith(".") for path in folder.iterdir())
    return _domains(folder, ",".join(path.name for path in domains) if others else "")


_READERS: tuple[tuple[str, Callable[[Path, bool], Layout | None]], ...] = (
    ("captions", _with_captions),
    ("domains", _with_attributes),
    ("paired", _as_pairs),
    ("unpaired", _without_pairs),
    ("domains", _in_sub_folders),
)


def _two(a: Path, b: Path, kind: str | None) -> Layout:
    """Return two folders, as pairs if they are asked for, or if most names of one are in the other."""
    flags = ("--a", str(a), "--b", str(b))
    listed = [list_images(folder) for folder in (a, b)]
    names = [
        {path.relative_to(folder).with_suffix("") for path in paths}
        for folder, paths in zip((a, b), listed, strict=True)
    ]
    shared = len(names[0] & names[1]) / min(map(len, names))
    titles = (a.name, b.name) if a.name != b.name else (str(a), str(b))
    groups = dict(zip(titles, listed, strict=True))
    if kind == "paired" or (kind is None and shared >= _PAIRED_SHARE):
        _, pairs = find_pairs(a, b, None)
        return Layout("two folders, paired by name", "paired", flags, groups, pairs=pairs)
    return Layout("two folders", "unpaired", flags, groups)


def _sides(found: Layout) -> tuple[Path, Path]:
    _, a, _, b = found.flags
    return Path(a), Path(b)


def _domains(folder: Path, select: str = "") -> Layout:
    [found] = read_sets([folder], [], [select] if select else [])
    groups: dict[str, list[Path]] = {name: [] for name in found.names}
    for path, label in zip(found.files, found.labels, strict=True):
        groups[found.names[label.index(1)]].append(path)
    flags = ("--data", str(folder), *(("--select", select) if select else ()))
    return Layout("a sub-folder for each domain", "domains", flags, groups)


def _picture_folders(folder: Path) -> list[Path]:
    """Return the sub-folders that hold pictures and are no test set."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return [path for path in inside if path.name not in HELD_OUT and any(map(is_image, walk(path)))]


def _held_out(*folders: Path) -> list[Path]:
    """Return the test pictures inside a data set, or for folders inside its train/ those of the same name."""
    places = [folder / name for folder in folders for name in HELD_OUT]
    for folder in folders:
        if "train" in (folder.name, folder.parent.name):
            inside = folder.name if folder.name != "train" else ""
            top = folder.parent.parent if inside else folder.parent
            places += [top / name / inside for name in HELD_OUT]
    return [path for place in places if place.is_dir() for path in list_images(place)]


def _twice_as_wide(pictures: Sequence[Path]) -> bool:
    """Say whether most of some pictures are about two squares side by side, by their headers."""
    from PIL import Image, UnidentifiedImageError

    from gantools.data.decode import quiet_pillow

    wide = 0
    some = pictures[:: max(1, len(pictures) // 20)]
    for path in some:
        try:
            with quiet_pillow, Image.open(path) as image:
                wide += image.width == 2 * image.height
        except (OSError, UnidentifiedImageError, ValueError):
            continue
    return wide > len(some) / 2
