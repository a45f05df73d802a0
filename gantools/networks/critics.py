"""The discriminator that a task asks for, built as its objective needs it."""

from __future__ import annotations

from typing import Literal

from torch import nn

from gantools.networks.autoencoder import AutoEncoder
from gantools.networks.init import init_weights
from gantools.networks.norms import Norm
from gantools.networks.patchgan import PatchGAN, PixelGAN, check_size, whole_image_layers
from gantools.objectives.base import Needs

CriticKind = Literal["patch", "pixel", "image"]


def build_critic(
    kind: CriticKind,
    needs: Needs,
    in_channels: int = 3,
    width: int = 64,
    size: int = 256,
    layers: int = 3,
    norm: Norm = "instance",
) -> nn.Module:
    """Build a discriminator of pictures of ``size`` x ``size``, its weights drawn.

    ``kind``: patches of ``layers`` halvings, single pixels, or the whole image. Batch norm gives way to instance norm
    under a per-sample penalty, and an energy-based objective gets an auto-encoder, of ``layers`` halvings, for any
    kind. GanToolsError if the pictures are too small.
    """
    if needs.norm == "per-sample" and norm == "batch":
        norm = "instance"
    if needs.critic == "autoencoder":
        deepest = max(1, size.bit_length() - 2)  # two pixels a side are left for the norm
        return init_weights(AutoEncoder(in_channels, width, min(layers, deepest), norm))
    if kind == "pixel":
        return init_weights(PixelGAN(in_channels, width, norm))
    if kind == "image":
        layers = whole_image_layers(size)
    check_size(size, layers)
    return init_weights(PatchGAN(in_channels, width, layers, norm))
