"""Initial weights."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

_WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
N = TypeVar("N", bound=nn.Module)
C = TypeVar("C", bound=nn.Conv2d)


def init_weights(network: N, std: float = 0.02) -> N:
    """Draw every weight from N(0, std²) and set biases to 0, as pix2pix and CycleGAN do; return the network."""
    with torch.no_grad():
        for module in network.modules():
            # On "meta" there is nothing to draw, and torch would load its compiler for it, which takes seconds.
            if isinstance(module, _WEIGHTED) and not module.weight.is_meta:
                module.weight.normal_(0.0, std)
                if module.bias is not None:
                    module.bias.zero_()
    return network


def init_leaky(layer: C, slope: float) -> C:
    """Draw a convolution's weights so that a leaky ReLU after it keeps the variance, and set its bias to 0; return it.

    That is N(0, 2 / ((1 + slope²) n)) where a pixel sees n numbers (He et al. 2015, eq. 15). With torch's own weights,
    of a sixth of this variance, a signal fades from layer to layer where no norm restores it.
    """
    if not layer.weight.is_meta:
        nn.init.kaiming_normal_(layer.weight, slope)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return layer
