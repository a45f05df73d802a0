"""Whether pictures are copies of what was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from gantools.errors import GanToolsError
from gantools.metrics.base import Evidence, Metric, Need, Value

if TYPE_CHECKING:
    from gantools.metrics.pictures import PictureSet

_SIDE, _MOST = 16, 10.0


class Nearest(Metric):
    """How much nearer pictures lie to one that was trained on than to one that was not, set beside real pictures.

    The median of (distance to the nearest training picture) / (distance to the nearest real one, its own truth left
    out), divided by the same of the real pictures: 1 where nothing was learned by heart, near 0 for copies. Distances
    are Euclidean between pictures averaged down to 16 x 16, as they are and mirrored: noise, blur and compression
    hardly change these, while they move the features of a network further than another picture is.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"set", "training"})
    decimals: ClassVar[int] = 2

    def __call__(self, seen: Evidence) -> Value:
        """Return the ratio; GanToolsError where the real pictures are themselves among those that were trained on."""
        if seen.training is None:
            raise ValueError("the pictures that were trained on are not known")
        learned, real = small(seen.training), small(seen.real)
        ours = _median_ratio(small(seen.made), learned, real, torch.tensor(seen.kin))
        theirs = _median_ratio(real, learned, real, torch.arange(len(real)))
        if not theirs:
            raise GanToolsError("half of the real pictures were trained on", "give others to compare with")
        return Value(ours / theirs, None, len(seen.made))


def small(pictures: PictureSet) -> Tensor:
    """Return pictures in [0, 1] averaged down to 16 x 16, [N, 768]."""
    return torch.stack([adaptive_avg_pool2d(picture.double() / 255, _SIDE).flatten() for picture in pictures])


def _median_ratio(made: Tensor, learned: Tensor, real: Tensor, own: Tensor) -> float:
    """Return the median of the distance to the nearest of ``learned`` over that to the nearest of ``real``, up to 10.

    ``own[i]`` is the row of ``real`` that made[i] is not compared with.
    """
    strange = own[:, None] == torch.arange(len(real))
    unseen = _distances(made, real).masked_fill(strange, torch.inf).amin(1)
    return float((_distances(made, learned).amin(1) / unseen.clamp_min(1e-12)).clamp_max(_MOST).median())


def _distances(x: Tensor, y: Tensor) -> Tensor:
    """Return the Euclidean distances of rows [N, M], of each the smaller of the two to y and to y mirrored."""
    mirrored = y.view(-1, 3, _SIDE, _SIDE).flip(3).flatten(1)
    return torch.minimum(torch.cdist(x, y), torch.cdist(x, mirrored))
