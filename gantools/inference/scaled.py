"""Large pictures through a network that works at one size: never more than a few rows of them as numbers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate

from gantools.data.pixels import to_bytes, to_image, to_unit

_ROWS = 256


def translate_scaled(network: Callable[[Tensor], Tensor], image: Image.Image, size: int, detail: bool) -> Image.Image:
    """Do what `translate_at_size` does, by stripes of rows. ``network`` maps [1, C, size, size] to as much.

    Interpolation is linear: scaled up, a picture X is A X Bᵀ, of which a stripe takes a few rows of A.
    """
    small = _shrunk(image, size)
    result = network(small[None])[0]
    detail = detail and result.shape == small.shape
    change = result - small if detail else result
    down, across = _enlarging(size, image.height, change), _enlarging(size, image.width, change)
    wide = change @ across.T
    canvas: Image.Image | None = None
    for top in range(0, image.height, _ROWS):
        made = down[top : top + _ROWS] @ wide
        if detail:
            made += _stripe(image, top).to(made)
        rows = to_image(made)
        canvas = Image.new(rows.mode, image.size) if canvas is None else canvas
        canvas.paste(rows, (0, top))
    assert canvas is not None  # noqa: S101  (no picture is without pixels)
    return canvas


def _shrunk(image: Image.Image, size: int) -> Tensor:
    """Return a picture scaled to [C, size, size], rows first."""
    stripes = []
    for top in range(0, image.height, _ROWS):
        stripe = _stripe(image, top)
        stripes.append(_scaled(stripe, (stripe.shape[1], size)))
    return _scaled(torch.cat(stripes, 1), (size, size))


def _stripe(image: Image.Image, top: int) -> Tensor:
    return to_unit(to_bytes(image.crop((0, top, image.width, min(top + _ROWS, image.height)))))


def _enlarging(size: int, length: int, like: Tensor) -> Tensor:
    """Return the matrix [length, size] that scales a column."""
    return _scaled(torch.eye(size)[None], (length, size))[0].to(like)


def _scaled(images: Tensor, size: tuple[int, int]) -> Tensor:
    return interpolate(images[None], size, mode="bicubic", antialias=True, align_corners=False)[0]
