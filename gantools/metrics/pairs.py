"""Figures of single pairs: a picture and what it should look like. The truth is resized to the picture's size."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, normalize

from gantools.metrics.base import Evidence, Metric, Need, Value, mean_of

_LEAST_SQUARED = (0.5 / 255) ** 2  # half a step of 8 bits: what equal pictures may differ by
_WINDOW, _SIGMA, _K1, _K2 = 11, 1.5, 0.01, 0.03


class _OfPairs(Metric):
    """The mean over pairs of a figure that compares two pictures [3, H, W] in [0, 1]."""

    needs: ClassVar[frozenset[Need]] = frozenset({"pairs"})
    better: ClassVar[Literal["lower", "higher"] | None] = "lower"
    decimals: ClassVar[int] = 4

    def __call__(self, seen: Evidence) -> Value:
        """Return the mean over all pairs."""
        return mean_of([self.compare(made, true) for made, true in pairs_of(seen)])

    @abstractmethod
    def compare(self, made: Tensor, true: Tensor) -> float:
        """Return the figure of one pair."""


class MeanAbsolute(_OfPairs):
    """L1: the mean absolute difference in [0, 1]."""

    def compare(self, made: Tensor, true: Tensor) -> float:
        """Return the mean over pixels and channels."""
        return float((made - true).abs().mean())


class SignalToNoise(_OfPairs):
    """PSNR in dB: -10 log10 of the mean squared difference; a picture counts at most 54.15 dB, half an 8-bit step."""

    better: ClassVar[Literal["lower", "higher"] | None] = "higher"
    decimals: ClassVar[int] = 2

    def compare(self, made: Tensor, true: Tensor) -> float:
        """Return the ratio of one pair."""
        return -10 * math.log10(max(float((made - true).square().mean()), _LEAST_SQUARED))


class StructuralSimilarity(_OfPairs):
    """SSIM over grey pictures, with a Gaussian window of 11 x 11 and σ 1.5 (Wang et al. 2004, eq. 13); 1 is equal."""

    better: ClassVar[Literal["lower", "higher"] | None] = "higher"
    paper: ClassVar[str] = "Wang et al. 2004, Image Quality Assessment: From Error Visibility to Structural Similarity"

    def compare(self, made: Tensor, true: Tensor) -> float:
        """Return the mean over all windows that lie inside the pictures."""
        return structural_similarity(_grey(made), _grey(true))


class PerceptualDistance(Metric):
    """LPIPS-like: how far the backbone's features are apart at five depths (Zhang et al. 2018, eq. 1, all weights 1).

    Squared differences of normalised features, summed over channels, averaged over places, and summed over depths.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"pairs", "features"})
    better: ClassVar[Literal["lower", "higher"] | None] = "lower"
    decimals: ClassVar[int] = 4
    paper: ClassVar[str] = "Zhang et al. 2018, The Unreasonable Effectiveness of Deep Features, section 3"

    def applies(self, seen: Evidence) -> bool:
        """Whether the backbone has maps of several depths, and there are pairs."""
        return super().applies(seen) and seen.made.backbone.has_maps

    def __call__(self, seen: Evidence) -> Value:
        """Return the mean over all pairs."""
        backbone, pairs, values = seen.made.backbone, seen.pairs, []
        for start in range(0, len(pairs), backbone.rows):
            some = pairs[start : start + backbone.rows]
            made = backbone.maps([seen.made[i] for i, _ in some])
            true = backbone.maps([seen.real[j] for _, j in some])
            depths = [
                (normalize(a, dim=1) - normalize(b, dim=1)).square().sum(1).mean((1, 2))
                for a, b in zip(made, true, strict=True)
            ]
            values += torch.stack(depths).sum(0).tolist()
        return mean_of(values)


class CycleError(Metric):
    """How far a picture is from itself after the way there and back: mean absolute difference in [0, 1]."""

    needs: ClassVar[frozenset[Need]] = frozenset({"back"})
    better: ClassVar[Literal["lower", "higher"] | None] = "lower"
    decimals: ClassVar[int] = 4

    def __call__(self, seen: Evidence) -> Value:
        """Return the mean over all pictures."""
        if seen.back is None or seen.source is None:
            raise ValueError("nothing was translated back")
        pairs = zip(seen.back, seen.source, strict=True)
        return mean_of([float((a.float() - b.float()).abs().mean() / 255) for a, b in pairs])


def pairs_of(seen: Evidence) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield made and true pictures in [0, 1], the true one resized to the made one's size."""
    for i, j in seen.pairs:
        made, true = seen.made[i].float() / 255, seen.real[j].float() / 255
        if true.shape != made.shape:
            size = (made.shape[1], made.shape[2])
            true = interpolate(true[None], size, mode="bicubic", antialias=True).clamp(0, 1)[0]
        yield made, true


def structural_similarity(x: Tensor, y: Tensor) -> float:
    """Return SSIM of two grey pictures [H, W] in [0, 1], at least 11 pixels a side; smaller ones are one window."""
    window = _window(min(_WINDOW, *x.shape))

    def mean(a: Tensor) -> Tensor:
        return conv2d(a[None, None], window)[0, 0]

    x, y = x.double(), y.double()
    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    alike = ((2 * mx * my + _K1**2) * (2 * cov + _K2**2)) / ((mx**2 + my**2 + _K1**2) * (vx + vy + _K2**2))
    return float(alike.mean())


def _window(side: int) -> Tensor:
    places = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    line = torch.exp(-places.square() / (2 * _SIGMA**2))
    line = line / line.sum()
    return (line[:, None] * line)[None, None]


def _grey(picture: Tensor) -> Tensor:
    """Return luma, as JPEG has it, of [3, H, W]."""
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=picture.dtype)
    return torch.einsum("c,chw->hw", weights, picture)
