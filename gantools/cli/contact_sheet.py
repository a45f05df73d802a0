"""A contact sheet: some pictures of each kind of a data set, to see what a program cannot judge."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

from gantools.data.decode import open_image, to_rgb
from gantools.datasets.check import Checked
from gantools.training.sheets import draw_pictures

_SHOWN, _SIDE, _LETTERS = 8, 128, 17


def draw_contact_sheet(found: Checked, path: Path) -> None:
    """Write a column for each kind, evenly chosen; of one kind alone, pictures by their captions or names."""
    kinds = {name: found.group(name) for name in found.sizes}
    shown = {name: [look.path for look in looks[:: -(-len(looks) // _SHOWN)]] for name, looks in kinds.items()}
    if len(shown) > 1:
        columns = {f"{name} ({len(kinds[name]):,})": list(map(_thumbnail, paths)) for name, paths in shown.items()}
    else:
        [paths] = shown.values()
        captions = {captioned.file: captioned.texts[0] for captioned in found.layout.captions}
        columns = {_short(captions.get(place, place.stem)): [_thumbnail(place)] for place in paths}
    draw_pictures(columns, path, repeat=False)


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _thumbnail(path: Path) -> Image.Image:
    return ImageOps.pad(to_rgb(open_image(path)), (_SIDE, _SIDE), color="white")
