"""A normal distribution fitted to another one: by the least exact divergence, and by a game against a critic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor, nn
from torch.optim import Adam

from gantools.config import RunConfig, validate
from gantools.objectives import Objective, Sample
from gantools.objectives.grammar import build_objective
from gantools.randomness import StepRandom, derive_seed, seeded
from gantools_lab.distributions import Array, Distribution, Normal, Univariate
from gantools_lab.exact import f_divergence, integrate

START = Normal(-1.0, 1.0)
_STARTS = [(mean, math.log(std)) for mean in (-2.0, 0.0, 2.0) for std in (0.6, 2.0)]
_APART = 0.05  # in mean and in log std: two minima, not one found twice
_UNREACHABLE = 1e9
_CPU = torch.device("cpu")
_BATCH, _WIDTH = 512, 64
_LR_D, _LR_G = 2e-3, 1e-2
_WARM_UP = 300
_AVERAGED = 200


@dataclass(frozen=True)
class Fit:
    """A normal distribution q, and its D_f(p ‖ q)."""

    q: Normal
    value: float


def divergence(name: str, p: Distribution, q: Distribution) -> float:
    """Return the exact D_f(p ‖ q) of an f-GAN entry; infinite where it is, or where it is above 1e308."""
    found = f_divergence(name, {"pi": 0.5})
    assert found is not None  # noqa: S101
    try:
        return integrate(found, p, q)
    except OverflowError:
        return math.inf


def minima(name: str, p: Univariate) -> list[Fit]:
    """Return the normal distributions at which D_f(p ‖ q) has a local minimum, the least one first.

    They are found by BFGS over mean and log std, from 6 starts.
    """

    def value(at: Array) -> float:
        return min(divergence(name, p, _normal(at)), _UNREACHABLE)

    ends = sorted((minimize(value, start, method="BFGS") for start in _STARTS), key=_value)
    different: list[Array] = []
    for end in ends:
        if all(np.abs(end.x - other).max() > _APART for other in different):
            different.append(end.x)
    return [Fit(_normal(at), value(at)) for at in different]


def play(objective: str, p: Univariate, start: Normal = START, steps: int = 600, seed: int = 0) -> Normal:
    """Train the generator G(z) = m + s z against a critic between it and ``p``, and return N(m, s²).

    A 1-64-64-1 leaky-ReLU critic makes 300 updates before the generator's first and 2 before each further one, on 512
    fresh samples of each. Mean and log std are averaged over the last 200 steps.
    """
    built = build_objective(validate(RunConfig, {"objective": objective, "batch_size": _BATCH}))
    with seeded(derive_seed(seed, "fit"), _CPU):
        match = _Match(built, p, start, seed)
    updates = 0
    course = []
    for step in range(steps):
        for _ in range(2 if step else _WARM_UP):
            match.update_d(updates)
            updates += 1
        match.update_g(updates)
        course.append(match.generator.at.detach().double().numpy().copy())
    return _normal(np.mean(course[-_AVERAGED:], axis=0))


class _Generator(nn.Module):
    """G(z) = m + s z, its parameters being m and log s."""

    def __init__(self, start: Normal) -> None:
        super().__init__()
        self.at = nn.Parameter(torch.tensor([start.mean, math.log(start.std)]))

    def forward(self, z: Tensor) -> Tensor:
        return self.at[0] + self.at[1].exp() * z


class _Match:
    """A generator and a critic, and an update of each."""

    def __init__(self, objective: Objective, p: Univariate, start: Normal, seed: int) -> None:
        self.objective, self.p, self.seed = objective, p, seed
        self.generator = _Generator(start)
        hidden = [nn.Linear(1, _WIDTH), nn.LeakyReLU(0.2), nn.Linear(_WIDTH, _WIDTH), nn.LeakyReLU(0.2)]
        self.critic = nn.Sequential(*hidden, nn.Linear(_WIDTH, 1))
        self.d = Adam(self.critic.parameters(), _LR_D, betas=(0.5, 0.999), fused=True)
        self.g = Adam(self.generator.parameters(), _LR_G, betas=(0.5, 0.9))

    def update_d(self, update: int) -> None:
        real, rng = self._real("d", update)
        fake = Sample(self.generator(rng.normal(1)).detach())
        losses, _ = self.objective.d_losses(self.critic, real, [(fake, 1.0)], rng)
        _descend(self.d, losses["adv"])

    def update_g(self, update: int) -> None:
        real, rng = self._real("g", update)
        losses, _ = self.objective.g_losses(self.critic, Sample(self.generator(rng.normal(1))), real, rng)
        _descend(self.g, losses["adv"])

    def _real(self, player: str, update: int) -> tuple[Sample, StepRandom]:
        rng = StepRandom(
            self.seed, "fit", player, update, rows=slice(0, _BATCH), total=_BATCH, device=_CPU, update=update
        )
        return Sample(self.p.sample(rng)), rng


def _descend(optimizer: Adam, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def _normal(at: Array) -> Normal:
    return Normal(float(at[0]), math.exp(float(at[1])))


def _value(end: object) -> float:
    return float(end.fun)  # type: ignore[attr-defined]
