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
    """Computes further channels [N, extra, …] for features [N, C, …], each over the whole batch."""

    extra: int

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, extra, …]."""
        raise TypeError(f"{type(self).__name__} computes nothing")


class Head(nn.Module):
    """A critic's last layer, which takes in what others compute over the batch; each of them sees the same features."""

    def __init__(self, layer: nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        self.features = layer.weight.shape[1]
        self.across = nn.ModuleList()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer makes of [N, C, …] and the further channels."""
        result: Tensor = self.layer(torch.cat([x, *(across(x) for across in self.across)], 1))
        return result

    def add(self, across: AcrossBatch) -> None:
        """Widen the layer by further inputs, their weights as widely spread as the others."""
        weight = self.layer.weight.data
        more = torch.randn(len(weight), across.extra, *weight.shape[2:]) * weight.std()
        self.layer.weight = nn.Parameter(torch.cat([weight, more], 1))
        if isinstance(self.layer, nn.Linear):
            self.layer.in_features += across.extra
        else:
            self.layer.in_channels += across.extra
        self.across.append(across)


def head_of(critic: nn.Module) -> tuple[nn.Module, str]:
    """Return the module that holds a critic's last layer, and the layer's name in it."""
    if isinstance(getattr(critic, "head", None), nn.Module):
        return critic, "head"
    inside = {f"{name}.layer" for name, module in critic.named_modules() if isinstance(module, Head)}
    kinds = (Head, *WEIGHTED)
    names = [name for name, m in critic.named_modules() if name and name not in inside and isinstance(m, kinds)]
    if not names:
        raise GanToolsError(
            f"{type(critic).__name__} has no layers with weights", "give the critic an attribute `head`"
        )
    parent, _, name = names[-1].rpartition(".")
    return critic.get_submodule(parent), name


def widened_head(critic: nn.Module) -> Head:
    """Return a critic's last layer, ready to be widened; GanToolsError if it is of another kind."""
    parent, name = head_of(critic)
    layer = getattr(parent, name)
    if isinstance(layer, Head):
        return layer
    if not isinstance(layer, nn.Linear | nn.Conv2d) or getattr(layer, "groups", 1) > 1:
        raise GanToolsError(
            f"the last layer of {type(critic).__name__} is a {type(layer).__name__}, which cannot be widened",
            "leave the constraint out, or end the critic in a linear or convolution layer called `head`",
        )
    head = Head(layer)
    setattr(parent, name, head)
    return head


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
    parent, name = head_of(critic)
    getattr(parent, name).register_forward_pre_hook(_keep)


def last_hidden(critic: nn.Module) -> tuple[Tensor, ...]:
    """Return what went into the critic's last layer in its last pass, once; empty if nobody watches."""
    seen = (module.__dict__.pop(_SEEN) for module in critic.modules() if _SEEN in module.__dict__)
    return tuple(seen)


def _keep(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    layer.__dict__[_SEEN] = inputs[0]  # with the layer, so that a copy of the critic keeps its own
