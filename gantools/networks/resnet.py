"""The residual generator of Johnson et al. 2016, as CycleGAN uses it (Zhu et al. 2017, appendix 7.2)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from gantools.networks.norms import Norm, norm_layer

Upsample = Literal["transpose", "resize"]


class ResNetGenerator(nn.Module):
    """Two halvings, residual blocks, two doublings: [N, in, H, W] -> [N, out, H, W] in [-1, 1].

    H and W are multiples of 4 (`stride`). ``upsample``: "transpose" is the paper's, "resize" (nearest neighbour, then
    convolution) leaves no checkerboards (Odena et al. 2016). Convolutions before a norm carry no bias: it would have no
    effect and would drift under Adam.
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
    ) -> None:
        super().__init__()
        self.stem = _Conv(in_channels, width, norm, kernel=7)
        self.down = nn.Sequential(
            _Conv(width, 2 * width, norm, stride=2),
            _Conv(2 * width, 4 * width, norm, stride=2),
        )
        self.blocks = nn.Sequential(*(_Residual(4 * width, norm) for _ in range(blocks)))
        self.up = nn.Sequential(
            _doubling(4 * width, 2 * width, norm, upsample),
            _doubling(2 * width, width, norm, upsample),
        )
        self.head = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(width, out_channels, 7), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """Translate pictures [N, in, H, W] in [-1, 1]."""
        result: Tensor = self.head(self.up(self.blocks(self.down(self.stem(x)))))
        return result


class _Conv(nn.Sequential):
    """Convolution, norm, ReLU; padded by reflection where the size stays, with zeros where it halves."""

    def __init__(self, inside: int, outside: int, norm: Norm, kernel: int = 3, stride: int = 1) -> None:
        mode: Literal["reflect", "zeros"] = "reflect" if stride == 1 else "zeros"
        super().__init__(
            nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False, padding_mode=mode),
            norm_layer(norm, outside),
            nn.ReLU(inplace=True),
        )


class _Residual(nn.Module):
    """x + norm(conv(ReLU(norm(conv(x)))))."""

    def __init__(self, channels: int, norm: Norm) -> None:
        super().__init__()
        self.first = _Conv(channels, channels, norm)
        self.second = nn.Conv2d(channels, channels, 3, padding=1, bias=False, padding_mode="reflect")
        self.norm = norm_layer(norm, channels)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = x + self.norm(self.second(self.first(x)))
        return result


def _doubling(inside: int, outside: int, norm: Norm, upsample: Upsample) -> nn.Sequential:
    if upsample == "resize":
        return nn.Sequential(nn.Upsample(scale_factor=2), _Conv(inside, outside, norm))
    return nn.Sequential(
        nn.ConvTranspose2d(inside, outside, 3, stride=2, padding=1, output_padding=1, bias=False),
        norm_layer(norm, outside),
        nn.ReLU(inplace=True),
    )
