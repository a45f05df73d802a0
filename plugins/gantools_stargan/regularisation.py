"""How far a translation is from its source: self-regularisation (Shrivastava et al. 2017, eq. 4), and details.

And how far from what it should be, where that is known.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pad

from gantools.objectives.base import precise

_ALIKE = 0.2  # of details and plain areas: the difference that counts as one
_APART, _WIDE = (2, 3), (4, 7)  # how far both sides are from details, and from spots
_AGREE, _NEAR = 0.3, 3  # of partners: the difference in brightness that counts as one, and how far pixels may lie apart
_PLAIN = 0.1  # what tells a drawing from its background


def distance(made: Tensor, source: Tensor, reach: int = 0, chroma: float = 0.0) -> Tensor:
    """Return the mean absolute difference of pictures [N, 3, H, W] and their sources, and of their tints.

    Each pixel is compared with the one of the source most like it, at most ``reach`` pixels away. The paper's features
    are the colours here and ``chroma`` times their tints: what they are without the mean of red, green and blue.
    """
    made = precise(made)
    seen, aim = _features(made, chroma), _features(source, chroma)
    return (seen - nearest(seen, aim, reach)).abs().sum(1).mean() / made.shape[1]


def _features(image: Tensor, chroma: float) -> Tensor:
    return torch.cat([image, chroma * (image - image.mean(1, keepdim=True))], 1) if chroma else image


def nearest(wanted: Tensor, image: Tensor, reach: int) -> Tensor:
    """Return for each pixel of ``wanted`` the one of ``image`` most like it, at most ``reach`` pixels from there."""
    if not reach:
        return image
    height, width = image.shape[2:]
    around = pad(image, [reach] * 4, mode="replicate")
    places = torch.arange(around[0, 0].numel(), device=image.device).view_as(around[0, 0])
    found = places[reach : reach + height, reach : reach + width]
    with torch.no_grad():
        least = (wanted - image).abs().sum(1, keepdim=True)
        for down, right in itertools.product(range(2 * reach + 1), repeat=2):
            window = (..., slice(down, down + height), slice(right, right + width))
            apart = (wanted - around[window]).abs().sum(1, keepdim=True)
            found = torch.where(apart < least, places[window], found)
            least = torch.minimum(apart, least)
    return around.flatten(2).gather(2, found.flatten(2).expand(-1, image.shape[1], -1)).view_as(image)


def details(made: Tensor, source: Tensor) -> Tensor:
    """Return how much what is small in the sources [N, 3, H, W] stands out otherwise in what is made of them.

    A dot or a line, an eye as much as a letter, is unlike both sides of it, where these are alike: a detail with sides
    a and b stands out by k = x - (a + b) / 2. Of k the mean absolute change is returned, over sides 2 and 3 pixels away
    in four directions, each weighed by the source's exp(-|a - b|^2 / 2 s^2) (1 - exp(-|k|^2 / 2 s^2)), s of 25 grey
    levels. An outline between two colours is no detail, and a detail may change its colour as what is around it does.
    What has no detail may get one.
    """
    return _mean(alike * (1 - even) * change for alike, even, change in _compared(made, source, _APART))


def plain(made: Tensor, source: Tensor) -> Tensor:
    """Return how spotted what is made of pictures [N, 3, H, W] is where these are plain.

    With sides a and b, x - (a + b) / 2 is 0 of a flat colour and, but at the border, of an even slope, not of a spot.
    Of it the mean absolute change is returned, over sides 4 and 7 pixels away in four directions, where the source's
    pixel and both sides are alike: exp(-(|a - b|^2 + |k|^2) / 2 s^2), s of 25 grey levels, k the source's
    x - (a + b) / 2.
    """
    return _mean(alike * even * change for alike, even, change in _compared(made, source, _WIDE))


def _compared(made: Tensor, source: Tensor, distances: Sequence[int]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield, for each distance and direction, how alike both sides are in the source, how even it is, the change."""
    made = precise(made)
    for (a, b), (c, d) in zip(_sides(made, distances), _sides(source, distances), strict=True):
        stands_out = source - (c + d) / 2
        yield _alike(c - d), _alike(stands_out), (made - (a + b) / 2 - stands_out).abs()


def _mean(losses: Iterable[Tensor]) -> Tensor:
    return torch.stack([loss.mean() for loss in losses]).mean()


def paired(made: Tensor, source: Tensor, partner: Tensor, background: Sequence[float]) -> Tensor:
    """Return for each picture [N, 3, H, W] how far it is from its partner, which need not lie exactly as it does.

    The mean over pixels, each compared with the one of the partner most like it, at most 3 pixels away, and the other
    way round: what is made has to be in the partner near there, and the reverse. Where source and partner, blurred,
    differ in brightness by d they show different things, and count exp(-d^2 / 2 s^2), s of 38 grey levels. So little,
    too, does what is made have to be in the partner where not even the source is, such as an eye that the partner has
    elsewhere; but what the partner has is asked for, outlines as much as its own eyes. Where the partner has the colour
    of the ``background``, in [-1, 1], nothing counts: another shape is no reason to fade.
    """
    made = precise(made)
    bright, aim = source.mean(1, keepdim=True), partner.mean(1, keepdim=True)
    alike, found = _agreement(_blurred(aim - bright)), _agreement(bright - nearest(bright, aim, _NEAR))
    colours = zip(partner.unbind(1), background, strict=True)
    drawn = torch.stack([(values - colour).abs() > _PLAIN for values, colour in colours], 1).any(1, keepdim=True)
    there = (made - nearest(made, partner, _NEAR)).abs()
    back = (partner - nearest(partner, made, _NEAR)).abs()
    return 0.5 * (alike * drawn * (found * there + back)).mean((1, 2, 3))


def _agreement(difference: Tensor) -> Tensor:
    return (-0.5 / _AGREE**2 * difference.square()).exp()


def _blurred(image: Tensor) -> Tensor:
    """Blur twice by a box of 5 pixels: nearly by a Gaussian of sigma 2."""
    for _ in range(2):
        image = avg_pool2d(image, 5, 1, 2, count_include_pad=False)
    return image


def _sides(image: Tensor, distances: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield, for each distance and direction, what is on one side of each pixel and on the other."""
    height, width = image.shape[2:]
    edge = max(distances)
    around = pad(image, [edge] * 4, mode="replicate")
    for apart, (down, right) in itertools.product(distances, ((0, 1), (1, 0), (1, 1), (1, -1))):
        low, wide = apart * down, apart * right
        a = around[..., edge + low : edge + low + height, edge + wide : edge + wide + width]
        b = around[..., edge - low : edge - low + height, edge - wide : edge - wide + width]
        yield a, b


def _alike(difference: Tensor) -> Tensor:
    return (-0.5 / _ALIKE**2 * difference.square().sum(1, keepdim=True)).exp()
