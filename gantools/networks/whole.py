"""Layers that treat a tile as part of its picture: norms by the whole picture's statistics, dropout by place."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm

_MIX = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)  # odd constants of xxHash, to stir places


class Gathered(Exception):  # noqa: N818  (nothing is wrong)
    """A pass over a tile ends here: a norm has seen what it needs of it, and knows not yet what to make of it."""


@dataclass
class Part:
    """The tile that passes through: its sides, and its core, which belongs to no other tile.

    ``top`` and ``left`` are where the core begins in the tile, ``height`` and ``width`` what it measures, or None where
    it reaches to the picture's end. ``y`` and ``x`` are where the tile lies in the picture.
    """

    tall: int
    wide: int
    y: int
    x: int
    top: int
    left: int
    height: int | None
    width: int | None

    def core(self, features: Tensor) -> Tensor:
        """Cut a layer's features [N, C, h, w] of the tile down to those of its core."""
        down, across = self.scale(features)
        top, left = self.top // down, self.left // across
        bottom = None if self.height is None else top + self.height // down
        right = None if self.width is None else left + self.width // across
        return features[..., top:bottom, left:right]

    def scale(self, features: Tensor) -> tuple[int, int]:
        """Return how many pixels of the picture a place in a layer stands for, a power of two."""
        height, width = features.shape[-2:]
        return power_of_two(self.tall / height), power_of_two(self.wide / width)


@dataclass
class Passage:
    """What the layers of a network share while tiles pass through; ``waiting`` is the norm that gathers."""

    seed: int = 0
    part: Part | None = None
    waiting: WholeNorm | None = None
    norms: list[WholeNorm] = field(default_factory=list)

    def settle(self) -> bool:
        """Let the norm that has gathered go by what it has seen; say whether there was one."""
        if self.waiting is None:
            return False
        self.waiting.known = True
        self.waiting = None
        return True

    def forget(self) -> None:
        """Let every norm begin anew."""
        self.waiting = None
        for norm in self.norms:
            norm.forget()


class WholeNorm(nn.Module):
    """A norm whose statistics are those of the whole picture, gathered from the cores of tiles one after another.

    Until it is ``known``, a pass ends here with `Gathered`. Batch norm that goes by stored statistics does as before.
    """

    def __init__(self, norm: _InstanceNorm | _BatchNorm, passage: Passage) -> None:
        super().__init__()
        self.norm, self._passage = norm, passage
        passage.norms.append(self)
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.known, self._count = False, 0
        self._mean = self._square = torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [1, C, H, W]."""
        norm = self.norm
        part = self._passage.part
        if part is None or (norm.track_running_stats and not norm.training):
            result: Tensor = norm(x)
            return result
        if not self.known:
            self._gather(part.core(x))
            self._passage.waiting = self
            raise Gathered
        mean, variance = self._mean.to(x), (self._square / self._count).to(x)
        return batch_norm(x, mean, variance, norm.weight, norm.bias, training=False, eps=float(norm.eps))

    def _gather(self, core: Tensor) -> None:
        """Join the statistics of a part to those of the parts before (Chan et al. 1979)."""
        count = core.shape[-2] * core.shape[-1]
        variance, mean = (value[0].double() for value in torch.var_mean(core, dim=(2, 3), correction=0))
        total = self._count + count
        away = mean - self._mean
        self._square = self._square + variance * count + away.square() * (self._count * count / total)
        self._mean = self._mean + away * (count / total)
        self._count = total


class PlacedDropout(nn.Module):
    """Dropout that depends on the place in the picture alone, so that tiles agree where they overlap."""

    def __init__(self, dropout: _DropoutNd, passage: Passage, number: int) -> None:
        super().__init__()
        self.dropout, self._passage, self._number = dropout, passage, number

    def forward(self, x: Tensor) -> Tensor:
        """Drop features [N, C, H, W] where the wrapped layer would at random."""
        part = self._passage.part
        if part is None or not self.dropout.training or not self.dropout.p:
            result: Tensor = self.dropout(x)
            return result
        down, across = part.scale(x)
        rows = torch.arange(x.shape[-2], device=x.device)[:, None] + part.y // down
        columns = torch.arange(x.shape[-1], device=x.device) + part.x // across
        channels = torch.arange(x.shape[1], device=x.device)[:, None, None] + 65536 * (self._number + 1)
        drawn = _stirred(_stirred(_stirred(channels + self._passage.seed) + rows) + columns)
        kept = drawn >= self.dropout.p * 2**32
        return x * kept / (1 - self.dropout.p)


def whole_networks(networks: Mapping[str, nn.Module], passage: Passage) -> dict[str, nn.Module]:
    """Return copies of networks whose norms and dropout treat what passes as a part of a picture."""
    copies = {name: deepcopy(network) for name, network in networks.items()}
    number = 0
    for network in copies.values():
        for parent in list(network.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, _InstanceNorm | _BatchNorm):
                    setattr(parent, name, WholeNorm(child, passage))
                elif isinstance(child, _DropoutNd):
                    setattr(parent, name, PlacedDropout(child, passage, number))
                    number += 1
    return copies


def power_of_two(ratio: float) -> int:
    """Return the nearest power of two that is at least 1."""
    power = 1
    while power * 2**0.5 < ratio:
        power *= 2
    return power


def _stirred(places: Tensor) -> Tensor:
    """Return a number of 32 bits for each, as if drawn at random."""
    for factor in _MIX:
        places = (places ^ (places >> 15)) * factor & 0xFFFFFFFF
    return places ^ (places >> 16)
