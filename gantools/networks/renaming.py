"""The same network under other names: tensors of a foreign checkpoint into a network of ours, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from gantools.errors import GanToolsError

Tensors = Mapping[str, Tensor]
Layers = Iterable[tuple[str, str]]
N = TypeVar("N", bound=nn.Module)

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
_PARTS = ("weight", "bias", *STATISTICS)
_HINT = "the layouts that can be read are listed in docs/import.md"


def on_meta(build: Callable[[], N]) -> N:
    """Build a network that has names and shapes, but no memory yet."""
    with torch.device("meta"):
        return build()


def adopt(network: nn.Module, layers: Layers, foreign: Tensors, without: Iterable[str] = ()) -> dict[str, Tensor]:
    """Return the foreign tensors under the names of ``network``; ``layers`` pairs its modules' names with theirs.

    A bias that they lack is 0. ``without`` says which parts of a layer mean nothing where ours lacks them.
    GanToolsError names what is missing, has another shape, or would be left over.
    """
    expected = network.state_dict()
    left = dict(foreign)
    result: dict[str, Tensor] = {}
    for ours, theirs in layers:
        for part in _PARTS:
            tensor = left.pop(f"{theirs}.{part}", None)
            if f"{ours}.{part}" in expected:
                shape = expected[f"{ours}.{part}"].shape
                result[f"{ours}.{part}"] = _checked(f"{theirs}.{part}", tensor, shape)
            elif tensor is not None and part not in without:
                left[f"{theirs}.{part}"] = tensor
    if left:
        raise GanToolsError(f"`{min(left)}` belongs to no layer of the layout ({len(left)} such tensors)", _HINT)
    return result


def _checked(name: str, tensor: Tensor | None, shape: torch.Size) -> Tensor:
    if tensor is None:
        if name.endswith(".bias"):
            return torch.zeros(shape)
        if name.endswith(".num_batches_tracked"):  # which torch had not until 0.4.1
            return torch.zeros(shape, dtype=torch.long)
        raise GanToolsError(f"`{name}` is missing", _HINT)
    if tensor.shape != shape:
        raise GanToolsError(f"`{name}` is of shape {list(tensor.shape)}, not {list(shape)}", _HINT)
    return tensor


def shape_of(foreign: Tensors, name: str, dims: int) -> torch.Size:
    """Return the shape of a tensor that has so many dimensions; GanToolsError if there is none such."""
    if name not in foreign or foreign[name].dim() != dims:
        raise GanToolsError(f"`{name}` is missing, or no tensor of {dims} dimensions", _HINT)
    return foreign[name].shape
