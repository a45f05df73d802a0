"""Looking at every picture of a data set once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from gantools.data.decode import alpha_of, open_image, to_rgb
from gantools.data.places import read
from gantools.errors import GanToolsError

_SIDE = 32  # of the small copy that is judged
CELLS = 8  # of the signature, each way
_EVEN = 6  # levels of 255 that compression changes in one plain colour

Signature = npt.NDArray[np.uint8]  # [8 x 8 x 3], the mean colours of a picture's cells


@dataclass(frozen=True)
class Look:
    """What a picture is: ``size`` as width and height after EXIF's turn, Pillow's ``mode``, a hash of the file.

    ``transparent``: some of it is; ``grey``: it has no colours; ``plain``: it is of one colour; ``bordered``: one
    colour runs all around it.
    """

    path: Path
    size: tuple[int, int]
    mode: str
    digest: str
    signature: Signature
    transparent: bool
    grey: bool
    plain: bool
    bordered: bool


@dataclass(frozen=True)
class Broken:
    """A file that cannot be decoded, and why."""

    path: Path
    reason: str


def look_at_all(paths: Sequence[Path]) -> Iterator[Look | Broken]:
    """Look at pictures, several at a time, in order."""
    with ThreadPoolExecutor() as pool:
        yield from pool.map(look_at, paths)


def look_at(path: Path) -> Look | Broken:
    """Decode a picture and say what it is."""
    try:
        image = open_image(path)
        digest = sha256(read(path)).hexdigest()
    except GanToolsError as error:
        return Broken(path, error.message)
    alpha = alpha_of(image)
    small = to_rgb(image).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    levels = np.asarray(small).astype(np.int16)
    border = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    return Look(
        path,
        image.size,
        image.mode,
        digest,
        np.asarray(small.resize((CELLS, CELLS), Image.Resampling.BOX)).reshape(-1),
        transparent=alpha is not None and alpha.getextrema() != (255, 255),
        grey=bool(np.ptp(levels, axis=2).max() <= _EVEN),
        plain=bool(np.ptp(levels, axis=(0, 1)).max() <= _EVEN),
        bordered=bool(np.ptp(border, axis=0).max() <= _EVEN),
    )
