"""Backbones: the fixed networks whose features metrics compare. Figures of different ones cannot be compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
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
    ``has_maps``.
    """

    name: str
    side: int
    run: Callable[[Tensor], tuple[Tensor, Tensor, Sequence[Tensor]]]
    has_maps: bool = True

    @property
    def protocol(self) -> str:
        """All that features depend on beside the picture, for the key of the cache."""
        return f"{self.name}-{self.side}-bicubic-antialias-1"

    def features(self, pictures: Iterator[Tensor]) -> Features:
        """Return the features of uint8 pictures [3, H, W] of any sizes; each is the same whatever the others are."""
        pooled, logits = [], []
        for rows, count in self._passes(pictures):
            x, y, _ = self.run(rows)
            pooled.append(x[:count].double())
            logits.append(y[:count].double())
        return Features(torch.cat(pooled), torch.cat(logits))

    def maps(self, pictures: Sequence[Tensor]) -> list[Tensor]:
        """Return feature maps of several depths, each [N, C, H, W], of at most a pass of uint8 pictures."""
        (rows, count), *rest = self._passes(iter(pictures))
        if rest:
            raise ValueError(f"{len(pictures)} pictures are more than a pass")
        return [part[:count] for part in self.run(rows)[2]]

    @property
    def rows(self) -> int:
        """The number of pictures in a pass."""
        return _ROWS

    def _passes(self, pictures: Iterator[Tensor]) -> Iterator[tuple[Tensor, int]]:
        """Yield full passes of resized pictures, the last one filled up, with the number of true ones in it."""
        waiting: list[Tensor] = []
        for picture in pictures:
            waiting.append(self._resized(picture))
            if len(waiting) == _ROWS:
                yield torch.stack(waiting), _ROWS
                waiting = []
        if waiting:
            yield torch.stack([*waiting, *waiting[:1] * (_ROWS - len(waiting))]), len(waiting)

    def _resized(self, picture: Tensor) -> Tensor:
        size = (self.side, self.side)
        unit = picture[None].float() / 255
        return interpolate(unit, size, mode="bicubic", antialias=True).clamp(0, 1)[0]


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
    """Return the network of published FIDs, through torch-fidelity, which fetches its weights at first use."""
    from torch_fidelity import FeatureExtractorInceptionV3

    try:
        network = FeatureExtractorInceptionV3("inception-v3-compat", ["2048", "logits_unbiased"])
    except Exception as error:  # whatever a failed download raises
        raise GanToolsError(
            f"the weights of Inception cannot be had: {str(error) or type(error).__name__}",
            "connect to the internet once, or use --features lite0",
        ) from None

    @torch.inference_mode()
    def run(pictures: Tensor) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
        pooled, logits = network((pictures * 255).round().to(torch.uint8))
        return pooled, logits, []

    return Backbone("inception", 299, run, has_maps=False)


_BACKBONES: dict[str, Callable[[], Backbone]] = {"lite0": _lite0, "inception": _inception}
