#!/usr/bin/env python3
"""Rebuild the full data sets, and the small examples beside this file, from public packages.

    python examples/build_datasets.py emoji OUT [--size 64]     OUT/{train,test}/STYLE/KEY.png
    python examples/build_datasets.py earth OUT [--size 64]     OUT/{train,test}/LAYER/ROW-COLUMN.png
    python examples/build_datasets.py words OUT [--size 64] [--objects N]     OUT/{train,test}/KEY-COLOUR.png
    python examples/build_datasets.py examples [OUT]            the pictures in this folder

The packages are fetched by exact name and version through ``npm`` and ``apt-get`` and kept in the
folder ``--cache``. Besides Python this needs Pillow, resvg_py to draw the OpenMoji vectors, and NumPy.

*emoji*: every emoji that OpenMoji, Noto, Twemoji and Fluent 3D all draw, without skin tones and
flags. KEY is its lower-case code points joined by ``-``, without ``fe0f``. One key in ten, by its
SHA-256, is the test set, so the split does not depend on the size of the set or on the machine. For
training without pairs OUT/unpaired/{noto,fluent3d} hold the two halves of the training keys, one each.
A sixth style, `flat`, is OpenMoji without its outlines: `build_flat.py` says how.

*earth*: tiles of one world map in three aligned layers, only where more than 30 % is land. The left
half of the map is the training set and the right half the test set; no two tiles overlap.

*words*: pictures with captions, ``a red bird``; `build_words.py` says which. Each folder has a ``metadata.jsonl``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from build_flat import draw_flat
from build_shared import (
    OPENMOJI,
    BuildError,
    draw,
    emoji_key,
    fetch,
    fetch_npm,
    is_test,
    key_hash,
    members,
    refuse_old,
    run,
    save,
)
from build_words import build_word_examples, build_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL.Image import Image

EMOJI_STYLES = ("outline", "openmoji", "noto", "twemoji", "fluent3d")
UNPAIRED = ("noto", "fluent3d")
EARTH_LAYERS = ("elevation", "satellite", "night")

# style: (npm package, folder in the archive, kind of picture)
PACKAGES = {
    "outline": (OPENMOJI, "package/black/svg", ".svg"),
    "openmoji": (OPENMOJI, "package/color/svg", ".svg"),
    "noto": ("emoji-datasource-google@16.0.0", "package/img/google/64", ".png"),
    "twemoji": ("emoji-datasource-twitter@16.0.0", "package/img/twitter/64", ".png"),
    "fluent3d": ("@lobehub/fluent-emoji-3d@1.1.0", "package/assets", ".webp"),
}
NOT_EMOJI = {"flags", "extras-openmoji", "extras-unicode"}  # OpenMoji's groups that are left out

MARBLE = ("marble-qt-data", "4:22.12.3-1")
MAP_SIZE = (2700, 1350)
LAND = 0.3  # a tile needs more land than this
SEA_LEVEL = 97  # the grey of height 0 in the elevation map, which shows the sea floor too
SOUTH_END = 1125  # 60 degrees south; below it the map is plain white or without data

# The examples: friendly, colourful subjects, by OpenMoji's subgroups.
SUBJECTS = (
    ("face-smiling", "face-affection", "face-tongue", "face-hand", "face-hat", "cat-face", "monkey-face"),
    ("animal-mammal", "animal-bird", "animal-reptile", "animal-marine", "animal-bug", "plant-flower"),
    ("food-fruit", "food-vegetable", "food-prepared", "food-sweet"),
    ("transport-ground", "transport-water", "transport-air", "sky-weather", "place-geographic"),
)
EXAMPLES_EACH, TEST_EXAMPLES_EACH, EARTH_EXAMPLES = 12, 3, 16
VIVID, EARTH_VIVID = 0.1, 0.8  # the share of coloured pixels that an example needs

Pictures = dict[str, dict[str, bytes]]  # style -> key -> file content
Tiles = dict[str, dict[str, "Image"]]  # layer -> "row-column" -> tile


# ---------------------------------------------------------------- emoji


def read_pictures(cache: Path) -> tuple[Pictures, dict[str, str]]:
    """Return the files of each style, and OpenMoji's subgroup of every emoji that all styles draw."""
    pictures: Pictures = {style: {} for style in EMOJI_STYLES}
    index: list[dict[str, str]] = []
    for package in dict.fromkeys(name for name, _, _ in PACKAGES.values()):
        folders = {(folder, kind): style for style, (name, folder, kind) in PACKAGES.items() if name == package}
        for path, data in members(fetch_npm(cache, package), {*folders, ("package/data", ".json")}):
            style = folders.get((str(path.parent), path.suffix))
            if style is not None:
                pictures[style].setdefault(emoji_key(path.stem), data)
            elif path.name == "openmoji.json":
                index = json.loads(data)
    plain = (entry for entry in index if not entry["skintone"] and entry["group"] not in NOT_EMOJI)
    subgroups = {emoji_key(entry["hexcode"]): entry["subgroups"] for entry in plain}
    return pictures, {key: name for key, name in subgroups.items() if all(key in files for files in pictures.values())}


def build_emoji(out: Path, cache: Path, size: int) -> None:
    """Write the emoji data set."""
    refuse_old(out)
    pictures, shared = read_pictures(cache)
    for key in shared:
        part = "test" if is_test(key) else "train"
        drawn = {style: draw(pictures[style][key], size) for style in EMOJI_STYLES}
        drawn["flat"] = draw_flat(pictures["openmoji"][key], size)
        for style, picture in drawn.items():
            save(picture, out / part / style / f"{key}.png")
            if part == "train" and style == UNPAIRED[key_hash(key) // 10 % 2]:
                save(picture, out / "unpaired" / style / f"{key}.png")
    tests = sum(map(is_test, shared))
    print(f"{len(shared)} emoji in {len(drawn)} styles: {len(shared) - tests} to train, {tests} to test")


# ---------------------------------------------------------------- earth


def fetch_marble(cache: Path) -> Path:
    """Return the Debian package with the maps of the Earth."""
    name, version = MARBLE
    file = f"{name}_{version.replace(':', '%3a')}_all.deb"
    return fetch(cache, file, ["apt-get", "download", f"{name}={version}"])


def read_maps(cache: Path) -> dict[str, Image]:
    """Return the layers of the world map, aligned and of one size."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        run(["dpkg-deb", "-x", str(fetch_marble(cache).resolve()), folder], Path(folder))
        maps = Path(folder) / "usr/share/marble/data/maps/earth"
        tiles = {path.stem: Image.open(path).convert("L") for path in sorted(maps.glob("srtm/2/*/*.jpg"))}
        satellite = Image.open(maps / "bluemarble/bluemarble.jpg").convert("RGB")
        night = Image.open(maps / "citylights/citylights.jpg").convert("RGB")
    elevation = Image.new("L", (5400, 2700))
    for name, tile in tiles.items():  # named row_column
        row, column = map(int, name.split("_"))
        elevation.paste(tile, (column * tile.width, row * tile.height))
    small = elevation.resize(MAP_SIZE, Image.Resampling.BOX)
    return {"elevation": small, "satellite": satellite, "night": night}


def land_share(elevation: Image) -> float:
    """Return the share of a tile that lies above the sea."""
    return sum(elevation.histogram()[SEA_LEVEL + 1 :]) / (elevation.width * elevation.height)


def cut_tiles(maps: dict[str, Image], half: int, size: int) -> Tiles:
    """Cut the land tiles of one half of the map (0: left, 1: right)."""
    tiles: Tiles = {layer: {} for layer in EARTH_LAYERS}
    columns = MAP_SIZE[0] // 2 // size
    for row in range(SOUTH_END // size):
        for column in range(columns):
            x, y = half * MAP_SIZE[0] // 2 + column * size, row * size
            box = (x, y, x + size, y + size)
            if land_share(maps["elevation"].crop(box)) > LAND:
                name = f"{row:02d}-{half * columns + column:02d}"
                for layer in EARTH_LAYERS:
                    tiles[layer][name] = maps[layer].crop(box).convert("RGB")
    return tiles


def build_earth(out: Path, cache: Path, size: int) -> None:
    """Write the Earth data set."""
    refuse_old(out)
    maps = read_maps(cache)
    for half, part in enumerate(("train", "test")):
        tiles = cut_tiles(maps, half, size)
        for layer in EARTH_LAYERS:
            for name, tile in tiles[layer].items():
                save(tile, out / part / layer / f"{name}.png")
        print(f"{part}: {len(tiles['satellite'])} land tiles of {size} x {size} in 3 layers")


# ---------------------------------------------------------------- examples


def colourfulness(picture: Image) -> float:
    """Return the share of clearly coloured pixels."""
    saturated = picture.convert("HSV").getchannel("S").histogram()[80:]
    return sum(saturated) / (picture.width * picture.height)


def choose(pictures: Pictures, shared: dict[str, str], part: str, each: int) -> list[str]:
    """Choose `each` emoji of every subject from one part of the split, colourful in every style.

    A few test emoji share their outline with a training emoji; they are no example of the test set.
    """
    outlines = pictures["outline"]
    seen = {outlines[key] for key in shared if part == "test" and not is_test(key)}
    chosen: list[str] = []
    for subgroups in SUBJECTS:
        mine = [key for key in shared if shared[key] in subgroups and is_test(key) == (part == "test")]
        pool = [key for key in mine if outlines[key] not in seen]
        pool.sort(key=lambda key: hashlib.sha256(f"example {key}".encode()).digest())
        vivid = (
            key
            for key in pool
            if min(colourfulness(draw(pictures[style][key], 64)) for style in EMOJI_STYLES[1:]) > VIVID
        )
        chosen += islice(vivid, each)
    return chosen


def choose_tiles(tiles: Tiles) -> list[str]:
    """Choose, among the tiles with little snow, those with the most relief."""
    from PIL.ImageStat import Stat

    green = [name for name, tile in tiles["satellite"].items() if colourfulness(tile) > EARTH_VIVID]
    green.sort(key=lambda name: Stat(tiles["elevation"][name]).stddev[0], reverse=True)
    return green[:EARTH_EXAMPLES]


def build_examples(out: Path, cache: Path, size: int) -> None:
    """Write the small example sets; `noto` and `fluent3d` show different emoji (unpaired)."""
    pictures, shared = read_pictures(cache)
    train = choose(pictures, shared, "train", 2 * EXAMPLES_EACH)
    test = choose(pictures, shared, "test", TEST_EXAMPLES_EACH)
    for style, files in pictures.items():
        keys = train[1::2] if style == "fluent3d" else train[::2]
        replace_all(out / style, {key: draw(files[key], size) for key in keys})
        if style != "twemoji":
            replace_all(out / "test" / style, {key: draw(files[key], size) for key in test})
    tiles = cut_tiles(read_maps(cache), half=0, size=size)
    names = choose_tiles(tiles)
    for layer in ("elevation", "satellite"):
        replace_all(out / "earth" / layer, {name: tiles[layer][name] for name in names})
    words = build_word_examples(out / "words", cache, size, TEST_EXAMPLES_EACH * len(SUBJECTS))
    print(f"{words} captioned drawings")
    print(f"{len(train) // 2} emoji per style, {len(test)} test emoji and {len(names)} map tiles in {out}")


# ---------------------------------------------------------------- files and command line


def replace_all(folder: Path, pictures: dict[str, Image]) -> None:
    """Make `pictures` the only PNG files of `folder`."""
    for old in folder.glob("*.png"):
        old.unlink()
    for name, picture in pictures.items():
        save(picture, folder / f"{name}.png")


def picture_size(text: str) -> int:
    """Read the option --size."""
    if not text.isdecimal() or not 8 <= int(text) <= 512:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 8 to 512")
    return int(text)


def object_count(text: str) -> int:
    """Read the option --objects."""
    if not text.isdecimal() or int(text) < 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 2 on")
    return int(text)


def arguments(argv: Iterable[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Rebuild data sets from public packages (npm, Debian).")
    commands = parser.add_subparsers(dest="command", required=True, metavar="{emoji,earth,words,examples}")
    for name, text in (
        ("emoji", "emoji in six styles: outline, OpenMoji with and without outlines, Noto, Twemoji, Fluent 3D"),
        ("earth", "map tiles in three layers: elevation, satellite, night"),
        ("words", "captioned emoji in nine colours each"),
        ("examples", "the small examples beside this script"),
    ):
        command = commands.add_parser(name, help=text, description=f"Write {text}.")
        if name == "examples":
            here = Path(__file__).resolve().parent
            command.add_argument("out", type=Path, metavar="OUT", nargs="?", default=here, help="default: here")
            command.set_defaults(size=64)
        else:
            command.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
            command.add_argument("--size", type=picture_size, default=64, help="side in pixels (default 64)")
        if name == "words":
            command.add_argument(
                "--objects", type=object_count, metavar="N", help="the N easiest objects (default all)"
            )
        command.add_argument("--cache", type=Path, help="keeps the packages, 170 MB (default: OUT/.cache)")
    return parser.parse_args(None if argv is None else list(argv))


def main(argv: Iterable[str] | None = None) -> int:
    """Build what the command line asks for; return the exit status."""
    options = arguments(argv)
    build = {"emoji": build_emoji, "earth": build_earth, "words": build_words, "examples": build_examples}
    chosen = {"objects": options.objects} if options.command == "words" else {}
    try:
        build[options.command](options.out, options.cache or options.out / ".cache", options.size, **chosen)
    except ModuleNotFoundError as problem:
        print(f"error: {problem.name} is not installed: pip install pillow resvg_py numpy", file=sys.stderr)
    except (BuildError, OSError, ValueError) as problem:
        print(f"error: {problem}", file=sys.stderr)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
