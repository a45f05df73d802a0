"""Figures of whole sets: how alike two distributions of features are. Most of the arithmetic is torch-fidelity's.

Its KID draws subsets of 1,000 pictures, which small sets do not have: ours is of all pictures at once.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from gantools.metrics.base import Evidence, Metric, Need, Value

_DRAWS = 1000


class _OfFeatures(Metric):
    """A figure of the features of two sets."""

    needs: ClassVar[frozenset[Need]] = frozenset({"set", "features"})


class KernelDistance(_OfFeatures):
    """KID: 1000 times the unbiased MMD² of all pictures, with the kernel (x·y / D + 1)³ (Bińkowski et al. 2018, eq. 4).

    0 for samples of one distribution, whatever their number, and then negative half of the time. The standard error is
    a bootstrap's of 1,000 draws, over pairs where every truth is known; near 0 it is nearly twice too large.
    """

    better: ClassVar[Literal["lower", "higher"] | None] = "lower"
    decimals: ClassVar[int] = 1
    paper: ClassVar[str] = "Bińkowski et al. 2018, Demystifying MMD GANs, section 4"

    def __call__(self, seen: Evidence) -> Value:
        """Return KID and its standard error."""
        x, y = seen.made.features.pooled, seen.real.features.pooled
        paired = list(seen.truth) == list(range(len(y))) and len(x) == len(y)
        return Value(*kernel_distance(x, y, paired), len(x))


class FrechetDistance(_OfFeatures):
    """FID: |μ - μ'|² + Tr(Σ + Σ' - 2 (Σ Σ')^½) (Heusel et al. 2017, eq. 6).

    It falls with the number of pictures: compare figures of equal numbers only.
    """

    better: ClassVar[Literal["lower", "higher"] | None] = "lower"
    decimals: ClassVar[int] = 1
    paper: ClassVar[str] = "Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule, section 3"

    def __call__(self, seen: Evidence) -> Value:
        """Return FID; its error is not known."""
        from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

        statistics = [fid_features_to_statistics(part.features.pooled) for part in (seen.made, seen.real)]
        found = fid_statistics_to_metric(*statistics, verbose=False)
        return Value(float(found["frechet_inception_distance"]), None, len(seen.made))


class Precision(_OfFeatures):
    """The share of generated pictures that lie where real ones lie: within a real one's third neighbour."""

    better: ClassVar[Literal["lower", "higher"] | None] = "higher"
    paper: ClassVar[str] = "Kynkäänniemi et al. 2019, Improved Precision and Recall Metric, section 2"
    _key: ClassVar[str] = "precision"

    def __call__(self, seen: Evidence) -> Value:
        """Return the share, with the standard error of a share."""
        from torch_fidelity.metric_prc import prc_features_to_metric

        found = prc_features_to_metric(seen.made.features.pooled, seen.real.features.pooled, verbose=False)
        n = len(seen.made) if self._key == "precision" else len(seen.real)
        return share(round(float(found[self._key]) * n) / n, n)  # single precision there


class Recall(Precision):
    """The share of real pictures that lie where generated ones lie: low where kinds of pictures are missing."""

    _key: ClassVar[str] = "recall"


class InceptionScore(Metric):
    """exp E KL(p(y|x) ‖ p(y)) over the backbone's classes (Salimans et al. 2016): how clear and how varied."""

    needs: ClassVar[frozenset[Need]] = frozenset({"set", "features"})
    better: ClassVar[Literal["lower", "higher"] | None] = "higher"
    decimals: ClassVar[int] = 2
    paper: ClassVar[str] = "Salimans et al. 2016, Improved Techniques for Training GANs, section 4"

    def __call__(self, seen: Evidence) -> Value:
        """Return the score of all pictures in one split."""
        from torch_fidelity.metric_isc import isc_features_to_metric

        found = isc_features_to_metric(seen.made.features.logits, splits=1, shuffle=False)
        return Value(found["inception_score_mean"], None, len(seen.made))


class Diversity(_OfFeatures):
    """How far generated pictures lie from each other, as a share of how far real ones do; far below 1 is collapse."""

    def __call__(self, seen: Evidence) -> Value:
        """Return the ratio of the mean distances of features."""
        ours, theirs = (mean_distance(part.features.pooled) for part in (seen.made, seen.real))
        return Value(ours / theirs if theirs else 0.0, None, len(seen.made))


class Nearest(Metric):
    """How far pictures lie from the nearest one that was trained on, by the median, as a share of how far real ones do.

    Far below 1 is learning by heart; real pictures of the test set have 1. Where half of the real ones are themselves
    among those that were trained on there is nothing to compare with, and it is 1 too.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"training", "features"})

    def __call__(self, seen: Evidence) -> Value:
        """Return the ratio of the medians."""
        if seen.training is None:
            raise ValueError("the pictures that were trained on are not known")
        learned = seen.training.features.pooled
        ours, theirs = (
            float(torch.cdist(part.features.pooled, learned).amin(1).median()) for part in (seen.made, seen.real)
        )
        return Value(ours / theirs if theirs else 1.0, None, len(seen.made))


def kernel_distance(x: Tensor, y: Tensor, paired: bool = False) -> tuple[float, float]:
    """Return 1000 times the unbiased MMD² of features [N, D] and [M, D], and its bootstrap standard error.

    A draw that takes a picture several times does not compare it with its copies. ``paired`` draws x and y together.
    """
    xx, yy, xy = ((a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y)))
    xx, yy = xx.fill_diagonal_(0), yy.fill_diagonal_(0)
    random = np.random.default_rng(0)
    u, v = (torch.from_numpy(np.vstack([np.ones(n), random.multinomial(n, [1 / n] * n, _DRAWS)])) for n in xy.shape)
    v = u if paired else v
    within = [((w @ k) * w).sum(1) / (len(k) ** 2 - w.square().sum(1)) for w, k in ((u, xx), (v, yy))]
    values = 1000 * (within[0] + within[1] - 2 * ((u @ xy) * v).sum(1) / xy.numel())
    return float(values[0]), float(values[1:].std())


def mean_distance(features: Tensor) -> float:
    """Return the mean Euclidean distance of two different rows of features [N, D]."""
    return float(torch.pdist(features).mean())


def share(value: float, n: int) -> Value:
    """Return a share of ``n`` with the standard error of a share."""
    return Value(value, (value * (1 - value) / n) ** 0.5, n)
