"""Weights of DF-GAN as its authors' program saves them: `state_epoch_*.pth`, with generator and critics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from gantools.errors import GanToolsError
from gantools.interchange import Imported, Importer, Parts, Wishes, only_generator
from gantools.networks.renaming import Tensors, adopt, on_meta, shape_of
from gantools.text.encoder import load_encoder
from gantools.text.recurrent import WORDS_READ
from gantools_text2image.networks import Generator

_BLOCK = re.compile(r"GBlocks\.(\d+)\.")


class OriginalDFGAN(Importer):
    """A generator, and the text encoder that it was trained with."""

    task: ClassVar[str] = "text2image"

    def suits(self, parts: Parts) -> int:
        """Take networks with `GBlocks`."""
        return 2 if any(map(_is_generator, parts.values())) else 0

    def read(self, parts: Parts, wishes: Wishes) -> Imported:
        """Convert the generator."""
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
        return Imported(layout, settings, {f"g.{key}": tensor for key, tensor in tensors.items()})


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
    stems = [tensors["conv_img.weight"] for tensors in parts.values() if "conv_img.weight" in tensors]
    return {"d_width": stems[0].shape[0]} if stems else {}
