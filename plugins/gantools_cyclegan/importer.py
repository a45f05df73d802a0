"""Weights of pytorch-CycleGAN-and-pix2pix (CycleGAN) and of CUT: ResNet generators of one direction or both."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from gantools.errors import GanToolsError
from gantools.interchange import Imported, Importer, Parts, Wishes, named
from gantools.networks.junyanz import is_resnet, read_critic, read_discriminator, read_resnet
from gantools.networks.renaming import Tensors

_DROPOUT = 0.5


class JunyanzCycleGAN(Importer):
    """A folder with G_A and G_B, or a single generator."""

    task: ClassVar[str] = "cyclegan"

    def suits(self, parts: Parts) -> int:
        """Take two ResNets, or one as CycleGAN and CUT have it by default: for colours, with instance norm."""
        generators = [tensors for tensors in parts.values() if is_resnet(tensors)]
        if len(generators) == 1:
            first = generators[0].get("model.1.weight")
            return 1 if "model.2.weight" in generators[0] or first is None or first.shape[1:2] != (3,) else 2
        return 2 if generators else 0

    def read(self, parts: Parts, wishes: Wishes) -> Imported:
        """Convert one generator, or both."""
        found = {_direction(name): name for name, tensors in parts.items() if is_resnet(tensors)}
        if len(found) < sum(map(is_resnet, parts.values())):
            raise GanToolsError(
                "there are several generators, and not one for each direction", "give the file of one of them"
            )
        settings: dict[str, Any] = {}
        tensors: dict[str, Tensor] = {}
        for way, name in sorted(found.items()):
            mine, read = read_resnet(parts[name], _DROPOUT if wishes.dropout is None else wishes.dropout)
            if settings and mine != settings:
                raise GanToolsError("the generators of both directions differ in layout", "give the file of one")
            settings = mine
            tensors |= {f"g_{way[0]}{way[2]}.{key}": tensor for key, tensor in read.items()}
        _check_colours(settings)
        settings |= {
            "directions": "both" if len(found) == 2 else next(iter(found)),
            "inference": "stored" if wishes.inference == "eval" else "picture",
            "size": wishes.size or 256,
            "skips": False,
            **_critic(parts),
        }
        blurred = "blur" in {settings["upsample"], settings["downsample"]}
        layout = f"{'CUT' if blurred else 'CycleGAN'}: ResNet of {settings['blocks']} blocks, {settings['norm']} norm"
        return Imported(layout, settings, tensors, named(wishes, ["A", "B"]), _critics(parts))


def _direction(name: str) -> str:
    return "b2a" if name == "G_B" else "a2b"


def _check_colours(settings: dict[str, Any]) -> None:
    channels = settings.pop("in_channels"), settings.pop("out_channels")
    if channels != (3, 3):
        raise GanToolsError(
            f"this generator makes {channels[1]} channels of {channels[0]}, and the task cyclegan has 3 of each",
            "give the file of one direction with --task pix2pix",
        )


def _critics(parts: Parts) -> dict[str, Tensor]:
    """Return the discriminators: theirs of A judges what the generator of A makes, which is B; so does one alone."""
    sides = {"D": "d_b", "D_A": "d_b", "D_B": "d_a"}
    found = {ours: read_discriminator(parts[name]) for name, ours in sides.items() if name in parts}
    return {f"{ours}.{key}": value for ours, tensors in found.items() for key, value in tensors.items()}


def _critic(parts: Parts) -> dict[str, Any]:
    """Return what discriminators beside the generators tell of how these were trained."""
    critics: list[Tensors] = [tensors for name, tensors in parts.items() if name in {"D", "D_A"}]
    return read_critic(critics[0]) if critics else {}
