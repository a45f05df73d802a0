"""Framing: how large a picture without a partner is, and where, before a window is cut out of it."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageChops, ImageOps
from torch import Tensor
from torch.nn.functional import interpolate

from gantools.data.decode import Background, parse_background, to_rgb
from gantools.data.order import crop_and_flip
from gantools.data.pixels import resized, to_bytes
from gantools.data.settings import FramedSettings
from gantools.randomness import derive_seed

_PLAIN = 12  # of 255: what compression does to a plain border


def framed(image: Image.Image, config: FramedSettings, like: Image.Image | None = None) -> Tensor:
    """Return a picture as uint8 [3, side, side]: trimmed if asked for, resized, and padded with background.

    ``like`` is a picture that this one lies on: it is trimmed as that one is.
    """
    background = parse_background(config.background)
    picture = to_rgb(image, background)
    if config.trim and like is not None:
        picture = trimmed(picture.resize(like.size), background, to_rgb(like, background))
    elif config.trim:
        picture = trimmed(picture, background)
    return _placed(resized(picture, config.resize_to), config, config.pad, config.pad)


def window(picture: Tensor, config: FramedSettings, *seed: int | str) -> Tensor:
    """Scale a framed picture at random as ``config`` says, cut a window out of it, and mirror half of them."""
    return crop_and_flip(_scaled(picture, config, *seed), config.size, config.flip, config.seed, "crop", *seed)


def _scaled(picture: Tensor, config: FramedSettings, *seed: int | str) -> Tensor:
    """Scale [3, side, side] by a random share from `min_scale` to 1, and put it anywhere on background of its size."""
    if config.min_scale == 1:
        return picture
    random = Random(derive_seed(config.seed, "scale", *seed))  # noqa: S311  (nothing secret about a size)
    side = round(picture.shape[1] * random.uniform(config.min_scale, 1))
    small = interpolate(picture[None], (side, side), mode="bicubic", antialias=True)[0]
    top, left = (random.randint(0, picture.shape[1] - side) for _ in range(2))
    return _placed(small, config, top, left)


def _placed(inner: Tensor, config: FramedSettings, top: int, left: int) -> Tensor:
    """Put [3, h, w] on background of a framed picture's size, at a place."""
    side = config.resize_to + 2 * config.pad
    if inner.shape[1:] == (side, side):
        return inner
    frame = to_bytes(Image.new("RGB", (side, side), parse_background(config.background)))
    frame[:, top : top + inner.shape[1], left : left + inner.shape[2]] = inner
    return frame


def bytes_of(config: FramedSettings) -> int:
    """Return the memory that a framed picture takes."""
    return 3 * (config.resize_to + 2 * config.pad) ** 2


def trimmed(picture: Image.Image, background: Background, like: Image.Image | None = None) -> Image.Image:
    """Cut off borders that are plain background, and centre what is left in a square; a plain picture stays.

    The borders are those of ``like``, a picture of the same size, if it is given.
    """
    seen = like or picture
    difference = ImageChops.difference(seen, Image.new("RGB", seen.size, background))
    largest = ImageChops.lighter(ImageChops.lighter(*difference.split()[:2]), difference.getchannel("B"))
    box = largest.point(lambda value: 255 if value > _PLAIN else 0).getbbox()
    if box is None:
        return picture
    content = picture.crop(box)
    side = max(content.size)
    return ImageOps.pad(content, (side, side), color=background)
