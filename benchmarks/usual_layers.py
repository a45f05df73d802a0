"""What the plain steps of the benchmarks are made of: networks whose layers are torch's own, in the papers' order."""

from __future__ import annotations

from typing import TypeVar

from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from gantools.networks import Doubling, PictureConv2d
from gantools_text2image.networks import FusionBlock

Networks = TypeVar("Networks", bound=nn.Module)


class UsualFusionBlock(FusionBlock):
    """The block that doubles before everything else."""

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        """Turn [N, C, H, W] into [N, C', 2H, 2W]."""
        x = interpolate(x, scale_factor=2.0)
        y = x
        for convolution, pair in ((self.first, self.affines[:2]), (self.second, self.affines[2:])):
            for affine in pair:
                y = leaky_relu(affine(y, cond), 0.2)
            y = convolution(y)
        result: Tensor = self.shortcut(x) + y
        return result


USUAL = {PictureConv2d: nn.Conv2d, Doubling: nn.Sequential, FusionBlock: UsualFusionBlock}


def with_usual_layers(nets: Networks) -> Networks:
    """Return the same networks, weights and all, computed in the usual way."""
    for module in nets.modules():
        module.__class__ = USUAL.get(type(module), type(module))
    return nets
