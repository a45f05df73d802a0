"""Pictures of any size: whole while they fit into the memory, else in tiles."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from PIL import Image

from gantools.config import Options
from gantools.data.pixels import to_bytes, to_image, to_unit
from gantools.device import free_memory, is_out_of_memory
from gantools.errors import GanToolsError
from gantools.inference.parts import PartTranslator, Pieces, probe
from gantools.inference.scaled import translate_scaled
from gantools.networks.whole import Part
from gantools.task import View

if TYPE_CHECKING:
    from gantools.inference.model import Model

log = logging.getLogger("gantools")
Statistics = Literal["auto", "exact", "reduced"]
Report = Callable[[str, int, int], None]

_SMALL = 1 << 20  # pixels that are never worth a question
_TILE_BYTES, _LEAST, _MOST = 400 << 20, 128, 1024
_PREVIEW = 512
_EXACT, _REDUCED = 16_000_000, 4_000_000  # pixels up to which statistics are exact, and of what they are of above


@dataclass(frozen=True)
class Tiling:
    """How pictures too large for the memory are translated.

    ``side`` is that of the tiles, and pictures that are larger, margin apart, are cut; None cuts those that would not
    fit into the memory, into tiles that need about 400 MB. ``statistics`` of the norms are "exact", those of the whole
    picture, or "reduced", those of the picture scaled down to 4 million pixels (cf. thumbnail instance normalization,
    Chen et al. 2022); "auto" is the latter above 16 million pixels.
    ``report(what, done, total)`` is called after each tile.
    """

    side: int | None = None
    statistics: Statistics = "auto"
    report: Report = lambda what, done, total: None

    def __post_init__(self) -> None:
        if self.side is not None and self.side < 1:
            raise GanToolsError(f"--tile {self.side} is no size", "give auto, or the side of the tiles in pixels")


def translate_picture(model: Model, image: Image.Image, options: Options, seed: int) -> Image.Image:
    """Translate a picture of as many channels as the model takes, whole or in tiles."""
    tiling = model.tiling
    if _fits(model, image, options):
        try:
            return _whole(model, image, options, seed)
        except Exception as error:
            if not is_out_of_memory(error) or not model.in_parts(options):
                raise
        sides = [length - 2 * model.margin for length in image.size]
        log.warning("there is not enough memory for %d x %d pixels at once: translating in tiles", *sides)
        tiling = replace(tiling, side=_LEAST * 2)  # what was thought to be free is not
    return translate_tiled(model, image, options, seed, tiling)


def translate_tiled(model: Model, image: Image.Image, options: Options, seed: int, tiling: Tiling) -> Image.Image:
    """Translate a picture in tiles; GanToolsError if the weights see no part of a picture without the rest."""
    view = model.task.view(options)
    if view is None or not model.in_parts(options):
        raise GanToolsError(
            f"{model.header.task} weights cannot translate in tiles{' by onnxruntime' if view else ''}",
            "leave --tile out, or --engine",
        )
    if view.size is not None:
        return translate_scaled(lambda small: model.run(small, options, seed), image, view.size, view.detail)
    options = model.task.settled(model.networks, preview(model, image), options)
    reach, pixel_bytes = probe(model, options, view.stride)
    side = tiling.side or _side(reach, pixel_bytes)
    tiles = cut(image, side, reach, view, model.margin)
    translator = PartTranslator(model, options, seed)
    seen = _for_statistics(image, tiling.statistics)
    seen_tiles = tiles if seen is image else cut(seen, side, reach, view, model.margin)
    translator.gather(seen_tiles, lambda norm, n: tiling.report(f"statistics of norm {norm}", n, len(seen_tiles)))
    canvas: Image.Image | None = None
    for number, (part, crop) in enumerate(tiles, start=1):
        made = to_image(translator(part, crop()))
        canvas = Image.new(made.mode, image.size) if canvas is None else canvas
        canvas.paste(made, (part.x + part.left, part.y + part.top))
        tiling.report("translating tiles", number, len(tiles))
    assert canvas is not None  # noqa: S101  (no picture is without pixels)
    return canvas


def cut(image: Image.Image, side: int, reach: int, view: View, margin: int = 0) -> Pieces:
    """Return the parts of a picture, with what cuts each out of it: cores of ``side``, and what they see around.

    The last cores of a row and a column are larger by twice the picture's ``margin``, which is not worth tiles.
    """
    stride = view.stride
    side = -(-side // stride) * stride
    halo = max(-(-reach // stride), 3) * stride
    pieces = []
    for top, bottom, y0, y1 in _spans(image.height, side, halo, 2 * margin):
        for left, right, x0, x1 in _spans(image.width, side, halo, 2 * margin):
            part = Part(
                y1 - y0, x1 - x0, y0, x0, top - y0, left - x0,
                None if bottom == image.height else bottom - top, None if right == image.width else right - left,
            )  # fmt: skip
            pieces.append((part, lambda box=(x0, y0, x1, y1): image.crop(box)))
    return pieces


def _spans(length: int, side: int, halo: int, more: int) -> list[tuple[int, int, int, int]]:
    """Return where cores begin and end along a side, the last ``more`` longer, and where the tiles around them do."""
    starts = range(0, max(1, length - more), side)
    ends = [*starts[1:], length]
    return [
        (start, end, max(0, start - halo), min(length, end + halo)) for start, end in zip(starts, ends, strict=True)
    ]


def _for_statistics(image: Image.Image, statistics: Statistics) -> Image.Image:
    """Return the picture to gather statistics from: the picture itself, or a smaller one."""
    pixels = image.width * image.height
    if statistics == "exact" or (statistics == "auto" and pixels <= _EXACT) or pixels <= _REDUCED:
        return image
    return _shrunk(image, (_REDUCED / pixels) ** 0.5)


def _side(reach: int, pixel_bytes: int) -> int:
    """Return the side of tiles that take about 400 MB with what they see around."""
    side = int((_TILE_BYTES / pixel_bytes) ** 0.5) - 2 * reach
    return min(_MOST, max(_LEAST, side // _LEAST * _LEAST))


def _fits(model: Model, image: Image.Image, options: Options) -> bool:
    """Say whether a picture is to be translated whole."""
    side, pixels = model.tiling.side, image.width * image.height
    if side is not None:
        return max(image.size) - 2 * model.margin <= side
    view = model.task.view(options)
    if pixels <= _SMALL or view is None or not model.in_parts(options):
        return True
    if view.size is not None:  # stripes cost nothing
        return False
    return pixels * probe(model, options, view.stride)[1] < free_memory(model.device) // 2


def _whole(model: Model, image: Image.Image, options: Options, seed: int) -> Image.Image:
    pixels = to_unit(to_bytes(image))[None].to(model.device)
    return to_image(model.run(pixels, options, seed)[0])


def preview(model: Model, image: Image.Image) -> torch.Tensor:
    """Return a picture [1, C, h, w] of 512 pixels a side at most, for `Task.settled`."""
    shrink = _PREVIEW / max(image.size)
    small = _shrunk(image, shrink) if shrink < 1 else image
    return to_unit(to_bytes(small))[None].to(model.device)


def _shrunk(image: Image.Image, shrink: float) -> Image.Image:
    size = max(1, round(image.width * shrink)), max(1, round(image.height * shrink))
    return image.resize(size, Image.Resampling.BICUBIC)
