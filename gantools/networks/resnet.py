"""The residual generator of Johnson et al. 2016, as CycleGAN uses it (Zhu et al. 2017, appendix 7.2)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from gantools.networks.blur import BlurDown, BlurUp
from gantools.networks.convolution import Doubling, PictureConv2d
from gantools.networks.norms import Norm, norm_layer

Upsample = Literal["transpose", "resize", "blur"]
Downsample = Literal["stride", "blur"]
_SOURCE = 0.9  # of what a picture has, so that a change can reach black and white


class ResNetGenerator(nn.Module):
    """Two halvings, residual blocks, two doublings: [N, in, H, W] -> [N, out, H, W] in [-1, 1].

    H and W are multiples of 4 (`stride`). ``upsample``: "transpose" is the paper's, "resize" (nearest neighbour, then
    convolution) leaves no checkerboards (Odena et al. 2016). "blur", for ``downsample`` too, filters where the size
    changes, so that a shifted picture gives a shifted result (Zhang 2019). Convolutions before a norm carry no bias: it
    would have no effect and would drift under Adam. ``dropout`` acts inside the residual blocks.

    ``skips``, not the paper's, hand what the stem and the first halving see on to the doubling ones (Ronneberger et al.
    2015), and the network paints a change of its source, tanh(change + artanh(0.9 source)): it starts with the source's
    lines and colours in place of having to learn them.
    """

    stride = 4

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        width: int = 64,
        blocks: int = 9,
        upsample: Upsample = "resize",
        norm: Norm = "instance",
        dropout: float = 0.0,
        downsample: Downsample = "stride",
        skips: bool = False,
    ) -> None:
        super().__init__()
        self.skips = skips
        twice = 2 if skips else 1
        self.stem = _Conv(in_channels, width, norm, kernel=7)
        self.down = nn.Sequential(
            _halving(width, 2 * width, norm, downsample),
            _halving(2 * width, 4 * width, norm, downsample),
        )
        self.blocks = nn.Sequential(*(_Residual(4 * width, norm, dropout) for _ in range(blocks)))
        self.up = nn.Sequential(
            _doubling(4 * width, 2 * width, norm, upsample),
            _doubling(twice * 2 * width, width, norm, upsample),
        )
        self.head = nn.Sequential(nn.ReflectionPad2d(3), PictureConv2d(twice * width, out_channels, 7), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """Translate pictures [N, in, H, W] in [-1, 1]."""
        whole = self.stem(x)
        half = self.down[0](whole)
        y = self.up[0](self.blocks(self.down[1](half)))
        y = self.up[1](torch.cat([y, half], 1) if self.skips else y)
        if not self.skips:
            painted: Tensor = self.head(y)
            return painted
        change = self.head[:-1](torch.cat([y, whole], 1))
        result: Tensor = (change + (_SOURCE * x).atanh()).tanh()
        return result


class _Conv(nn.Sequential):
    """Convolution, norm, ReLU; padded by reflection where the size stays, with zeros where it changes."""

    def __init__(
        self, inside: int, outside: int, norm: Norm, kernel: int = 3, stride: int = 1, resizes: bool = False
    ) -> None:
        mode: Literal["reflect", "zeros"] = "zeros" if resizes else "reflect"
        super().__init__(
            nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False, padding_mode=mode),
            norm_layer(norm, outside),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    """x + norm(conv(dropout(ReLU(norm(conv(x))))))."""

    def __init__(self, channels: int, norm: Norm, dropout: float) -> None:
        super().__init__()
        self.first = _Conv(channels, channels, norm)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False, padding_mode="reflect")
        self.norm = norm_layer(norm, channels)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.norm(self.second(self.dropout(self.first(x))))
        return result


def _halving(inside: int, outside: int, norm: Norm, downsample: Downsample) -> nn.Sequential:
    if downsample == "blur":
        return nn.Sequential(*_Conv(inside, outside, norm, resizes=True), BlurDown())
    return _Conv(inside, outside, norm, stride=2, resizes=True)


def _doubling(inside: int, outside: int, norm: Norm, upsample: Upsample) -> nn.Sequential:
    if upsample == "resize":
        return Doubling(_Conv(inside, outside, norm))
    if upsample == "blur":
        return nn.Sequential(BlurUp(), *_Conv(inside, outside, norm, resizes=True))
    return nn.Sequential(
        nn.ConvTranspose2d(inside, outside, 3, stride=2, padding=1, output_padding=1, bias=False),
        norm_layer(norm, outside),
        nn.ReLU(inplace=True),
    )
