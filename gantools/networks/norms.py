"""Normalisation by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Norm = Literal["instance", "batch", "none"]


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm [N, C, H, W] whose gradient is right for a single picture too.

    torch's own backward pass on a CPU (seen in 2.14) misreads a gradient in channels_last layout where N = 1: it comes
    from operations that look at a picture place by place. Here it is brought into the usual layout first.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each channel of each picture to mean 0 and variance 1."""
        result = super().forward(x)
        if result.requires_grad and len(x) == 1:  # in this order: an export leaves the number of pictures open
            result.register_hook(torch.Tensor.contiguous)  # type: ignore[no-untyped-call]
        return result


_NORMS: dict[str, Callable[[int], nn.Module]] = {
    "instance": InstanceNorm,
    "batch": nn.BatchNorm2d,
    "none": lambda channels: nn.Identity(),
}


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """Return a normalisation layer; instance norm is without affine parameters or running statistics."""
    return _NORMS[norm](channels)
