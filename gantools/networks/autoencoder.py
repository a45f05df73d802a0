"""The discriminator of an energy-based GAN: an auto-encoder (Zhao et al. 2017, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from gantools.networks.norms import Norm, norm_layer
from gantools.objectives.base import Verdict, precise


class AutoEncoder(nn.Module):
    """``layers`` halvings to a narrow code and as many doublings back: [N, C, H, W] -> scores [N].

    The score is minus the mean squared error of the reconstruction; the code [N, code, h, w] is the verdict's feature.
    A conditional critic takes further pictures after the first and reconstructs them all.
    """

    def __init__(
        self, in_channels: int = 3, width: int = 64, layers: int = 3, norm: Norm = "instance", code: int = 16
    ) -> None:
        super().__init__()
        channels = [in_channels, *(width * min(2**i, 8) for i in range(layers))]
        down = [_halving(channels[i], channels[i + 1], norm if i else "none") for i in range(layers)]
        up = [_doubling(channels[i + 1], channels[i], norm) for i in range(layers - 1, 0, -1)]
        self.encoder = nn.Sequential(*down, nn.Conv2d(channels[-1], code, 1))
        self.decoder = nn.Sequential(nn.Conv2d(code, channels[-1], 1), *up, nn.Upsample(scale_factor=2))
        self.head = nn.Conv2d(channels[1], in_channels, 3, padding=1)

    def forward(self, image: Tensor, *cond: Tensor) -> Verdict:
        """Judge pictures [N, C, H, W] in [-1, 1], together with the pictures they are conditioned on."""
        x = torch.cat([image, *cond], 1) if cond else image
        code = self.encoder(x)
        again = torch.tanh(self.head(self.decoder(code)))
        if again.shape != x.shape:  # a side that is no multiple of 2 ** layers
            again = interpolate(again, x.shape[-2:])
        return Verdict(-(precise(again) - precise(x)).square().flatten(1).mean(1), (code,))


def _halving(inside: int, outside: int, norm: Norm) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 4, 2, 1, bias=norm == "none"),
        norm_layer(norm, outside),
        nn.LeakyReLU(0.2, inplace=True),
    )


def _doubling(inside: int, outside: int, norm: Norm) -> nn.Sequential:
    return nn.Sequential(
        nn.Upsample(scale_factor=2),
        nn.Conv2d(inside, outside, 3, padding=1, bias=norm == "none"),
        norm_layer(norm, outside),
        nn.LeakyReLU(0.2, inplace=True),
    )
