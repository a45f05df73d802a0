"""Constraints that let a critic look at the batch: minibatch layers and virtual batch normalisation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

from gantools.errors import GanToolsError
from gantools.objectives.base import Constraint, Needs, Sample, precise
from gantools.objectives.layers import AcrossBatch, widened_head


@dataclass(frozen=True)
class MinibatchStddev(Constraint):
    """The critic's last layer is told how much the batch varies (Karras et al. 2018, section 3)."""

    needs: ClassVar[Needs] = Needs(min_batch=2)
    paper: ClassVar[str] = "Karras et al. 2018, Progressive Growing of GANs, section 3"
    formula_d: ClassVar[str] = "one more channel: the mean over features and places of the batch's standard deviation"
    minimises: ClassVar[str] = "nothing of its own: a batch with less variety than the data can be told by it"
    use: ClassVar[str] = "against outputs that are all alike; with batches of 4 and more"

    def apply(self, network: nn.Module) -> None:
        """Widen the critic's last layer by the spread."""
        widened_head(network).add(_Stddev())


class _Stddev(AcrossBatch):
    extra = 1

    def forward(self, x: Tensor) -> Tensor:
        spread = (precise(x).var(0, unbiased=False) + 1e-8).sqrt().mean().to(x.dtype)
        return spread.expand(len(x), 1, *x.shape[2:])


@dataclass(frozen=True)
class MinibatchDiscrimination(Constraint):
    """The critic's last layer sees how close each sample is to the others (Salimans et al. 2016, section 3.2).

    Of a map of features [N, C, h, w] the mean over the map counts.
    """

    kernels: Annotated[int, Field(ge=1, description="B, closenesses to measure")] = 50
    dims: Annotated[int, Field(ge=1, description="C, values that each is measured by")] = 5

    needs: ClassVar[Needs] = Needs(min_batch=2)
    paper: ClassVar[str] = "Salimans et al. 2016, Improved Techniques for Training GANs, section 3.2"
    formula_d: ClassVar[str] = (
        "B more channels: o_b(xᵢ) = Σ_{j ≠ i} exp(-‖M_{i,b} - M_{j,b}‖₁),  Mᵢ = h(xᵢ) T,  "
        "h the critic's last hidden layer"
    )
    minimises: ClassVar[str] = "nothing of its own: a batch with less variety than the data can be told by it"
    use: ClassVar[str] = "against outputs that are all alike; minibatch-stddev is the lighter successor"

    def apply(self, network: nn.Module) -> None:
        """Widen the critic's last layer by the closenesses."""
        head = widened_head(network)
        head.add(_Closeness(head.features, self.kernels, self.dims))


class _Closeness(AcrossBatch):
    def __init__(self, features: int, kernels: int, dims: int) -> None:
        super().__init__()
        self.extra = kernels
        self.projection = nn.Parameter(torch.randn(features, kernels, dims) * 0.05)

    def forward(self, x: Tensor) -> Tensor:
        means = precise(x).flatten(2).mean(2) if x.dim() > 2 else precise(x)
        with torch.autocast(x.device.type, enabled=False):
            measured = torch.einsum("nf,fkd->nkd", means, self.projection)
        distances = (measured[:, None] - measured[None]).abs().sum(3)
        closeness = torch.exp(-distances).sum(1) - 1  # every sample is at distance 0 from itself
        return closeness.to(x.dtype).view(*closeness.shape, *[1] * (x.dim() - 2)).expand(-1, -1, *x.shape[2:])


@dataclass(frozen=True)
class VirtualBatchNorm(Constraint):
    """The critic's norm layers use the statistics of one fixed batch (Salimans et al. 2016, section 3.5).

    The reference batch is the first that the critic is shown as real; each sample is normalised by that batch and
    itself, so a score depends on no other sample and every penalty is allowed. Each pass takes the reference along.
    """

    paper: ClassVar[str] = "Salimans et al. 2016, Improved Techniques for Training GANs, section 3.5"
    formula_d: ClassVar[str] = (
        "γ (h - μ) / σ + β,  h what a norm layer takes in,  μ and σ over h and the reference batch"
    )
    use: ClassVar[str] = "in place of batch norm, where a score should not depend on the batch; doubles a pass's cost"
    example: ClassVar[str] = "pix2pix --a DIR --b DIR --norm batch --constraint virtual-batch-norm"

    @cached_property
    def _references(self) -> dict[nn.Module, _Reference]:
        return {}

    def apply(self, network: nn.Module) -> None:
        """Replace every batch and instance norm; GanToolsError if there is none."""
        norms = [(path, m) for path, m in network.named_modules() if isinstance(m, _BatchNorm | _InstanceNorm)]
        if not norms:
            raise GanToolsError(
                f"virtual-batch-norm replaces norm layers, and {type(network).__name__} has none",
                "leave the constraint out, or take a critic with batch or instance norm",
            )
        virtual = [_VirtualNorm(norm.num_features) for _, norm in norms]
        for (path, _), layer in zip(norms, virtual, strict=True):
            parent, _, name = path.rpartition(".")
            setattr(network.get_submodule(parent), name, layer)
        self._references[network] = _Reference(network, virtual)

    def observe(self, d: nn.Module, real: Sample) -> None:
        """Keep the first real batch."""
        reference = self._references.get(d)
        if reference is not None and reference.sample is None:
            reference.sample = Sample(real.image.detach(), tuple(cond.detach() for cond in real.cond))

    def state_dict(self) -> list[Any]:
        """Return the reference batches."""
        samples = [reference.sample for reference in self._references.values()]
        return [None if sample is None else [sample.image, *sample.cond] for sample in samples]

    def load_state_dict(self, state: list[Any]) -> None:
        """Restore the reference batches."""
        for reference, saved in zip(self._references.values(), state, strict=True):
            reference.sample = None if saved is None else Sample(saved[0], tuple(saved[1:]))


class _VirtualNorm(nn.Module):
    """Normalises [N, C, …] by the mean and variance of the reference batch and of the sample itself."""

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))
        self.eps = eps
        self.reference: tuple[Tensor, Tensor, int] | None = None  # mean and mean square [C], of how many samples

    def forward(self, x: Tensor) -> Tensor:
        y = precise(x)
        places = tuple(range(2, y.dim()))
        mean, square = (y.mean(places), y.square().mean(places)) if places else (y, y.square())
        if self.reference is None:  # this is the reference
            self.reference = mean.mean(0), square.mean(0), len(x)
            mean, square = (value.expand_as(mean) for value in self.reference[:2])
        else:
            share = 1 / (self.reference[2] + 1)
            mean = torch.lerp(self.reference[0].expand_as(mean), mean, share)
            square = torch.lerp(self.reference[1].expand_as(square), square, share)
        deviation = ((square - mean.square()).clamp(min=0) + self.eps).sqrt()
        shape = (*mean.shape, *[1] * len(places))
        scale, shift = (value.view(1, -1, *[1] * len(places)) for value in (self.scale, self.shift))
        return ((y - mean.view(shape)) / deviation.view(shape) * scale + shift).to(x.dtype)


class _Reference:
    """A critic's reference batch, passed through it before each of its passes."""

    def __init__(self, critic: nn.Module, norms: list[_VirtualNorm]) -> None:
        self.critic, self.norms = critic, norms
        self.sample: Sample | None = None
        self._passing = False
        critic.register_forward_pre_hook(self._pass)
        critic.register_forward_hook(self._forget, always_call=True)

    def _pass(self, critic: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if self._passing:
            return
        if self.sample is not None:  # from a checkpoint it comes on the CPU
            device = inputs[0].device
            self.sample = Sample(self.sample.image.to(device), tuple(cond.to(device) for cond in self.sample.cond))
        sample = self.sample or Sample(inputs[0], inputs[1:])
        self._passing = True
        try:
            critic(sample.image, *sample.cond)
        finally:
            self._passing = False

    def _forget(self, critic: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        """Let go of the reference's statistics, and of the graph behind them."""
        if not self._passing:
            for norm in self.norms:
                norm.reference = None
