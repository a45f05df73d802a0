"""Changes of size that filter, so that a shifted picture gives a shifted result (Zhang 2019), as in CUT."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, pad


class BlurDown(nn.Module):
    """Halve the side by a binomial filter of 3 x 3, borders mirrored: [N, C, H, W] -> [N, C, H/2, W/2]."""

    kernel_size = 3

    def forward(self, x: Tensor) -> Tensor:
        """Filter and halve."""
        return conv2d(pad(x, (1, 1, 1, 1), "reflect"), _each(down_filter(), x), stride=2, groups=x.shape[1])


class BlurUp(nn.Module):
    """Double the side by a binomial filter of 4 x 4, borders repeated: [N, C, H, W] -> [N, C, 2H, 2W]."""

    kernel_size = 4

    def forward(self, x: Tensor) -> Tensor:
        """Double and filter."""
        padded = pad(x, (1, 1, 1, 1), "replicate")
        wide = conv_transpose2d(padded, _each(up_filter(), x), stride=2, padding=2, groups=x.shape[1])
        return wide[..., 1:-1, 1:-1]


def down_filter() -> Tensor:
    """Return the filter that halves, [3, 3]; its sum is 1."""
    return _binomial([1.0, 2.0, 1.0])


def up_filter() -> Tensor:
    """Return the filter that doubles, [4, 4]; its sum is 4, as of four pixels only one is given."""
    return 4 * _binomial([1.0, 3.0, 3.0, 1.0])


def _binomial(row: list[float]) -> Tensor:
    line = torch.tensor(row)
    return torch.outer(line, line) / line.sum() ** 2


def _each(kernel: Tensor, x: Tensor) -> Tensor:
    """Return a filter once for each channel of [N, C, H, W]."""
    return kernel.to(x).expand(x.shape[1], 1, *kernel.shape)
