"""Decoding: any picture Pillow opens becomes 8-bit RGB, upright, without transparency."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageColor, ImageOps, UnidentifiedImageError

from gantools.errors import GanToolsError

Background = tuple[int, int, int]


def open_image(path: Path) -> Image.Image:
    """Open and fully decode a picture, turned upright as its EXIF says; GanToolsError names what is wrong with it."""
    try:
        with Image.open(path) as image:
            image.load()
            return ImageOps.exif_transpose(image)
    except UnidentifiedImageError:
        raise GanToolsError(
            f"{path} is not a picture", "give a file that Pillow can open, such as PNG or JPEG"
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise GanToolsError(f"{path} cannot be read: {reason}", "check the file, or leave it out") from None


def parse_background(colour: str) -> Background:
    """Return a colour name or #rrggbb as red, green, blue in 0 … 255."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return red, green, blue


def to_rgb(image: Image.Image, background: Background = (255, 255, 255)) -> Image.Image:
    """Convert any mode to 8-bit RGB: 16-bit and float scaled, not cut off; transparency laid over ``background``."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return _scaled(image).convert("RGB")
    if image.has_transparency_data:
        upper = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", upper.size, (*background, 255)), upper).convert("RGB")
    if image.mode in {"CMYK", "LAB"} and "icc_profile" in image.info:
        return _through_profile(image)
    return image.convert("RGB")


def alpha_of(image: Image.Image) -> Image.Image | None:
    """Return the picture's transparency as an 8-bit mask, or None if it has none."""
    return image.convert("RGBA").getchannel("A") if image.has_transparency_data else None


def _scaled(image: Image.Image) -> Image.Image:
    """Scale integers of 16 (or more) bits and floats to 8 bits, in grey."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    top = float(values.max(initial=0.0))
    full = 65535.0
    if image.mode == "F" and top <= 255:
        full = 1.0 if top <= 1 else 255.0
    elif top > full:
        full = top
    return Image.fromarray(np.clip(np.rint(values * (255.0 / full)), 0, 255).astype(np.uint8))


def _through_profile(image: Image.Image) -> Image.Image:
    """Convert with the embedded colour profile; one that cannot be used is ignored."""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        converted = None
    return converted if converted is not None else image.convert("RGB")
