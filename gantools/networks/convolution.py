"""Two convolutions with less work than by their names, on a CPU, to the same result but for rounding.

A convolution of what nearest neighbours have doubled sees every pixel several times: `convolve_doubled` adds up the
weights that meet the same pixel, and needs 16 multiplications in place of 36. A convolution to the few channels of a
picture leaves most of a vector instruction empty: `PictureConv2d` takes every column of its kernel as channels.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pad


class PictureConv2d(nn.Conv2d):
    """A convolution of stride 1 to a picture's few channels: [N, C, H, W] -> [N, at most 4, H', W']."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: A002  (torch's name)
        plain = self.stride == self.dilation == (1, 1) and self.groups == 1 and not isinstance(self.padding, str)
        if not (plain and input.dim() == 4 and _pays(input)):
            usual: Tensor = super()._conv_forward(input, weight, bias)
            return usual
        down, across = (int(side) for side in self.padding)
        mode = "constant" if self.padding_mode == "zeros" else self.padding_mode
        padded = pad(input, (across, across, down, down), mode=mode) if down or across else input
        return _with_bias(_by_columns(padded, weight), bias)


class Doubling(nn.Sequential):
    """Doubling by nearest neighbours, then ``layers``, of which the first is a 3 x 3 convolution with padding 1."""

    kernel_size = 3  # of the convolution that is not called as a layer: who looks at layers alone sees it here

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__(nn.Upsample(scale_factor=2), layers)

    def forward(self, x: Tensor) -> Tensor:
        """Turn [N, C, H, W] into [N, C', 2H, 2W]."""
        convolution, *rest = self[1].children()
        x = convolve_doubled(x, cast(nn.Conv2d, convolution))
        for layer in rest:
            x = layer(x)
        return x


def convolve_doubled(x: Tensor, convolution: nn.Conv2d) -> Tensor:
    """Return a 3 x 3 convolution, padding 1, of [N, C, H, W] doubled by nearest neighbours: [N, C', 2H, 2W].

    Of the four pixels made of one, each sees 2 x 2 pixels of the smaller picture: a row of weights (u, v, w) becomes
    (u, v + w) for the left ones and (u + v, w) for the right ones, and columns alike.
    """
    if not _pays(x):
        doubled: Tensor = convolution(interpolate(x, scale_factor=2.0))
        return doubled
    count, _, height, width = x.shape
    outside = len(convolution.weight)
    kernels = _folded(_folded(convolution.weight, 2), 4)  # [C', C, 2, 2, 2, 2]: of place and pixel, down and across
    kernels = kernels.permute(2, 4, 0, 1, 3, 5).flatten(0, 2)
    modes = {"zeros": "constant", "circular": "circular"}
    mode = modes.get(convolution.padding_mode, "replicate")  # doubled, a border's mirror image is the border itself
    padded = pad(x, (1, 1, 1, 1), mode=mode)
    parts = conv2d(padded, kernels).view(count, 2, 2, outside, height + 1, width + 1)
    rows = [
        torch.stack([parts[:, i, 0, :, i : i + height, :width], parts[:, i, 1, :, i : i + height, 1:]], -1)
        for i in range(2)
    ]
    result = torch.stack(rows, 3).reshape(count, outside, 2 * height, 2 * width)
    return _with_bias(result, convolution.bias)


def _folded(weight: Tensor, side: int) -> Tensor:
    """Turn three weights (u, v, w) along a dimension into the two pairs ((u, v + w), (u + v, w))."""
    u, v, w = weight.unbind(side)
    return torch.stack([torch.stack([u, v + w], side), torch.stack([u + v, w], side)], side)


def _by_columns(x: Tensor, weight: Tensor) -> Tensor:
    """Return the convolution, without padding: one for each column of the kernel, added up shifted."""
    outside, inside, tall, wide = weight.shape
    columns = conv2d(x, weight.permute(3, 0, 1, 2).reshape(wide * outside, inside, tall, 1)).contiguous()
    count, _, height, width = columns.shape
    steps = (wide * outside * height * width, outside * height * width + 1, height * width, width, 1)
    return columns.as_strided((count, wide, outside, height, width - wide + 1), steps).sum(1)


def _with_bias(result: Tensor, bias: Tensor | None) -> Tensor:
    """Add a bias to [N, C, H, W], of whatever precision autocast has chosen, as torch's own layer does."""
    return result if bias is None else result + bias.to(result.dtype)[:, None, None]


def _pays(x: Tensor) -> bool:
    """Whether this is the quicker way: it was measured on CPUs, and a compiler or an export finds its own."""
    return x.device.type == "cpu" and not torch.compiler.is_compiling()
