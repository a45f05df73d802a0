"""The other half of a pair, made from a photograph: its edges, or its shades of grey."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

_FINE, _RATIO = 0.8, 1.6  # pixels, and how much blurrier the other copy is
_FAINT, _STRONG = 0.012, 0.05  # differences of brightness, 1 from black to white, that are blank and full ink


def edges(image: Image.Image) -> Image.Image:
    """Return an RGB picture as black lines on white, mode L, where it is darker than its surroundings.

    The difference of two Gaussians (Marr and Hildreth 1980), its negative part as ink: lines lie on the dark side
    of an edge, as a pen would put them.
    """
    from scipy.ndimage import gaussian_filter

    grey = np.asarray(image.convert("L"), dtype=np.float32) / 255
    difference = gaussian_filter(grey, _FINE) - gaussian_filter(grey, _FINE * _RATIO)
    ink = np.clip((-difference - _FAINT) / (_STRONG - _FAINT), 0, 1)
    return Image.fromarray(np.rint(255 * (1 - ink)).astype(np.uint8))


def grey(image: Image.Image) -> Image.Image:
    """Return an RGB picture in shades of grey, mode L."""
    return image.convert("L")


DRAWINGS: dict[str, Callable[[Image.Image], Image.Image]] = {"edges": edges, "grey": grey}
