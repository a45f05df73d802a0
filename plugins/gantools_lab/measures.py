"""How good samples in the plane are: modes covered, share of good samples, Wasserstein distance from the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from scipy.optimize import linear_sum_assignment

from gantools_lab.config import parse_modes
from gantools_lab.points import centres

if TYPE_CHECKING:
    from torch import Tensor

_NEAR = 3.0
_SHARE = 0.01


def modes_covered(samples: Tensor, data: str) -> int:
    """Count the modes that 1 % of the samples [N, 2] lie near: within 3 standard deviations.

    Of a mode that holds less than 2 % of the data, half its share is enough.
    """
    weights = torch.tensor([mode.weight for mode in parse_modes(data)])
    shares = _near(samples, data).float().mean(0)
    return int((shares >= (weights / 2).clamp(max=_SHARE)).sum())


def good_share(samples: Tensor, data: str) -> float:
    """Return the share of samples [N, 2] within 3 standard deviations of a mode, or of the curve of `swissroll`.

    Of a normal mode's own samples 1 - exp(-9/2) = 98.9 % are.
    """
    return float(_near(samples, data).any(1).float().mean())


def wasserstein(first: Tensor, second: Tensor) -> float:
    """Return the Wasserstein-1 distance of two samples of equal size [N, 2], exactly: the best assignment's mean.

    Between two samples of one distribution it is not 0 but falls with N; NaN where a point is not finite.
    """
    if not (first.isfinite().all() and second.isfinite().all()):
        return float("nan")
    distances = _distances(first.double(), second.double()).numpy()
    return float(distances[linear_sum_assignment(distances)].mean())


def _near(samples: Tensor, data: str) -> Tensor:
    """Say which samples lie within 3 standard deviations of which centres, [N, M]."""
    places, std = centres(data)
    return _distances(samples, places) <= _NEAR * std


def _distances(first: Tensor, second: Tensor) -> Tensor:
    return torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist")
