"""Weights of pytorch-CycleGAN-and-pix2pix (pix2pix): a U-Net, or a ResNet."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from gantools.errors import GanToolsError
from gantools.interchange import Imported, Importer, Parts, Wishes, named
from gantools.networks.junyanz import is_resnet, is_unet, read_critic, read_discriminator, read_resnet, read_unet

_DROPOUT = 0.5


class JunyanzPix2Pix(Importer):
    """One generator."""

    task: ClassVar[str] = "pix2pix"

    def suits(self, parts: Parts) -> int:
        """Take a U-Net, or a single ResNet with batch norm or for other than colours."""
        if any(map(is_unet, parts.values())):
            return 2
        resnets = [tensors for tensors in parts.values() if is_resnet(tensors)]
        if len(resnets) != 1:
            return 0
        first = resnets[0].get("model.1.weight")
        return 2 if "model.2.weight" in resnets[0] or (first is not None and first.shape[1:2] != (3,)) else 1

    def read(self, parts: Parts, wishes: Wishes) -> Imported:
        """Convert it."""
        generators = [tensors for tensors in parts.values() if is_unet(tensors) or is_resnet(tensors)]
        if len(generators) != 1:
            raise GanToolsError("there are several generators", "give the file of one of them")
        dropout = _DROPOUT if wishes.dropout is None else wishes.dropout
        if is_unet(generators[0]):
            mine, tensors = read_unet(generators[0], dropout)
            mine |= {"generator": "unet", "resize": False}
            layout = f"pix2pix: U-Net for {mine['size']} pixels, {mine['norm']} norm"
        else:
            mine, tensors = read_resnet(generators[0], dropout)
            mine |= {"generator": "resnet", "block_dropout": mine.pop("dropout"), "size": wishes.size or 256}
            layout = f"pix2pix: ResNet of {mine['blocks']} blocks, {mine['norm']} norm"
        settings = {
            **mine,
            "inference": "stored" if wishes.inference == "eval" else "picture",
            **_critic(parts),
        }
        made = {f"g.{key}": value for key, value in tensors.items()}
        return Imported(layout, settings, made, named(wishes, ["A", "B"]), _critics(parts, mine["in_channels"]))


def _critics(parts: Parts, source: int) -> dict[str, Tensor]:
    """Return the discriminator: theirs has the source's channels first, ours last."""
    tensors = read_discriminator(parts["D"]) if "D" in parts else {}
    if tensors:
        kernel = tensors["stem.0.weight"]
        tensors["stem.0.weight"] = torch.cat([kernel[:, source:], kernel[:, :source]], 1)
    return {f"d.{key}": value for key, value in tensors.items()}


def _critic(parts: Parts) -> dict[str, Any]:
    """Return what a discriminator beside the generator tells of how that was trained."""
    return read_critic(parts["D"]) if "D" in parts else {}
