"""Decoding: any picture Pillow opens becomes 8-bit RGB, upright, without transparency."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageColor, UnidentifiedImageError

from gantools.data.places import source
from gantools.errors import GanToolsError

Background = tuple[int, int, int]
ORIENTATION = 0x0112
MAX_PIXELS = 500_000_000
_ROWS, _AT_ONCE = 256, 1 << 22  # pixels that are converted at once
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
logging.getLogger("PIL").addHandler(logging.NullHandler())  # else its errors reach stderr beside ours


class _Quiet:
    """Keeps Pillow's warnings from the screen, and its own limit of pixels away, while any thread is inside.

    `warnings.catch_warnings` alone is not for threads: where two overlap, the filter of one may stay for good.
    """

    def __init__(self) -> None:
        self._lock, self._inside, self._filters = Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._filters.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"PIL\.")
                self._filters.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
                Image.MAX_IMAGE_PIXELS = None
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.close()


quiet_pillow = _Quiet()


def open_image(path: Path, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open and fully decode a picture, turned upright as its EXIF says; GanToolsError names what is wrong with it."""
    with _opened(path) as image:
        _check_pixels(path, image.size, max_pixels)
        image.load()
        return _upright(image)


def stored_size(path: Path) -> tuple[int, int]:
    """Return width and height as a picture's header has them, before any turn; GanToolsError if it cannot be read."""
    with _opened(path) as image:
        return image.size


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open a picture; whatever is wrong with it, then or later, becomes a GanToolsError."""
    try:
        found = source(path)
        if found is path and path.exists() and not path.is_file():  # a pipe would be waited for without end
            raise GanToolsError(f"{path} is not a file", "give a picture")
        with quiet_pillow, Image.open(found) as image:
            yield image
    except GanToolsError:
        raise
    except UnidentifiedImageError:
        raise GanToolsError(
            f"{path} is not a picture", "give a file that Pillow can open, such as PNG or JPEG"
        ) from None
    except Exception as error:  # Pillow's readers raise nearly anything at damaged files
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise GanToolsError(f"{path} cannot be read: {reason}", "check the file, or leave it out") from None


def parse_background(colour: str) -> Background:
    """Return a colour name or #rrggbb as red, green, blue in 0 … 255."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return red, green, blue


def to_rgb(image: Image.Image, background: Background = (255, 255, 255)) -> Image.Image:
    """Convert any mode to 8-bit sRGB: 16-bit and float scaled, not cut off; transparency laid over ``background``."""
    profile = image.info.get("icc_profile", b"")
    if image.mode == "RGB" and "transparency" not in image.info and _is_srgb(profile):
        return image
    rows = _AT_ONCE // image.width
    if 0 < rows < image.height and not image.mode.startswith(("I", "F")):
        return _by_rows(image, rows, background)
    alpha = alpha_of(image)
    if image.mode.startswith(("I", "F")):
        opaque = _scaled(image).convert("RGB")
    elif image.mode in {"CMYK", "LAB"}:
        opaque = _through_profile(image, profile)
    else:
        opaque = _through_profile(_as(_as(image, "RGB" if alpha is None else "RGBA"), "RGB"), profile)
    if alpha is None:
        return opaque
    laid = Image.new("RGB", image.size, background)
    laid.paste(opaque, mask=alpha)
    return laid


def _by_rows(image: Image.Image, rows: int, background: Background) -> Image.Image:
    """Do what `to_rgb` does some rows at a time, so that no further copies of a large picture are in the memory."""
    made = Image.new("RGB", image.size)
    for top in range(0, image.height, rows):
        part = image.crop((0, top, image.width, min(top + rows, image.height)))
        made.paste(to_rgb(part, background), (0, top))
    return made


def to_channels(image: Image.Image, channels: int, background: Background = (255, 255, 255)) -> Image.Image:
    """Convert any mode to 8 bits and 1 (grey), 3 (RGB) or 4 (RGB with transparency) channels."""
    if channels == 4:
        alpha = alpha_of(image)
        colours = image.convert("RGBA").convert("RGB") if alpha else to_rgb(image)
        colours.putalpha(alpha if alpha else 255)
        return colours
    colours = to_rgb(image, background)
    return colours.convert("L") if channels == 1 else colours


def alpha_of(image: Image.Image) -> Image.Image | None:
    """Return the picture's transparency as an 8-bit mask, or None if it has none."""
    if not image.has_transparency_data:
        return None
    if image.mode.startswith("I"):
        opaque = np.asarray(image) != image.info["transparency"]
        return Image.fromarray(opaque.astype(np.uint8) * np.uint8(255))
    return _as(image, "RGBA").getchannel("A")


def _as(image: Image.Image, mode: str) -> Image.Image:
    """Convert a picture, which is not copied if it has the mode already."""
    return image if image.mode == mode else image.convert(mode)


def _check_pixels(path: Path, size: tuple[int, int], most: int) -> None:
    """Raise GanToolsError if a file, perhaps a small one, would become a picture that fills the memory."""
    if size[0] * size[1] > most:
        raise GanToolsError(
            f"{path} has {size[0]:,} x {size[1]:,} pixels, more than the {most:,} of --max-pixels",
            "make it smaller, or give `gantools translate` a larger --max-pixels if it is no bomb",
        )


def _upright(image: Image.Image) -> Image.Image:
    """Return a copy turned as the EXIF says. Unlike `ImageOps.exif_transpose` it does not stumble over other tags."""
    try:
        turn = _TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # EXIF that cannot be read
        turn = None
    return image.copy() if turn is None else image.transpose(turn)


def _scaled(image: Image.Image) -> Image.Image:
    """Scale integers of 16 (or more) bits and floats to 8 bits, in grey."""
    values = np.asarray(image)
    top = max((float(_finite(rows).max(initial=0.0)) for rows in _stripes(values)), default=0.0)
    full = 65535.0
    if image.mode == "F" and top <= 255:
        full = 1.0 if top <= 1 else 255.0
    elif top > full:
        full = top
    scaled = np.empty(values.shape, np.uint8)
    for made, rows in zip(_stripes(scaled), _stripes(values), strict=True):
        made[:] = np.clip(np.rint(_finite(rows) * (255.0 / full)), 0, 255)
    return Image.fromarray(scaled)


def _stripes(values: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    """Return the rows of a large picture, some at a time."""
    return [values[top : top + _ROWS] for top in range(0, len(values), _ROWS)]


def _finite(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    numbers: np.ndarray[Any, Any] = np.nan_to_num(values.astype(np.float64), posinf=0.0, neginf=0.0)
    return numbers


def _is_srgb(profile: bytes) -> bool:
    """Say whether a colour profile is missing or calls itself sRGB, in ASCII or UTF-16."""
    return not profile or b"sRGB" in profile or "sRGB".encode("utf-16-be") in profile


def _through_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert to sRGB with a picture's colour profile; one that cannot be used is ignored."""
    if _is_srgb(profile):
        return _as(image, "RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        converted = None
    return converted if converted is not None else image.convert("RGB")
