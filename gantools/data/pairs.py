"""Which pictures belong together: two folders matched by name, or pictures that hold both halves side by side."""

from __future__ import annotations

import logging
from pathlib import Path

from PIL import Image

from gantools.data.decode import open_image
from gantools.data.folders import list_images, named_folders, two_folders
from gantools.data.listing import Files, Items, Listing
from gantools.data.places import folders_in, is_folder, name_of
from gantools.errors import GanToolsError

log = logging.getLogger("gantools")
_LAYOUTS = "give --a DIR --b DIR with files of the same names, or --data DIR of side-by-side pictures"


def find_pairs(a: Path | None, b: Path | None, data: Path | None) -> tuple[list[str], Items]:
    """Return the names of the two kinds and the files of every pair; GanToolsError names what has no partner."""
    if data is not None and a is None and b is None and named_folders(data) is None:
        return ["A", "B"], Items(_side_by_side(data))
    folders = two_folders(a, b, data)
    named = [_by_name(folder) for folder in folders]
    for one, two in ((0, 1), (1, 0)):
        mine, other, folder, place = named[one], named[two], folders[one], folders[two]
        alone = sorted(mine.keys() - other.keys())
        if alone and len(alone) == len(mine):
            problem = f"no picture has a partner: {folder / mine[alone[0]]} has none in {place}"
            raise GanToolsError(problem, _LAYOUTS)
        for name in alone[:5]:
            log.warning("left out: %s has no partner in %s", folder / mine[name], place)
        if len(alone) > 5:
            log.warning("left out: %d more without a partner in %s", len(alone) - 5, place)
    both = sorted(named[0].keys() & named[1].keys())
    columns = [Listing(folder, map(names.__getitem__, both)) for folder, names in zip(folders, named, strict=True)]
    return [name_of(folder) for folder in folders], Items(*columns)


def _side_by_side(data: Path) -> Listing:
    """Return the pictures right inside a folder, or inside its train/."""
    folder = data / "train" if is_folder(data / "train") else data
    pictures = Listing(folder, (name for name in list_images(folder, _LAYOUTS).names if "/" not in name))
    if not pictures:
        found = ", ".join(folders_in(folder)[:6])
        raise GanToolsError(f"{folder} holds no pictures itself, but sub-folders {found}", _LAYOUTS)
    return pictures


def open_pair(files: Files) -> tuple[Image.Image, Image.Image]:
    """Open both pictures of a pair, or cut a side-by-side one in two; GanToolsError if they do not match."""
    a = open_image(files[0])
    if len(files) == 1:
        if a.width % 2 or a.width < 2:
            raise GanToolsError(f"{files[0]} is {a.width} pixels wide: two halves need an even width", _LAYOUTS)
        if a.width <= a.height:
            log.warning("%s is %d x %d: cut in two, each half is narrow; is it side by side?", files[0], *a.size)
        middle = a.width // 2
        return a.crop((0, 0, middle, a.height)), a.crop((middle, 0, a.width, a.height))
    b = open_image(files[1])
    if a.width * b.height != b.width * a.height:
        sizes = f"{a.width} x {a.height} and {b.width} x {b.height}"
        raise GanToolsError(f"{files[0]} and {files[1]} are of different shape, {sizes}", "crop them alike")
    return a, b


def _by_name(folder: Path) -> dict[str, str]:
    """Return the names of a folder's pictures by the same without suffix; GanToolsError if two share one."""
    found: dict[str, str] = {}
    for name in list_images(folder, _LAYOUTS).names:
        stem = name[: name.rindex(".")]
        if stem in found:
            twice = f"{folder / found[stem]} and {folder / name} have the same name"
            raise GanToolsError(twice, "which belongs to the pair? remove one")
        found[stem] = name
    return found
