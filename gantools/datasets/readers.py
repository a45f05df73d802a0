"""Readers of one layout each: they return what they find, or None where a folder is laid out otherwise.

``asked`` says that the user wants this very layout: then GanToolsError tells what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gantools.data.captions import read_captions
from gantools.data.decode import stored_size
from gantools.data.folders import is_image, list_images, named_folders, walk
from gantools.data.labels import read_sets
from gantools.data.pairs import find_pairs
from gantools.data.places import folders_in
from gantools.datasets.layout import ATTRIBUTES, HELD_OUT, Layout, attribute_files, has_captions
from gantools.errors import GanToolsError

_PAIRED_SHARE = 0.5  # of the smaller folder's names that the other has too, for the two to be pairs


def with_captions(folder: Path, asked: bool) -> Layout | None:
    """Read pictures with captions, if there are any."""
    if not asked and not has_captions(folder):
        return None
    found = read_captions(folder)
    groups = {"pictures with captions": [captioned.file for captioned in found]}
    return Layout("captions", "captions", ("--data", str(folder)), groups, captions=found)


def with_attributes(folder: Path, asked: bool) -> Layout | None:
    """Read pictures that a file of attributes names, inside the folder or beside it."""
    files = attribute_files(folder)
    if not files:
        return None
    try:
        [found] = read_sets([folder], files[:1], [])
    except GanToolsError:
        if not asked and files[0].parent != folder:  # it may be about other pictures
            return None
        raise
    flags = ("--data", str(folder), "--attributes", str(files[0]))
    groups = {
        name: [path for path, label in zip(found.files, found.labels, strict=True) if label[i]]
        for i, name in enumerate(found.names)
    }
    return Layout(ATTRIBUTES, "domains", flags, groups)


def as_pairs(folder: Path, asked: bool) -> Layout | None:
    """Read pairs, of two folders or side by side; unless asked for, only where most of them look like pairs."""
    found = _in_two_folders(folder)
    if found is not None:
        return two_folders_of(*_sides(found), "paired") if asked else found if found.kind == "paired" else None
    pictures = [path for path in list_images(folder) if path.parent == folder]
    if not pictures or not (asked or _twice_as_wide(pictures)):
        return None
    _, pairs = find_pairs(None, None, folder)
    groups = {"pairs": [files[0] for files in pairs]}
    return Layout("pairs side by side", "paired", ("--data", str(folder)), groups, pairs=pairs)


def without_pairs(folder: Path, asked: bool) -> Layout | None:
    """Read two folders without pairs: A/ and B/, or whatever two there are."""
    found = _in_two_folders(folder)
    return two_folders_of(*_sides(found), "unpaired") if found else None


def in_sub_folders(folder: Path, asked: bool) -> Layout | None:
    """Read a domain from each sub-folder, but for test sets and folders without pictures."""
    domains = _picture_folders(folder)
    if not asked and len(domains) <= 2:
        return None
    others = len(domains) < len(folders_in(folder))
    return domains_of(folder, ",".join(path.name for path in domains) if others else "")


def two_folders_of(a: Path, b: Path, kind: str | None) -> Layout:
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


def domains_of(folder: Path, select: str = "") -> Layout:
    """Return a domain for each sub-folder, or for those that ``select`` names, A,B,…."""
    [found] = read_sets([folder], [], [select] if select else [])
    groups: dict[str, list[Path]] = {name: [] for name in found.names}
    for path, label in zip(found.files, found.labels, strict=True):
        groups[found.names[label.index(1)]].append(path)
    flags = ("--data", str(folder), *(("--select", select) if select else ()))
    return Layout("a sub-folder for each domain", "domains", flags, groups)


def _in_two_folders(folder: Path) -> Layout | None:
    named = named_folders(folder)
    inside = _picture_folders(folder)
    if named is None and len(inside) != 2:
        return None
    a, b = named or inside
    return two_folders_of(a, b, None)


def _sides(found: Layout) -> tuple[Path, Path]:
    _, a, _, b = found.flags
    return Path(a), Path(b)


def _picture_folders(folder: Path) -> list[Path]:
    """Return the sub-folders that hold pictures and are no test set."""
    inside = [folder / name for name in folders_in(folder) if name not in HELD_OUT]
    return [path for path in inside if any(map(is_image, walk(path)))]


def _twice_as_wide(pictures: Sequence[Path]) -> bool:
    """Say whether most of some pictures are about two squares side by side, by their headers."""
    wide = 0
    some = pictures[:: max(1, len(pictures) // 20)]
    for path in some:
        with suppress(GanToolsError):
            width, height = stored_size(path)
            wide += width == 2 * height
    return wide > len(some) / 2
