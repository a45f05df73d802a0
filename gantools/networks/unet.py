"""The U-Net generator of pix2pix (Isola et al. 2017, section 3.2.1 and appendix 6.1.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gantools.networks.norms import Norm, norm_layer

_DEEPEST = 8


class UNetGenerator(nn.Module):
    """Halvings down to one pixel and doublings back, with a skip at every size: [N, in, H, W] -> [N, out, H, W].

    The depth follows ``size``, the side of the training pictures: log2 of it, 8 at most; H and W are multiples of
    ``stride`` = 2 ** depth. Channels are width x 1, 2, 4, 8, 8, … ``dropout`` acts on up to ``dropping`` of the
    inner doublings, and is the only noise there is.
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_channels: int = 3,
        width: int = 64,
        size: int = 256,
        norm: Norm = "batch",
        dropout: float = 0.5,
        dropping: int = 3,
    ) -> None:
        super().__init__()
        depth = unet_depth(size)
        self.stride = 2**depth
        channels = [width * min(2**level, 8) for level in range(depth)]
        self.down = nn.ModuleList(
            _Down(inside, outside, norm if 0 < level < depth - 1 else "none", first=level == 0)
            for level, (inside, outside) in enumerate(zip([in_channels, *channels], channels, strict=False))
        )
        self.up = nn.ModuleList(
            _Up(
                channels[level] * (1 if level == depth - 1 else 2),
                channels[level - 1],
                norm,
                dropout if max(depth - 1 - dropping, 2) <= level < depth - 1 else 0.0,
            )
            for level in range(depth - 1, 0, -1)
        )
        self.head = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * width, out_channels, 4, 2, 1), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """Translate pictures [N, in, H, W] in [-1, 1]."""
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        x = self.up[0](skips.pop())
        for up in list(self.up)[1:]:
            x = up(torch.cat([x, skips.pop()], 1))
        result: Tensor = self.head(torch.cat([x, skips.pop()], 1))
        return result


def unet_depth(size: int) -> int:
    """Return the number of halvings of a U-Net for pictures of that side, from 2 to 8."""
    return max(2, min(_DEEPEST, size.bit_length() - 1))


class _Down(nn.Sequential):
    """LeakyReLU (but not on the picture), 4 x 4 convolution that halves, norm (but not outermost and innermost)."""

    def __init__(self, inside: int, outside: int, norm: Norm, first: bool) -> None:
        super().__init__(
            nn.Identity() if first else nn.LeakyReLU(0.2),
            nn.Conv2d(inside, outside, 4, 2, 1, bias=norm == "none"),
            norm_layer(norm, outside),
        )


class _Up(nn.Sequential):
    """ReLU, 4 x 4 transposed convolution that doubles, norm, dropout."""

    def __init__(self, inside: int, outside: int, norm: Norm, dropout: float) -> None:
        super().__init__(
            nn.ReLU(),
            nn.ConvTranspose2d(inside, outside, 4, 2, 1, bias=norm == "none"),
            norm_layer(norm, outside),
            nn.Dropout(dropout) if dropout else nn.Identity(),
        )
