"""The layouts of pytorch-CycleGAN-and-pix2pix and of CUT: their names for the layers of our U-Net and ResNet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from gantools.errors import GanToolsError
from gantools.networks.blur import down_filter, up_filter
from gantools.networks.norms import Norm
from gantools.networks.patchgan import PatchGAN, PixelGAN
from gantools.networks.renaming import STATISTICS, Layers, Tensors, adopt, on_meta, shape_of
from gantools.networks.resnet import ResNetGenerator
from gantools.networks.unet import UNetGenerator

Settings = dict[str, Any]
_BLOCK = re.compile(r"model\.(\d+)\.conv_block\.")
_FILTER = re.compile(r"model\.(\d+)\.filt")
_SHALLOWEST, _DEEPEST = 5, 8  # halvings of a U-Net
_DEEPER = "model.model.1.model"
_NO_EFFECT = ("bias", *STATISTICS)  # of an instance norm and of the convolution in front of it


def is_resnet(foreign: Tensors) -> bool:
    """Whether tensors are named as a ResNet generator's are."""
    return any(_BLOCK.match(name) for name in foreign)


def is_unet(foreign: Tensors) -> bool:
    """Whether tensors are named as a U-Net generator's are."""
    return any(name.startswith(_DEEPER) for name in foreign)


def read_resnet(foreign: Tensors, dropout: float) -> tuple[Settings, dict[str, Tensor]]:
    """Return the settings of our ResNetGenerator that compute the same, and its tensors.

    Where there is dropout, its amount cannot be seen and is ``dropout``.
    """
    blocks = sorted({int(match[1]) for name in foreign if (match := _BLOCK.match(name))})
    filters = sorted(int(match[1]) for name in foreign if (match := _FILTER.fullmatch(name)))
    drops = f"model.{blocks[0]}.conv_block.6.weight"
    names = sorted((int(name.split(".")[1]), name) for name in foreign if re.fullmatch(r"model\.\d+\.weight", name))
    width, in_channels = shape_of(foreign, "model.1.weight", 4)[:2]
    settings: Settings = {
        "in_channels": in_channels,
        "out_channels": foreign[names[-1][1]].shape[0],
        "width": width,
        "blocks": len(blocks),
        "upsample": "blur" if any(place > blocks[-1] for place in filters) else "transpose",
        "norm": _norm(foreign, "model.1", "model.2"),
        "dropout": dropout if drops in foreign and foreign[drops].dim() == 4 else 0.0,
        "downsample": "blur" if any(place < blocks[0] for place in filters) else "stride",
    }
    network = on_meta(lambda: ResNetGenerator(**settings))
    rest = _without_filters(foreign, _filters(network))
    return settings, adopt(network, _resnet_layers(network), rest, _ignored(settings))


def read_unet(foreign: Tensors, dropout: float) -> tuple[Settings, dict[str, Tensor]]:
    """Return the settings of our UNetGenerator that compute the same, and its tensors.

    Whether there is dropout cannot be seen: its amount is ``dropout``.
    """
    depth = 2
    while any(name.startswith(f"{_prefix(depth)}.") for name in foreign):
        depth += 1
    if not _SHALLOWEST <= depth <= _DEEPEST:
        raise GanToolsError(
            f"this U-Net halves {depth} times", f"those that halve {_SHALLOWEST} to {_DEEPEST} times can be read"
        )
    width, in_channels = shape_of(foreign, "model.model.0.weight", 4)[:2]
    settings: Settings = {
        "in_channels": in_channels,
        "out_channels": shape_of(foreign, "model.model.3.weight", 4)[1],
        "width": width,
        "size": 2**depth,
        "norm": _norm(foreign, f"{_prefix(1)}.1", f"{_prefix(1)}.2"),
        "dropout": dropout,
        "dropping": depth - _SHALLOWEST,
    }
    network = on_meta(lambda: UNetGenerator(**settings))
    tensors = adopt(network, _unet_layers(network), foreign, _ignored(settings))
    return settings, _skips_swapped(network, tensors)


def write_network(network: nn.Module, tensors: Tensors) -> dict[str, Tensor]:
    """Return the tensors of a ResNetGenerator or UNetGenerator of ours as the reference names them.

    GanToolsError says what the reference has no layer for.
    """
    if isinstance(network, UNetGenerator):
        if len(network.down) < _SHALLOWEST:
            raise GanToolsError(
                f"the reference's U-Nets halve {_SHALLOWEST} times or more, this one {len(network.down)} times",
                f"train with --size {2**_SHALLOWEST} or more to export",
            )
        return _written(network, _unet_layers(network), _skips_swapped(network, tensors))
    if isinstance(network, ResNetGenerator):
        if network.skips:
            raise GanToolsError("the reference's ResNets have no skip connections", "train with --no-skips to export")
        if any(isinstance(module, nn.Upsample) for module in network.modules()):
            raise GanToolsError(
                "the reference has no layer that resizes, as --upsample resize makes",
                "train with --upsample transpose to export",
            )
        return _written(network, _resnet_layers(network), tensors) | dict(_filters(network))
    raise GanToolsError(
        f"the reference has no generator like {type(network).__name__}", "it has those of pix2pix and cyclegan"
    )


def read_critic(foreign: Tensors) -> Settings:
    """Return what is seen of a discriminator as training settings: critic, d_width, and d_layers of patches."""
    if "net.0.weight" in foreign:
        return {"critic": "pixel", "d_width": foreign["net.0.weight"].shape[0]}
    kernels = [name for name, tensor in foreign.items() if name.startswith("model.") and tensor.dim() == 4]
    layers = sum(not name.endswith(".filt") for name in kernels) - 2
    if "model.0.weight" not in kernels or not 1 <= layers <= 6:
        return {}
    return {"critic": "patch", "d_width": foreign["model.0.weight"].shape[0], "d_layers": layers}


def read_discriminator(foreign: Tensors) -> dict[str, Tensor]:
    """Return the tensors of a discriminator as our PatchGAN or PixelGAN names them; none of one that is neither."""
    seen = read_critic(foreign)
    if not seen:
        return {}
    patches = seen["critic"] == "patch"
    norm: Norm = "batch" if f"{'model' if patches else 'net'}.3.weight" in foreign else "instance"
    channels, width = foreign["model.0.weight" if patches else "net.0.weight"].shape[1], seen["d_width"]
    network: nn.Module = on_meta(
        lambda: PatchGAN(channels, width, seen["d_layers"], norm) if patches else PixelGAN(channels, width, norm)
    )
    layers = _patch_layers(seen["d_layers"], norm) if patches else _PIXEL_LAYERS
    try:
        return adopt(network, layers, foreign, _ignored({"norm": norm}))
    except GanToolsError:  # of another program, or changed: the generators can do without
        return {}


_PIXEL_LAYERS = (("stem.0", "net.0"), ("body.0", "net.2"), ("body.1", "net.3"), ("head", "net.5"))


def _patch_layers(layers: int, norm: Norm) -> Iterator[tuple[str, str]]:
    """Yield our name and the reference's for every layer with weights: a block has three modules there."""
    yield "stem.0", "model.0"
    for i in range(layers):
        yield f"body.{i}.0", f"model.{2 + 3 * i}"
        if norm == "batch":
            yield f"body.{i}.1", f"model.{3 + 3 * i}"
    yield "head", f"model.{2 + 3 * layers}"


def _norm(foreign: Tensors, convolution: str, norm: str) -> str:
    if f"{norm}.weight" in foreign:
        shape_of(foreign, f"{norm}.weight", 1)
        return "batch"
    if f"{convolution}.bias" in foreign:
        return "instance"
    raise GanToolsError(f"there is no norm behind `{convolution}`", "networks with batch or instance norm can be read")


def _ignored(settings: Settings) -> tuple[str, ...]:
    return _NO_EFFECT if settings["norm"] == "instance" else ()


def _resnet_layers(network: ResNetGenerator) -> Iterator[tuple[str, str]]:
    """Yield our names of convolutions and norms, and theirs."""
    step, blocks = _steps(network), len(network.blocks)
    second = 6 if any(isinstance(module, nn.Dropout) for module in network.modules()) else 5
    yield from (("stem.0", "model.1"), ("stem.1", "model.2"))
    for i in range(2):
        yield f"down.{i}.0", f"model.{4 + step['down'] * i}"
        yield f"down.{i}.1", f"model.{5 + step['down'] * i}"
    start = 4 + 2 * step["down"]
    for i in range(blocks):
        theirs = f"model.{start + i}.conv_block"
        yield from ((f"blocks.{i}.first.0", f"{theirs}.1"), (f"blocks.{i}.first.1", f"{theirs}.2"))
        yield from ((f"blocks.{i}.second", f"{theirs}.{second}"), (f"blocks.{i}.norm", f"{theirs}.{second + 1}"))
    first = step["up"] - 3  # a filter comes before the convolution
    for i in range(2):
        place = start + blocks + step["up"] * i + first
        yield from ((f"up.{i}.{first}", f"model.{place}"), (f"up.{i}.{first + 1}", f"model.{place + 1}"))
    yield "head.1", f"model.{start + blocks + 2 * step['up'] + 1}"


def _steps(network: ResNetGenerator) -> dict[str, int]:
    """Return how many of their modules a halving and a doubling take: convolution, norm, ReLU, and maybe a filter."""
    return {"down": len(network.down[0]), "up": len(network.up[0])}  # type: ignore[arg-type]


def _filters(network: ResNetGenerator) -> Iterator[tuple[str, Tensor]]:
    """Yield their names of the filters, and the filters: one and the same for each channel."""
    step, width = _steps(network), network.stem[0].out_channels
    end = 4 + 2 * step["down"] + len(network.blocks)
    if step["down"] == 4:
        yield from ((f"model.{7 + 4 * i}.filt", _for_each(down_filter(), 2 * 2**i * width)) for i in range(2))
    if step["up"] == 4:
        yield from ((f"model.{end + 4 * i}.filt", _for_each(up_filter(), 4 // 2**i * width)) for i in range(2))


def _for_each(kernel: Tensor, channels: int) -> Tensor:
    return kernel.repeat(channels, 1, 1, 1)


def _without_filters(foreign: Tensors, known: Iterable[tuple[str, Tensor]]) -> dict[str, Tensor]:
    """Take out the filters of the layout; GanToolsError if one is not the filter that ours has built in."""
    rest = dict(foreign)
    for name, kernel in known:
        given = rest.pop(name, torch.zeros(()))
        if given.shape != kernel.shape or not torch.allclose(given.float(), kernel):
            raise GanToolsError(f"`{name}` is not the filter of CUT's networks", "only those can be read")
    return rest


def _unet_layers(network: UNetGenerator) -> Iterator[tuple[str, str]]:
    depth = len(network.down)
    yield from (("down.0.1", "model.model.0"), ("head.1", "model.model.3"))
    for level in range(1, depth):
        theirs, innermost = _prefix(level), level == depth - 1
        yield f"down.{level}.1", f"{theirs}.1"
        if not innermost:
            yield f"down.{level}.2", f"{theirs}.2"
        up = f"up.{depth - 1 - level}"
        yield from ((f"{up}.1", f"{theirs}.{3 if innermost else 5}"), (f"{up}.2", f"{theirs}.{4 if innermost else 6}"))


def _prefix(level: int) -> str:
    return _DEEPER + ".3.model" * (level - 1)


def _skips_swapped(network: UNetGenerator, tensors: Tensors) -> dict[str, Tensor]:
    """Return the tensors with the doublings' inputs in the other order: theirs has the skip first, ours last."""
    names = [f"up.{i}.1.weight" for i in range(1, len(network.up))] + ["head.1.weight"]
    return {**tensors, **{name: torch.cat(tensors[name].chunk(2)[::-1]) for name in names}}


def _written(network: nn.Module, layers: Layers, tensors: Tensors) -> dict[str, Tensor]:
    """Return the tensors under their names.

    In front of an instance norm the reference has biases, which are 0; with batch norm only the last layer has one.
    """
    everywhere = any(isinstance(module, nn.InstanceNorm2d) for module in network.modules())
    result: dict[str, Tensor] = {}
    for ours, theirs in layers:
        layer = network.get_submodule(ours)
        parts = {
            part: tensors[f"{ours}.{part}"] for part in ("weight", "bias", *STATISTICS) if f"{ours}.{part}" in tensors
        }
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            bias = parts.pop("bias", parts["weight"].new_zeros(layer.out_channels))
            if everywhere or ours == "head.1":
                parts["bias"] = bias
            elif bias.any():
                raise GanToolsError(
                    f"with batch norm the reference has no bias where `{ours}.bias` is",
                    "networks with --norm instance, or imported ones, can be exported",
                )
        result |= {f"{theirs}.{part}": tensor for part, tensor in parts.items()}
    return result
