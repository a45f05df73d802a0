"""Constraints on the critic: clipped weights, normalised weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils import parametrize

from gantools.objectives.base import Constraint

_WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d)


@dataclass(frozen=True)
class WeightClipping(Constraint):
    """Every parameter is cut to [-c, c] after each update (Arjovsky et al. 2017, algorithm 1)."""

    c: Annotated[float, Field(gt=0)] = 0.01

    paper: ClassVar[str] = "Arjovsky et al. 2017, Wasserstein GAN, algorithm 1"
    formula_d: ClassVar[str] = "w ← min(max(w, -c), c)"

    def after_d_update(self, d: nn.Module) -> None:
        """Clip every parameter in place."""
        with torch.no_grad():
            for parameter in d.parameters():
                parameter.clamp_(-self.c, self.c)


@dataclass(frozen=True)
class SpectralNorm(Constraint):
    """Every weight is divided by its largest singular value (Miyato et al. 2018, eq. 8 and algorithm 1).

    The value is estimated by power iteration: 15 rounds when the critic is built, then one per discriminator update,
    however many passes that update makes.
    """

    paper: ClassVar[str] = "Miyato et al. 2018, Spectral Normalization for Generative Adversarial Networks, algorithm 1"
    formula_d: ClassVar[str] = "W / σ(W),  σ(W) = uᵀ W v"

    def apply(self, d: nn.Module) -> None:
        """Reparametrise every linear and convolution layer."""
        for module in d.modules():
            if isinstance(module, _WEIGHTED):
                dim = 1 if isinstance(module, nn.ConvTranspose2d) else 0
                parametrize.register_parametrization(module, "weight", _Normalised(module.weight, dim))

    def before_d_update(self, d: nn.Module) -> None:
        """Make one round of power iteration."""
        for module in d.modules():
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
        self.register_buffer("u", normalize(torch.randn(rows, device=weight.device), dim=0))
        self.register_buffer("v", normalize(torch.randn(columns, device=weight.device), dim=0))
        for _ in range(15):
            self.iterate(weight)

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            sigma = torch.dot(self.u, self._matrix(weight) @ self.v)
        return weight / sigma

    @torch.no_grad()
    def iterate(self, weight: Tensor) -> None:
        matrix = self._matrix(weight)
        # New tensors, not in-place writes: a graph may still hold the old ones.
        self.v = normalize(matrix.T @ self.u, dim=0)
        self.u = normalize(matrix @ self.v, dim=0)

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.dim, 0).flatten(1)
