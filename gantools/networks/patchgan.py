"""Discriminators that score patches (Isola et al. 2017, section 3.2.2 and appendix 6.1.2)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from gantools.errors import GanToolsError
from gantools.networks.norms import Norm, norm_layer


class PatchGAN(nn.Module):
    """4 x 4 convolutions, ``layers`` of them halving: [N, C, H, W] -> scores [N, 1, h, w]; 3 layers see 70 x 70 pixels.

    A conditional critic takes further pictures after the first and sees them all as channels.
    """

    def __init__(self, in_channels: int = 3, width: int = 64, layers: int = 3, norm: Norm = "instance") -> None:
        super().__init__()
        channels = [width * min(2**i, 8) for i in range(layers + 1)]
        self.stem = nn.Sequential(nn.Conv2d(in_channels, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True))
        self.body = nn.Sequential(
            *(
                _block(inside, outside, 1 if i == layers - 1 else 2, norm)
                for i, (inside, outside) in enumerate(itertools.pairwise(channels))
            )
        )
        self.head = nn.Conv2d(channels[-1], 1, 4, 1, 1)

    def forward(self, image: Tensor, *cond: Tensor) -> Tensor:
        """Score pictures [N, C, H, W] in [-1, 1], together with the pictures they are conditioned on."""
        result: Tensor = self.head(self.body(self.stem(_joined(image, cond))))
        return result


class PixelGAN(nn.Module):
    """1 x 1 convolutions: a score for every pixel by itself."""

    def __init__(self, in_channels: int = 3, width: int = 64, norm: Norm = "instance") -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(in_channels, width, 1), nn.LeakyReLU(0.2, inplace=True))
        self.body = nn.Sequential(
            nn.Conv2d(width, 2 * width, 1, bias=norm == "none"),
            norm_layer(norm, 2 * width),
            nn.LeakyReLU(0.2, inplace=True),
        )
        self.head = nn.Conv2d(2 * width, 1, 1)

    def forward(self, image: Tensor, *cond: Tensor) -> Tensor:
        """Score pictures [N, C, H, W] pixel by pixel: [N, 1, H, W]."""
        result: Tensor = self.head(self.body(self.stem(_joined(image, cond))))
        return result


def smallest_patch_size(layers: int) -> int:
    """Return the smallest picture side that a PatchGAN of that many layers can judge."""
    size = 8
    while _map_size(size, layers) < 1:
        size += 1
    return size


def whole_image_layers(size: int) -> int:
    """Return how many layers it takes for a patch to cover pictures of ``size``, or the most that they allow."""
    layers = 1
    while receptive_field(layers) < size and smallest_patch_size(layers + 1) <= size:
        layers += 1
    return layers


def receptive_field(layers: int) -> int:
    """Return the side of the patch that a PatchGAN of that many layers sees: 16, 34, 70, 142, 286 for 1 to 5."""
    field = 1
    for stride in [1, 1, *[2] * layers]:
        field = (field - 1) * stride + 4
    return field


def check_size(size: int, layers: int) -> None:
    """Raise GanToolsError if pictures of ``size`` are too small for a PatchGAN of ``layers`` layers."""
    smallest = smallest_patch_size(layers)
    if size < smallest:
        raise GanToolsError(
            f"--size {size} is too small for a PatchGAN of {layers} layers, which needs {smallest}",
            f"give --size {smallest} or more, or fewer --d-layers",
        )


def _map_size(size: int, layers: int) -> int:
    for _ in range(layers):
        size //= 2
    size -= 1  # the last block keeps its stride at 1
    return size - 1 if size > 1 else 0  # instance norm wants more than one value a channel


def _block(inside: int, outside: int, stride: int, norm: Norm) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 4, stride, 1, bias=norm == "none"),
        norm_layer(norm, outside),
        nn.LeakyReLU(0.2, inplace=True),
    )


def _joined(image: Tensor, cond: tuple[Tensor, ...]) -> Tensor:
    return torch.cat([image, *cond], 1) if cond else image
