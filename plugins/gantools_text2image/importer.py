"""Weights of DF-GAN as its authors' program saves them: `state_epoch_*.pth`, with generator and critics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from torch import Tensor

from gantools.errors import GanToolsError
from gantools.interchange import Imported, Importer, Parts, Wishes, only_generator
from gantools.networks.renaming import Tensors, adopt, on_meta, shape_of
from gantools.text.encoder import load_encoder
from gantools.text.recurrent import WORDS_READ
from gantools_text2image.networks import Discriminator, Generator

_BLOCK = re.compile(r"GBlocks\.(\d+)\.")


class OriginalDFGAN(Importer):
    """A generator, and the text encoder that it was trained with; the critics beside it go on judging."""

    task: ClassVar[str] = "text2image"

    def suits(self, parts: Parts) -> int:
        """Take networks with `GBlocks`."""
        return 2 if any(map(_is_generator, parts.values())) else 0

    def read(self, parts: Parts, wishes: Wishes) -> Imported:
        """Convert the generator, and the critics where they are those of its pictures and sentences."""
        foreign = only_generator(parts, _is_generator)
        if wishes.encoder is None:
            raise GanToolsError(
                "DF-GAN paints what its own text encoder says of words",
                "give --text-encoder text_encoder*.pth --vocabulary captions_DAMSM.pickle",
            )
        blocks = len({match[1] for name in foreign if (match := _BLOCK.match(name))})
        noise, width = shape_of(foreign, "fc.weight", 2)[1], shape_of(foreign, "to_rgb.1.weight", 4)[1]
        dim = shape_of(foreign, "GBlocks.0.fuse1.affine0.fc_gamma.linear1.weight", 2)[1] - noise
        encoder = load_encoder(wishes.encoder, max_tokens=WORDS_READ)
        if encoder.dim != dim:
            raise GanToolsError(
                f"the generator takes sentences of {dim} numbers, and the text encoder gives {encoder.dim}",
                "give the text encoder that it was trained with",
            )
        size = 4 * 2**blocks
        network = on_meta(lambda: Generator(dim, noise, size, width, layout=False))
        tensors = adopt(network, _layers(network), foreign)
        settings = {
            "size": size, "width": width, "noise": noise, "generator": "df-gan", "attention": False, "text_dim": dim,
            "text_encoder": wishes.encoder, "text_sha256": encoder.sha256, "max_tokens": WORDS_READ, **_critic(parts),
        }  # fmt: skip
        layout = f"DF-GAN: {size} pixels, noise of {noise} numbers, sentences of {dim}"
        made = {f"g.{key}": tensor for key, tensor in tensors.items()}
        return Imported(layout, settings, made, critics=_critics(parts, dim, size))


def _is_generator(tensors: Tensors) -> bool:
    return any(_BLOCK.match(name) for name in tensors)


def _layers(network: Generator) -> Iterator[tuple[str, str]]:
    """Yield our names of layers, and theirs."""
    yield "seed", "fc"
    for i in range(len(network.blocks)):
        for j in range(4):
            for part in ("gamma", "beta"):
                theirs = f"GBlocks.{i}.fuse{j // 2 + 1}.affine{j % 2}.fc_{part}"
                yield from ((f"blocks.{i}.affines.{j}.{part}.{2 * k}", f"{theirs}.linear{k + 1}") for k in range(2))
        yield from ((f"blocks.{i}.first", f"GBlocks.{i}.c1"), (f"blocks.{i}.second", f"GBlocks.{i}.c2"))
        yield f"blocks.{i}.shortcut", f"GBlocks.{i}.c_sc"
    yield "head", "to_rgb.1"


def _critic(parts: Parts) -> dict[str, Any]:
    """Return what is seen of the critic as a training setting."""
    image = _with(parts, "conv_img.weight")
    return {"d_width": image["conv_img.weight"].shape[0]} if image else {}


def _critics(parts: Parts, dim: int, size: int) -> dict[str, Tensor]:
    """Return the tensors of both critics, which are one of ours; none where one is missing, or was changed."""
    image, pair = _with(parts, "conv_img.weight"), _with(parts, "joint_conv.0.weight")
    if not image or not pair:
        return {}
    network = on_meta(lambda: Discriminator(dim, size, image["conv_img.weight"].shape[0]))
    used = network.state_dict().keys()
    unused = {f"DBlocks.{i}.conv_s" for i in range(len(network.blocks)) if f"blocks.{i}.shortcut.weight" not in used}
    foreign = {key: value for key, value in (image | pair).items() if key.rpartition(".")[0] not in unused}
    try:
        scales = {
            f"blocks.{i}.scale": foreign.pop(f"DBlocks.{i}.gamma").reshape(()) for i in range(len(network.blocks))
        }
        tensors = adopt(network, _critic_layers(network), foreign)
    except (GanToolsError, KeyError, RuntimeError):  # the generator can do without
        return {}
    return {f"d.{key}": tensor for key, tensor in (tensors | scales).items()}


def _with(parts: Parts, name: str) -> dict[str, Tensor]:
    """Return the network that has such a tensor; an empty one if none has."""
    return next((dict(tensors) for tensors in parts.values() if name in tensors), {})


def _critic_layers(network: Discriminator) -> Iterator[tuple[str, str]]:
    """Yield our names of layers, and theirs: of the one that sees pictures, then of the one that reads sentences too.

    They have a shortcut in every block, and pass it by where the channels stay as many.
    """
    yield "stem", "conv_img"
    for i in range(len(network.blocks)):
        yield from ((f"blocks.{i}.residual.{k}", f"DBlocks.{i}.conv_r.{k}") for k in (0, 2))
        yield f"blocks.{i}.shortcut", f"DBlocks.{i}.conv_s"
    yield from (("joint", "joint_conv.0"), ("head", "joint_conv.2"))
