"""Normalisation by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import nn

Norm = Literal["instance", "batch", "none"]

_NORMS: dict[str, Callable[[int], nn.Module]] = {
    "instance": nn.InstanceNorm2d,
    "batch": nn.BatchNorm2d,
    "none": lambda channels: nn.Identity(),
}


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """Return a normalisation layer; instance norm is without affine parameters or running statistics."""
    return _NORMS[norm](channels)
