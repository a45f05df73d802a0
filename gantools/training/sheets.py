"""Sample sheets: rows of pictures under titled columns, as one PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gantools.data.pixels import to_image
from gantools.storage import write_atomically

_GAP, _TITLE, _SMALLEST = 4, 22, 128
_WIDEST, _FEWEST = 14 * (_SMALLEST + _GAP), 7  # pixels of a band, and columns that it holds in any case


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


def draw_pictures(pictures: dict[str, list[Image.Image]], path: Path, repeat: bool = True) -> None:
    """Write columns of pictures of one size under their titles; many columns go into several bands.

    With ``repeat`` every band begins with the first column, to compare the others with.
    """
    first = next(iter(pictures.values()))[0]
    scale = max(1, -(-_SMALLEST // first.width))
    width, height = first.width * scale, first.height * scale
    bands = _bands(list(pictures), max(_FEWEST, _WIDEST // (width + _GAP)), int(repeat))
    tall = _TITLE + max(map(len, pictures.values())) * (height + _GAP)
    sheet = Image.new("RGB", (max(map(len, bands)) * (width + _GAP) + _GAP, len(bands) * tall + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for band, titles in enumerate(bands):
        for column, title in enumerate(titles):
            left, top = _GAP + column * (width + _GAP), band * tall
            shown = _fitted(title, lambda text: font.getlength(text) <= width)
            draw.text((left + width / 2, top + _TITLE / 2), shown, fill="black", font=font, anchor="mm")
            for row, picture in enumerate(pictures[title]):
                enlarged = picture.resize((width, height), Image.Resampling.NEAREST)
                sheet.paste(enlarged, (left, top + _TITLE + row * (height + _GAP)))
    write_atomically(path, lambda temporary: sheet.save(temporary, "PNG"))


def _fitted(title: str, fits: Callable[[str], bool]) -> str:
    """Return a title, cut off where it would run into the next."""
    if fits(title):
        return title
    return next((short for end in range(len(title) - 1, 0, -1) if fits(short := f"{title[:end].rstrip()}…")), "…")


def _bands(titles: list[str], most: int, lead: int) -> list[list[str]]:
    """Share titles out among as few bands as hold them, about as many in each; the first ``lead`` go into every one."""
    if len(titles) <= most:
        return [titles]
    rest = titles[lead:]
    count = -(-len(rest) // (most - lead))
    each = -(-len(rest) // count)
    return [titles[:lead] + rest[start : start + each] for start in range(0, len(rest), each)]
