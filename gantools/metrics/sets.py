"""Figures of whole sets: how alike two distributions of features are.

Statistics of sets suppose independent pictures. A picture and its own truth are none, and neither are two pictures of
one truth: such pairs are known here, and left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from gantools.metrics.base import Evidence, Metric, Need, Value

_DRAWS = 1000
_NEIGHBOUR = 3


class _OfFeatures(Metric):
    """A figure of the features of two sets."""

    needs: ClassVar[frozenset[Need]] = frozenset({"set", "features"})


class KernelDistance(_OfFeatures):
    """KID: 1000 times the unbiased MMD² of all pictures, with the kernel (x·y / D + 1)³ (Bińkowski et al. 2018, eq. 4).

    0 for samples of one distribution, whatever their number, and then negative half of the time. A picture is not
    compared with its own truth, nor with others of the same truth. The standard error is a bootstrap's of 1,000 draws,
    in which pictures go with their truth; near 0 it is nearly twice too large.
    """

    better: ClassVar[Literal["lower", "higher"] | None] = "lower"
    decimals: ClassVar[int] = 1
    paper: ClassVar[str] = "Bińkowski et al. 2018, Demystifying MMD GANs, section 4"

    def __call__(self, seen: Evidence) -> Value:
        """Return KID and its standard error."""
        x, y = seen.made.features.pooled, seen.real.features.pooled
        return Value(*kernel_distance(x, y, seen.kin), len(x))


class KernelDistanceOfAll(KernelDistance):
    """KID with every pair counted, a picture with its own truth too: as other programs have it, for comparison.

    Such pairs are more alike than chance. 140 pictures that equal their truth have -40 or so in place of 0, and better
    translations gain more than worse ones.
    """

    needs: ClassVar[frozenset[Need]] = KernelDistance.needs | {"pairs"}

    def __call__(self, seen: Evidence) -> Value:
        """Return the figure and its standard error."""
        x, y = seen.made.features.pooled, seen.real.features.pooled
        return Value(*kernel_distance(x, y, seen.kin, apart=False), len(x))


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

    def __call__(self, seen: Evidence) -> Value:
        """Return the share, with the standard error of a share."""
        return share_within(seen.made.features.pooled, seen.real.features.pooled, range(len(seen.real)))


class Recall(Precision):
    """The share of real pictures that lie where generated ones lie: low where kinds of pictures are missing."""

    def __call__(self, seen: Evidence) -> Value:
        """Return the share, with the standard error of a share."""
        return share_within(seen.real.features.pooled, seen.made.features.pooled, seen.kin)


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
        ours = mean_distance(seen.made.features.pooled, seen.kin)
        theirs = mean_distance(seen.real.features.pooled, range(len(seen.real)))
        return Value(ours / theirs if theirs else 0.0, None, len(seen.made))


def kernel_distance(x: Tensor, y: Tensor, kin: Sequence[int], apart: bool = True) -> tuple[float, float]:
    """Return 1000 times the unbiased MMD² of features x [N, D] and y [M, D], and its bootstrap standard error.

    ``kin`` and ``apart`` are those of `kernel_distances`.
    """
    values = kernel_distances(x, y, kin, apart)
    return float(values[0]), float(values[1:].std())


def kernel_distances(x: Tensor, y: Tensor, kin: Sequence[int], apart: bool = True) -> Tensor:
    """Return 1000 times the unbiased MMD² of features x [N, D] and y [M, D], and those of bootstrap draws [1 + draws].

    ``kin[i]`` is the row of y that x[i] goes with, or a number from M on of its own: ``apart``, pairs of a kin are left
    out. A draw that takes a picture several times does not compare it with its copies. Of equal ``kin`` and M the draws
    are the same, so that the values of two sets may be subtracted draw by draw.
    """
    kernels = [(a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((x, x), (y, y), (x, y))]
    mine, theirs = torch.tensor(kin), torch.arange(len(y))
    own = [torch.eye(len(x), dtype=torch.bool), torch.eye(len(y), dtype=torch.bool)]
    together = [mine[:, None] == mine, own[1], mine[:, None] == theirs]
    left_out = together if apart else [*own, torch.zeros_like(together[2])]
    u, v = _draws(mine, len(y))
    means = []
    for kernel, out, (left, right) in zip(kernels, left_out, ((u, u), (v, v), (u, v)), strict=True):
        counted = (~out).to(x.dtype)
        means.append(((left @ (kernel * counted)) * right).sum(1) / ((left @ counted) * right).sum(1))
    return 1000 * (means[0] + means[1] - 2 * means[2])


def _draws(kin: Tensor, real: int) -> tuple[Tensor, Tensor]:
    """Return how often each made and each real picture counts: once, and in 1,000 bootstrap draws [1 + draws, N].

    A made picture that goes with a real one is drawn with it.
    """
    random = np.random.default_rng(0)
    kinds = real + int((kin >= real).sum())
    rows, alone = kin.clone(), kin >= real
    rows[alone] = torch.arange(real, kinds)
    drawn = torch.ones(1 + _DRAWS, kinds, dtype=torch.float64)
    for part in (slice(0, real), slice(real, kinds)):
        n = len(range(kinds)[part])
        if n:
            drawn[1:, part] = torch.from_numpy(random.multinomial(n, [1 / n] * n, _DRAWS).astype(float))
    return drawn[:, rows], drawn[:, :real]


def share_within(points: Tensor, among: Tensor, kin: Sequence[int]) -> Value:
    """Return the share of ``points`` [N, D] that lie no further from one of ``among`` [M, D] than its third neighbour.

    ``kin`` [M] numbers ``among``: those of the same number are no neighbours of each other.
    """
    own = torch.tensor(kin)
    gaps = torch.cdist(among, among).masked_fill(own[:, None] == own, torch.inf)
    reach = gaps.kthvalue(min(_NEIGHBOUR, len(among)), dim=1).values
    inside = (torch.cdist(points, among) <= reach).any(1)
    return share(float(inside.double().mean()), len(points))


def mean_distance(features: Tensor, kin: Sequence[int]) -> float:
    """Return the mean Euclidean distance of two rows of features [N, D] of different ``kin``; 0 if there are none."""
    own = torch.tensor(kin)
    strangers = own[:, None] != own
    return float(torch.cdist(features, features)[strangers].mean()) if strangers.any() else 0.0


def share(value: float, n: int, chance: float | None = None) -> Value:
    """Return a share of ``n`` with the standard error of a share."""
    return Value(value, (value * (1 - value) / n) ** 0.5, n, chance)
