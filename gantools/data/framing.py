"""Framing: how large a picture without a partner is, and where, before a window is cut out of it."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageOps
from torch import Tensor

from gantools.data.decode import Background, parse_background, to_rgb
from gantools.data.pixels import resized, to_bytes
from gantools.data.settings import FramedSettings

_PLAIN = 12  # of 255: what compression does to a plain border


def framed(image: Image.Image, config: FramedSettings) -> Tensor:
    """Return a picture as uint8 [3, side, side]: trimmed if asked for, resized, and padded with background."""
    background = parse_background(config.background)
    picture = to_rgb(image, background)
    if config.trim:
        picture = trimmed(picture, background)
    inner = resized(picture, config.resize_to)
    if not config.pad:
        return inner
    side, pad = config.resize_to + 2 * config.pad, config.pad
    frame = to_bytes(Image.new("RGB", (side, side), background))
    frame[:, pad:-pad, pad:-pad] = inner
    return frame


def bytes_of(config: FramedSettings) -> int:
    """Return the memory that a framed picture takes."""
    return 3 * (config.resize_to + 2 * config.pad) ** 2


def trimmed(picture: Image.Image, background: Background) -> Image.Image:
    """Cut off borders that are plain background, and centre what is left in a square; a plain picture stays."""
    difference = ImageChops.difference(picture, Image.new("RGB", picture.size, background))
    largest = ImageChops.lighter(ImageChops.lighter(*difference.split()[:2]), difference.getchannel("B"))
    box = largest.point(lambda value: 255 if value > _PLAIN else 0).getbbox()
    if box is None:
        return picture
    content = picture.crop(box)
    side = max(content.size)
    return ImageOps.pad(content, (side, side), color=background)
