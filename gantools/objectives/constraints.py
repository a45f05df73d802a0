"""Constraints on weights: clipped, normalised, held to their history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

from gantools.objectives.base import Constraint
from gantools.objectives.layers import WEIGHTED

On = Annotated[Literal["d", "both"], Field(description="discriminators alone, or generators too")]


@dataclass(frozen=True)
class WeightClipping(Constraint):
    """Every parameter is cut to [-c, c] after each update (Arjovsky et al. 2017, algorithm 1)."""

    c: Annotated[float, Field(gt=0, description="largest absolute value of a parameter")] = 0.01

    paper: ClassVar[str] = "Arjovsky et al. 2017, Wasserstein GAN, algorithm 1"
    formula_d: ClassVar[str] = "w ← min(max(w, -c), c)"
    minimises: ClassVar[str] = "with wgan: K W₁ for a K that c and the network set, often far below 1"
    use: ClassVar[str] = "with wgan, to compare with the first paper; gradients vanish or explode: prefer gp-one-sided"
    example: ClassVar[str] = "--objective wgan --constraint weight-clipping --n-critic 5 --optimizer rmsprop"

    def after_update(self, network: nn.Module) -> None:
        """Clip every parameter in place."""
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.clamp_(-self.c, self.c)


@dataclass(frozen=True)
class SpectralNorm(Constraint):
    """Every weight is divided by its largest singular value (Miyato et al. 2018, eq. 8 and algorithm 1).

    The value is estimated by power iteration: 15 rounds when the network is built, then one per update, however many
    passes that update makes. Saved generators hold the divided weights.
    """

    on: On = "d"

    last: ClassVar[bool] = True
    paper: ClassVar[str] = "Miyato et al. 2018, Spectral Normalization for Generative Adversarial Networks, algorithm 1"
    formula_d: ClassVar[str] = "W / σ(W),  σ(W) = uᵀ W v, the largest singular value of a layer's weight W"
    formula_g: ClassVar[str] = "the same, with on=both"
    minimises: ClassVar[str] = (
        "with wgan and linear layers: K W₁ with K at most 1; a convolution can stretch more than its matrix"
    )
    use: ClassVar[str] = "with hinge, or any loss whose critic is too strong; costs almost nothing"
    example: ClassVar[str] = "--objective hinge --constraint spectral-norm"

    def apply(self, network: nn.Module) -> None:
        """Reparametrise every linear and convolution layer."""
        for module in list(network.modules()):
            if isinstance(module, WEIGHTED):
                dim = 1 if isinstance(module, nn.ConvTranspose2d) else 0
                parametrize.register_parametrization(module, "weight", _Normalised(module.weight, dim))

    def before_update(self, network: nn.Module) -> None:
        """Make one round of power iteration."""
        for module in network.modules():
            if isinstance(module, parametrize.ParametrizationList):
                for part in module:
                    if isinstance(part, _Normalised):
                        part.iterate(module.original)


class _Normalised(nn.Module):
    """W / (uᵀ W v), where u and v are kept between updates."""

    u: Tensor
    v: Tensor

    def __init__(self, weight: Tensor, dim: int) -> None:
        super().__init__()
        self.dim = dim
        rows, columns = self._matrix(weight).shape
        self.register_buffer("u", normalize(torch.randn(rows, dtype=weight.dtype, device=weight.device), dim=0))
        self.register_buffer("v", normalize(torch.randn(columns, dtype=weight.dtype, device=weight.device), dim=0))
        for _ in range(15):
            self.iterate(weight)

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            sigma = torch.dot(self.u, self._matrix(weight) @ self.v).clamp(min=1e-12)  # a layer may begin at 0
        return weight / sigma

    @torch.no_grad()
    def iterate(self, weight: Tensor) -> None:
        matrix = self._matrix(weight)
        # New tensors, not in-place writes: a graph may still hold the old ones.
        self.v = normalize(matrix.T @ self.u, dim=0)
        self.u = normalize(matrix @ self.v, dim=0)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1)


@dataclass(frozen=True)
class HistoricalAveraging(Constraint):
    """Parameters are held near the average of all their earlier values (Salimans et al. 2016, section 3.3)."""

    weight: Annotated[float, Field(ge=0, description="strength")] = 1.0
    on: On = "both"

    paper: ClassVar[str] = "Salimans et al. 2016, Improved Techniques for Training GANs, section 3.3"
    formula_d: ClassVar[str] = "weight ‖θ - 1/t Σᵢ θᵢ‖²"
    formula_g: ClassVar[str] = "the same for the generator's parameters"
    minimises: ClassVar[str] = "0 once the parameters stand still"
    use: ClassVar[str] = "where the two players circle each other without coming nearer"

    @cached_property
    def _averages(self) -> dict[nn.Module, _Average]:
        return {}

    def apply(self, network: nn.Module) -> None:
        """Begin the network's history."""
        self._averages[network] = _Average()

    def loss(self, network: nn.Module) -> Tensor | None:
        """Return the squared distance of the parameters from their average; None before there is one."""
        average = self._averages[network]
        if not average.values:
            return None
        pairs = zip(network.parameters(), average.values, strict=True)
        squares = [(now - then.to(now.device)).square().sum() for now, then in pairs]
        return self.weight * torch.stack(squares).sum()

    @torch.no_grad()
    def after_update(self, network: nn.Module) -> None:
        """Take the parameters into their average."""
        self._averages[network].add(list(network.parameters()))

    def state_dict(self) -> list[Any]:
        """Return counts and averages."""
        return [{"count": average.count, "values": average.values} for average in self._averages.values()]

    def load_state_dict(self, state: list[Any]) -> None:
        """Restore counts and averages."""
        for average, saved in zip(self._averages.values(), state, strict=True):
            average.count, average.values = saved["count"], saved["values"]


@dataclass
class _Average:
    """The mean of all values so far."""

    count: int = 0
    values: list[Tensor] = field(default_factory=list)

    def add(self, current: Sequence[Tensor]) -> None:
        self.count += 1
        if not self.values:
            self.values = [tensor.detach().clone() for tensor in current]
            return
        self.values = [value.to(tensor.device) for value, tensor in zip(self.values, current, strict=True)]
        torch._foreach_lerp_(self.values, [tensor.detach() for tensor in current], 1 / self.count)


def plain_state(networks: nn.Module) -> dict[str, Tensor]:
    """Return a state dict in which normalised weights stand as plain ones: what a network without constraints loads."""
    state = {name: tensor for name, tensor in networks.state_dict().items() if ".parametrizations." not in name}
    for path, module in networks.named_modules():
        if parametrize.is_parametrized(module):
            for name in module.parametrizations:
                state[f"{path}.{name}"] = getattr(module, name).detach()
    return state
