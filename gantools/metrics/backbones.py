"""Backbones: the fixed networks whose features metrics compare. Figures of different ones cannot be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby, islice
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from gantools.errors import GanToolsError
from gantools.registry import suggestion

_ROWS = 8  # pictures in every pass, so that one picture's features depend on no others


class Features(NamedTuple):
    """What a backbone says of N pictures: ``pooled`` [N, D] and ``logits`` [N, K], in double precision."""

    pooled: Tensor
    logits: Tensor


@dataclass(frozen=True)
class Backbone:
    """A network and how pictures come into it: ``name`` and ``side`` are part of what a figure means.

    ``run`` maps pictures [N, 3, side, side] in [0, 1] to pooled features, logits, and maps of several depths, if it
    ``has_maps``. A network without a ``side`` gets pictures as they are, and resizes them itself.
    """

    name: str
    side: int | None
    run: Callable[[Tensor], tuple[Tensor, Tensor, Sequence[Tensor]]]
    has_maps: bool = True

    @property
    def protocol(self) -> str:
        """All that features depend on beside the picture, for the key of the cache."""
        return f"{self.name}-{f'{self.side}-bicubic-antialias' if self.side else 'as-they-are'}-1"

    def features(self, pictures: Iterator[Tensor]) -> Features:
        """Return the features of uint8 pictures [3, H, W] of any sizes; each is the same whatever the others are."""
        pooled, logits = [], []
        for rows, count in self._passes(pictures):
            x, y, _ = self.run(rows)
            pooled.append(x[:count].double())
            logits.append(y[:count].double())
        return Features(torch.cat(pooled), torch.cat(logits))

    def maps(self, pictures: Sequence[Tensor]) -> list[Tensor]:
        """Return feature maps of several depths, each [N, C, H, W], of at most a pass of uint8 pictures of one size."""
        (rows, count), *rest = self._passes(iter(pictures))
        if rest:
            raise ValueError(f"{len(pictures)} pictures are more than a pass")
        return [part[:count] for part in self.run(rows)[2]]

    @property
    def rows(self) -> int:
        """The number of pictures in a pass."""
        return _ROWS

    def _passes(self, pictures: Iterator[Tensor]) -> Iterator[tuple[Tensor, int]]:
        """Yield passes of pictures of one size, filled up where they are not full, with the number of true ones."""
        for _, alike in groupby(map(self._resized, pictures), key=lambda picture: picture.shape):
            while rows := list(islice(alike, _ROWS)):
                yield torch.stack([*rows, *rows[:1] * (_ROWS - len(rows))]), len(rows)

    def _resized(self, picture: Tensor) -> Tensor:
        unit = picture.float() / 255
        if self.side is None:
            return unit
        return interpolate(unit[None], (self.side, self.side), mode="bicubic", antialias=True).clamp(0, 1)[0]


@cache
def load_backbone(name: str = "lite0") -> Backbone:
    """Return ``lite0`` or ``inception``; GanToolsError if its weights are not to be had."""
    if name not in _BACKBONES:
        raise GanToolsError(f"there are no features `{name}`", suggestion(name, list(_BACKBONES)))
    return _BACKBONES[name]()


def _lite0() -> Backbone:
    from gantools.metrics.lite0 import load_lite0

    return Backbone("lite0", 128, torch.inference_mode()(load_lite0()))


def _inception() -> Backbone:
    """Return the network of published FIDs, through torch-fidelity, which fetches its weights at first use.

    Pictures come as they are, and are resized to 299 x 299 as TensorFlow 1 did it, without antialiasing: that is what
    published figures were made with (Heusel et al. 2017).
    """
    from torch_fidelity import FeatureExtractorInceptionV3

    try:
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"])
    except Exception as error:  # whatever a failed download raises
        raise GanToolsError(
            f"the weights of Inception cannot be had: {str(error) or type(error).__name__}",
            "connect to the internet once, or use --features lite0, which needs none",
        ) from None

    @torch.inference_mode()
    def run(pictures: Tensor) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        pooled, logits = network((pictures * 255).round().to(torch.uint8))
        return pooled, logits, []

    return Backbone("inception", None, run, has_maps=False)


_BACKBONES: dict[str, Callable[[], Backbone]] = {"lite0": _lite0, "inception": _inception}
