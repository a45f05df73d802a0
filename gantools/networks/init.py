"""Initial weights."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

_WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
N = TypeVar("N", bound=nn.Module)


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
