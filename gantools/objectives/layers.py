"""What the objective layer puts into a critic that a task has built, and how it finds the place.

A critic's last layer is its attribute ``head``, or else the last of its weighted layers. Everything here works on any
critic that is a torch module, so that no task has to know of it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from gantools.errors import GanToolsError

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)
_ACTIVATIONS = (nn.LeakyReLU, nn.ReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh)
_SEEN = "_last_hidden"


class AcrossBatch(nn.Module):
    """Appends what it computes over the whole batch to the channels of [N, C, …]; ``extra`` counts them."""

    extra: int

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, C + extra, …]."""
        return torch.cat([x, self.across(x)], 1)

    def across(self, x: Tensor) -> Tensor:
        """Return [N, extra, …] for [N, C, …]."""
        raise TypeError(f"{type(self).__name__} computes nothing")


def head_of(critic: nn.Module) -> tuple[nn.Module, str]:
    """Return the module that holds a critic's last layer, and the layer's name in it."""
    if isinstance(getattr(critic, "head", None), nn.Module):
        return critic, "head"
    names = [name for name, module in critic.named_modules() if isinstance(module, WEIGHTED)]
    if not names:
        raise GanToolsError(
            f"{type(critic).__name__} has no layers with weights", "give the critic an attribute `head`"
        )
    parent, _, name = names[-1].rpartition(".")
    return critic.get_submodule(parent), name


def before_head(critic: nn.Module, layer: AcrossBatch) -> None:
    """Put a layer in front of a critic's last one, which is widened to take in what the layer appends."""
    parent, name = head_of(critic)
    head = getattr(parent, name)
    if not isinstance(head, nn.Linear | nn.Conv2d):
        raise GanToolsError(
            f"the last layer of {type(critic).__name__} is a {type(head).__name__}, which cannot be widened",
            "leave the constraint out, or end the critic in a linear or convolution layer called `head`",
        )
    setattr(parent, name, nn.Sequential(layer, _widened(head, layer.extra)))


def _widened(layer: nn.Linear | nn.Conv2d, extra: int) -> nn.Linear | nn.Conv2d:
    """Return the layer with ``extra`` further inputs, their weights as widely spread as the others."""
    weight = layer.weight.data
    more = torch.randn(len(weight), extra, *weight.shape[2:]) * weight.std()
    layer.weight = nn.Parameter(torch.cat([weight, more], 1))
    if isinstance(layer, nn.Linear):
        layer.in_features += extra
    else:
        layer.in_channels += extra
    return layer


def add_dropout(critic: nn.Module, p: float) -> None:
    """Drop values behind each activation but the first, unless the critic has dropout already."""
    if any(isinstance(module, _DropoutNd) for module in critic.modules()):
        return
    found = [name for name, module in critic.named_modules() if isinstance(module, _ACTIVATIONS)]
    if not found:
        raise GanToolsError(
            f"{type(critic).__name__} has no activations to put dropout behind", "build the critic with dropout"
        )
    for path in found[1:] or found:
        parent, _, name = path.rpartition(".")
        owner = critic.get_submodule(parent)
        setattr(owner, name, nn.Sequential(getattr(owner, name), nn.Dropout(p)))


def watch_features(critic: nn.Module) -> None:
    """Keep what goes into the critic's last layer, pass by pass, for `last_hidden`."""

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        critic.__dict__[_SEEN] = inputs[0]

    parent, name = head_of(critic)
    getattr(parent, name).register_forward_pre_hook(keep)


def last_hidden(critic: nn.Module) -> tuple[Tensor, ...]:
    """Return what went into the critic's last layer in its last pass, once; empty if nobody watches."""
    seen = critic.__dict__.pop(_SEEN, None)
    return () if seen is None else (seen,)
