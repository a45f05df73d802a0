"""Weights of StarGAN as its authors' program saves them: `*-G.ckpt`, and `*-D.ckpt` beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar

from torch import Tensor

from gantools.errors import GanToolsError
from gantools.interchange import Imported, Importer, Parts, Wishes, only_generator
from gantools.networks.renaming import STATISTICS, Tensors, adopt, on_meta, shape_of
from gantools_stargan.discriminators import Discriminator
from gantools_stargan.generator import Generator

_BLOCK = re.compile(r"main\.(\d+)\.main\.0\.weight")
_SIZE = 128


class OriginalStarGAN(Importer):
    """A generator; the discriminator beside it tells the size of the pictures."""

    task: ClassVar[str] = "stargan"

    def suits(self, parts: Parts) -> int:
        """Take networks with residual blocks under `main`."""
        return 2 if any(map(_is_generator, parts.values())) else 0

    def read(self, parts: Parts, wishes: Wishes) -> Imported:
        """Convert the generator."""
        foreign = only_generator(parts, _is_generator)
        blocks = sum(bool(_BLOCK.fullmatch(name)) for name in foreign)
        width, channels = shape_of(foreign, "main.0.weight", 4)[:2]
        labels = channels - 3
        network = on_meta(lambda: Generator(labels, width, blocks, "transpose"))
        tensors = adopt(network, _layers(blocks), foreign, STATISTICS)
        select, kinds = _domains(labels, wishes)
        settings = {
            "width": width, "blocks": blocks, "upsample": "transpose", "skips": False, "norm": "instance",
            "smoothing": False, "palette": False, "projection": False, "d_fine": 0, "recogniser": False,
            "select": select, "labels": kinds, **_critic(parts, wishes),
        }  # fmt: skip
        names = [name for part in select for name in part.split(",")]
        layout = f"StarGAN: {len(names)} domains, {blocks} blocks"
        generator = {f"g.{key}": tensor for key, tensor in tensors.items()}
        return Imported(layout, settings, generator, names, _critic_tensors(parts, settings, len(names)))


def _is_generator(tensors: Tensors) -> bool:
    return any(_BLOCK.fullmatch(name) for name in tensors)


def _layers(blocks: int) -> Iterator[tuple[str, str]]:
    """Yield our names of convolutions and norms, and theirs."""

    def layer(name: str, theirs: str, first: int) -> Iterator[tuple[str, str]]:
        yield from ((f"{name}.conv", f"{theirs}{first}"), (f"{name}.norm", f"{theirs}{first + 1}"))

    yield from layer("stem", "main.", 0)
    for i in range(2):
        yield from layer(f"down.{i}", "main.", 3 + 3 * i)
    for i in range(blocks):
        yield from layer(f"blocks.{i}.first", f"main.{9 + i}.main.", 0)
        yield from layer(f"blocks.{i}.second", f"main.{9 + i}.main.", 3)
    for i in range(2):
        yield from layer(f"up.{i}", "main.", 9 + blocks + 3 * i)
    yield "head", f"main.{15 + blocks}"


def _domains(labels: int, wishes: Wishes) -> tuple[list[str], list[str]]:
    """Return the names of each data set's domains, and the kind of each data set.

    With several data sets the generator is told of which one the labels are, by as many labels more.
    """
    sets = [[name.strip() for name in part.split(",") if name.strip()] for part in wishes.domains]
    sets = sets or [[str(i) for i in range(labels)]]
    names = [name for part in sets for name in part]
    told = len(names) + (len(sets) if len(sets) > 1 else 0)
    if told != labels or len(set(names)) != len(names) or not all(sets):
        raise GanToolsError(
            f"this generator is told {labels} labels, and --domains names {len(names)} for {len(sets)} data sets",
            "give --domains A,B,… with a different name for each label; for weights of two data sets give it twice, "
            "two of the labels say which one is meant",
        )
    kinds = list(wishes.labels) or ["independent"]
    if len(kinds) not in {1, len(sets)}:
        raise GanToolsError(f"--labels is given {len(kinds)} times for {len(sets)} data sets", "give it once for each")
    return [",".join(part) for part in sets], kinds * (len(sets) // len(kinds))


def _critic(parts: Parts, wishes: Wishes) -> dict[str, Any]:
    """Return what is seen of the discriminator, which fits one size of pictures."""
    critic = next(filter(_is_critic, parts.values()), None)
    if critic is None:
        return {"size": wishes.size or _SIZE}
    layers = sum(name.startswith("main.") and name.endswith(".weight") for name in critic)
    side, width = critic["conv2.weight"].shape[2], critic["main.0.weight"].shape[0]
    return {"size": side << layers, "d_width": width, "d_layers": layers}


def _critic_tensors(parts: Parts, settings: dict[str, Any], labels: int) -> dict[str, Tensor]:
    """Return the discriminator's tensors by our names; none where there is none, or one that was changed."""
    critic = next(filter(_is_critic, parts.values()), None)
    if critic is None:
        return {}
    size, width, layers = settings["size"], settings["d_width"], settings["d_layers"]
    network = on_meta(lambda: Discriminator(labels, size, width, layers))
    pairs = [*((f"body.{i}.0", f"main.{2 * i}") for i in range(layers)), ("head", "conv1"), ("domains", "conv2")]
    try:
        return {f"d.{key}": tensor for key, tensor in adopt(network, pairs, critic).items()}
    except GanToolsError:  # the generator can do without
        return {}


def _is_critic(tensors: Tensors) -> bool:
    head, first = tensors.get("conv2.weight"), tensors.get("main.0.weight")
    return head is not None and first is not None and head.dim() == first.dim() == 4
