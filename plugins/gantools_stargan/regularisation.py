"""How far a translation is from its source: self-regularisation (Shrivastava et al. 2017, second term of eq. 4)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor
from torch.nn.functional import pad

from gantools.objectives.base import precise


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


@torch.no_grad()
def nearest(made: Tensor, source: Tensor, reach: int) -> Tensor:
    """Return for each pixel of ``made`` the one of ``source`` most like it, at most ``reach`` pixels from there."""
    if not reach:
        return source
    height, width = source.shape[2:]
    around = pad(source, [reach] * 4, mode="replicate")
    found, least = source, (made - source).abs().sum(1, keepdim=True)
    for down, right in itertools.product(range(2 * reach + 1), repeat=2):
        pixel = around[..., down : down + height, right : right + width]
        apart = (made - pixel).abs().sum(1, keepdim=True)
        found = torch.where(apart < least, pixel, found)
        least = torch.minimum(apart, least)
    return found
