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
from gantools.inference.engine import OnnxNetwork
from gantools.inference.parts import PartTranslator, Pieces, probe
from gantools.inference.scaled import translate_scaled
from gantools.networks.whole import Part
from gantools.task import View

if TYPE_CHECKING:
    from gantools.inference.model import Model

log = logging.getLogger("gantools")
Statistics = Literal["auto", "exact", "sampled"]
Report = Callable[[str, int, int], None]

_SMALL = 1 << 20  # pixels that are never worth a question
_TILE_BYTES, _LEAST, _MOST = 400 << 20, 128, 1024
_PREVIEW = 512
_EXACT, _SAMPLED = 16_000_000, 4_000_000  # pixels up to which statistics are exact, and to gather them from above


@dataclass(frozen=True)
class Tiling:
    """How pictures too large for the memory are translated.

    ``side`` is that of the tiles, and pictures that are larger are cut; None cuts those that would not fit into the
    memory, into tiles that need about 400 MB. ``statistics`` of the norms are "exact", those of the whole picture, or
    "sampled", those of tiles of it that have 4 million pixels together; "auto" samples above 16 million pixels.
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
            if not is_out_of_memory(error) or not _can_tile(model, options):
                raise
        log.warning("there is not enough memory for %d x %d pixels at once: translating in tiles", *image.size)
        if tiling.side is None:  # what was thought to be free is not
            tiling = replace(tiling, side=_LEAST * 2)
    return translate_tiled(model, image, options, seed, tiling)


def translate_tiled(model: Model, image: Image.Image, options: Options, seed: int, tiling: Tiling) -> Image.Image:
    """Translate a picture in tiles; GanToolsError if the weights see no part of a picture without the rest."""
    view = model.task.view(options)
    if view is None or not _can_tile(model, options):
        raise GanToolsError(
            f"{model.header.task} weights cannot translate in tiles here",
            "leave --tile out; for weights that onnxruntime runs, give --engine torch",
        )
    if view.size is not None:
        return translate_scaled(lambda small: model.run(small, options, seed), image, view.size, view.detail)
    options = model.task.settled(model.networks, _reduced(model, image), options)
    reach, pixel_bytes = probe(model, options, view.stride)
    side = tiling.side or _side(reach, pixel_bytes)
    tiles = cut(image, side, reach, view)
    translator = PartTranslator(model, options, seed)
    chosen = _sample(tiles, image, tiling.statistics, side)
    translator.gather(chosen, lambda layer, n: tiling.report(f"statistics of norm {layer}", n, len(chosen)))
    canvas: Image.Image | None = None
    for number, (part, crop) in enumerate(tiles, start=1):
        made = to_image(translator(part, crop()))
        canvas = Image.new(made.mode, image.size) if canvas is None else canvas
        canvas.paste(made, (part.x + part.left, part.y + part.top))
        tiling.report("translating tiles", number, len(tiles))
    assert canvas is not None  # noqa: S101  (no picture is without pixels)
    return canvas


def cut(image: Image.Image, side: int, reach: int, view: View) -> Pieces:
    """Return the parts of a picture, with what cuts each out of it: cores of ``side``, and what they see around."""
    stride = view.stride
    side = -(-side // stride) * stride
    margin = max(-(-reach // stride), 3) * stride
    pieces = []
    for top, bottom, y0, y1 in _spans(image.height, side, margin):
        for left, right, x0, x1 in _spans(image.width, side, margin):
            part = Part(
                y1 - y0, x1 - x0, y0, x0, top - y0, left - x0,
                None if bottom == image.height else bottom - top, None if right == image.width else right - left,
            )  # fmt: skip
            pieces.append((part, lambda box=(x0, y0, x1, y1): image.crop(box)))
    return pieces


def _spans(length: int, side: int, margin: int) -> list[tuple[int, int, int, int]]:
    """Return where cores begin and end along a side, and where the tiles around them do."""
    return [
        (start, min(start + side, length), max(0, start - margin), min(length, start + side + margin))
        for start in range(0, length, side)
    ]


def _sample(tiles: Pieces, image: Image.Image, statistics: Statistics, side: int) -> Pieces:
    """Return the tiles to gather statistics from, spread over the picture."""
    pixels = image.width * image.height
    if statistics == "exact" or (statistics == "auto" and pixels <= _EXACT):
        return tiles
    count = min(len(tiles), max(1, -(-_SAMPLED // side**2)))
    return [tiles[int((i + i * 0.618 % 1) * len(tiles) / count)] for i in range(count)]


def _side(reach: int, pixel_bytes: int) -> int:
    """Return the side of tiles that take about 400 MB with what they see around."""
    side = int((_TILE_BYTES / pixel_bytes) ** 0.5) - 2 * reach
    return min(_MOST, max(_LEAST, side // _LEAST * _LEAST))


def _fits(model: Model, image: Image.Image, options: Options) -> bool:
    """Say whether a picture is to be translated whole."""
    side, pixels = model.tiling.side, image.width * image.height
    if side is not None:
        return max(image.size) <= side
    view = model.task.view(options)
    if pixels <= _SMALL or view is None or not _can_tile(model, options):
        return True
    pixel_bytes = 60 if view.size else probe(model, options, view.stride)[1]
    return pixels * pixel_bytes < free_memory(model.device) // 2


def _can_tile(model: Model, options: Options) -> bool:
    networks = model.networks.generators.values()
    return model.task.view(options) is not None and not any(isinstance(one, OnnxNetwork) for one in networks)


def _whole(model: Model, image: Image.Image, options: Options, seed: int) -> Image.Image:
    pixels = to_unit(to_bytes(image))[None].to(model.device)
    return to_image(model.run(pixels, options, seed)[0])


def _reduced(model: Model, image: Image.Image) -> torch.Tensor:
    """Return a picture [1, C, h, w] of 512 pixels a side at most."""
    small = image.copy() if max(image.size) <= _PREVIEW else image.resize(_within(image.size), Image.Resampling.BICUBIC)
    return to_unit(to_bytes(small))[None].to(model.device)


def _within(size: tuple[int, int]) -> tuple[int, int]:
    shrink = _PREVIEW / max(size)
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))
