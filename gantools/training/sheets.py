"""Sample sheets: rows of pictures under titled columns, as one PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gantools.data.pixels import to_image
from gantools.weights.files import write_atomically

_GAP, _TITLE, _SMALLEST = 4, 22, 128


def draw_sheet(columns: dict[str, Tensor], path: Path) -> None:
    """Write columns of pictures [N, C, H, W] in [-1, 1]; small ones are enlarged by whole factors to be seen."""
    draw_pictures({title: [to_image(picture) for picture in images] for title, images in columns.items()}, path)


def join(pictures: Sequence[Image.Image]) -> Image.Image:
    """Return pictures of one size side by side."""
    width, height = pictures[0].size
    strip = Image.new("RGB", (width * len(pictures), height))
    for i, picture in enumerate(pictures):
        strip.paste(picture, (i * width, 0))
    return strip


def draw_pictures(pictures: dict[str, list[Image.Image]], path: Path) -> None:
    """Write columns of pictures of one size under their titles."""
    first = next(iter(pictures.values()))[0]
    scale = max(1, -(-_SMALLEST // first.width))
    width, height = first.width * scale, first.height * scale
    rows = max(map(len, pictures.values()))
    sheet = Image.new("RGB", (len(pictures) * (width + _GAP) + _GAP, rows * (height + _GAP) + _TITLE + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, (title, images) in enumerate(pictures.items()):
        left = _GAP + column * (width + _GAP)
        draw.text((left + width / 2, _TITLE / 2), title, fill="black", font=font, anchor="mm")
        for row, picture in enumerate(images):
            enlarged = picture.resize((width, height), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (left, _TITLE + row * (height + _GAP)))
    write_atomically(path, lambda temporary: sheet.save(temporary, "PNG"))
