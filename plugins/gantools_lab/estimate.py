"""An experiment: a critic is trained between two known distributions, and its value put beside the exact one.

The critic is driven through the objective layer exactly as in a training: what is measured is the code that trains.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.optim import Adam

from gantools.config import RunConfig, validate
from gantools.errors import GanToolsError
from gantools.objectives import Objective, Sample
from gantools.objectives.base import gradient_norms
from gantools.objectives.grammar import build_objective, find_recipe, parse
from gantools.randomness import StepRandom, derive_seed, seeded
from gantools_lab.distributions import Distribution, Univariate, parse_distribution
from gantools_lab.exact import exact_value

STEPS = 3000
Start = Literal["zero", "random"]
_CPU = torch.device("cpu")
_BATCH = 1024
_WIDTH = 64
_LR = 2e-3
_EMA = 0.99
_CHUNK, _CHUNKS = 20_000, 50  # 1,000,000 fresh samples of each distribution
_POINTS = 50_000  # that the gradient's norm is measured at
_LIPSCHITZ = 100  # weight of wgan's own penalty, in units of the distributions' spread
_DISCRIMINATORS = {"minimax", "nonsaturating", "f-gan"}


@dataclass(frozen=True)
class Estimate:
    """What a critic found, and what there is to find.

    ``estimate`` is minus the discriminator's loss, penalties left out, on samples the critic has not seen; ``exact``
    its supremum over all critics (W₁ for wgan), or None where that is infinite or not known, as ``exact_text`` says.
    ``details``: `std_error` of the estimate's sampling; `gradient_norm`, the critic's mean slope on points drawn
    uniformly between real and generated, and `per_gradient_norm`, the estimate divided by it (wgan);
    `jensen_shannon`, (estimate + log 4) / 2, and `largest_gap`, the largest |σ(D) - p / (p + q)| within 2 standard
    deviations of the means (minimax, nonsaturating, f-gan). ``parts`` names the penalties and constraints in force.
    """

    objective: str
    estimate: float
    exact: float | None
    exact_text: str
    seconds: float
    details: dict[str, float]
    parts: tuple[str, ...] = ()

    @property
    def absolute_error(self) -> float | None:
        """|estimate - exact|, or None without an exact value."""
        return None if self.exact is None else abs(self.estimate - self.exact)

    @property
    def relative_error(self) -> float | None:
        """The absolute error as a share of the exact value, or None where that is 0 or missing."""
        return None if not self.exact or self.absolute_error is None else self.absolute_error / abs(self.exact)

    def as_dict(self) -> dict[str, Any]:
        """Return what the JSON holds, by its keys."""
        return {
            "objective": self.objective,
            "estimate": self.estimate,
            "exact": self.exact,
            "exact_text": self.exact_text,
            "absolute_error": self.absolute_error,
            "relative_error": self.relative_error,
            "seconds": round(self.seconds, 3),
            "details": self.details,
        }


def estimate(
    objective: str,
    p: str | Distribution = "normal:0,1",
    q: str | Distribution = "normal:1,1",
    *,
    penalty: Sequence[str] = (),
    constraint: Sequence[str] = (),
    spectral_norm: bool = False,
    seed: int = 0,
    steps: int = STEPS,
    threads: int = 1,
    start: Start = "zero",
    progress: Callable[[int], None] | None = None,
) -> Estimate:
    """Train a critic between ``p``, the data, and ``q``, the generated, and measure what it found.

    A 1-64-64-1 leaky-ReLU critic (2-64-64-1 in the plane) sees 1,024 fresh samples of each a step, under Adam at 2e-3
    with cosine decay to 0; its averaged weights are measured on 1,000,000 fresh samples of each. Of a recipe, its loss,
    penalties and constraints count, not its optimizer. A bare `wgan` gets `default_penalty`. ``start`` is the critic
    before its first step: 0 everywhere, or "random" weights, as a training has it. ``progress`` is told the steps made.
    The same arguments give the same estimate. GanToolsError says what cannot be estimated.
    """
    p, q = (parse_distribution(d) if isinstance(d, str) else d for d in (p, q))
    if p.dim != q.dim:
        raise GanToolsError(
            "one distribution lies in the plane, the other on the real line",
            "give two lines, such as --p line:0 --q line:1, or none",
        )
    constraints = [*constraint, *(["spectral-norm"] if spectral_norm else [])]
    penalties = [*penalty, *default_penalty(objective, penalty, constraints, p, q)]
    settings = {"objective": objective, "penalty": penalties, "constraint": constraints, "batch_size": _BATCH}
    built = build_objective(validate(RunConfig, settings))
    _check(built)
    began = perf_counter()
    with _threads(threads), seeded(derive_seed(seed, "lab"), _CPU):
        trial = _Trial(built, p, q, seed, start)
        trial.train(steps, progress or (lambda step: None))
        value, details = trial.measure(_loss_name(objective))
    if not math.isfinite(value):
        raise GanToolsError(
            f"the critic of `{objective}` broke down: its value is not finite",
            "bring the distributions nearer to each other, or add --penalty gp-one-sided",
        )
    exact = exact_value(_loss_name(objective), dataclasses.asdict(built.loss), p, q)  # type: ignore[call-overload]
    parts = (*built.penalties, *built.constraints)
    return Estimate(objective, value, exact.value, exact.text, perf_counter() - began, details, parts)


def train_critic(
    objective: Objective, p: Distribution, q: Distribution, seed: int = 0, steps: int = STEPS
) -> nn.Module:
    """Train a critic as `estimate` does, on one thread, and return it, averaged: scores [N] for points [N, D]."""
    with _threads(1), seeded(derive_seed(seed, "lab"), _CPU):
        trial = _Trial(objective, p, q, seed, "zero")
        trial.train(steps, lambda step: None)
    return trial.critic.requires_grad_(False)


def default_penalty(
    objective: str, penalty: Sequence[str], constraint: Sequence[str], p: Distribution, q: Distribution
) -> list[str]:
    """Return the penalty added to a bare `wgan`, whose critic nothing else holds to a slope of 1: a one-sided one.

    It lets the critic turn, which the two-sided one can prevent. The best critic under a penalty of weight λ has a
    slope of about 1 + W/(2λ), and its value is too large by that share: hence a weight of 100 times the larger standard
    deviation of the two taken together, where trainings have 10.
    """
    name, _ = parse(objective)
    if name != "wgan" or penalty or constraint:
        return []
    pairs = zip(p.spread, q.spread, p.centre, q.centre, strict=True)
    spread = max(math.sqrt((a * a + b * b) / 2 + (m - n) ** 2 / 4) for a, b, m, n in pairs)
    return [f"gp-one-sided:weight={float(f'{_LIPSCHITZ * spread:.1g}'):g}"]


def _loss_name(objective: str) -> str:
    recipe = find_recipe(objective)
    return parse(recipe.loss if recipe else objective)[0]


def _check(objective: Objective) -> None:
    """Raise GanToolsError for what has no meaning between two distributions that stand still."""
    if objective.needs.critic == "autoencoder":
        raise GanToolsError(
            "the critic of ebgan is an auto-encoder, and a point on the line has nothing to encode",
            "take --objective hinge: its best value is a function of the total variation too",
        )
    for name, penalty in objective.penalties.items():
        if penalty.player == "g":
            raise GanToolsError(f"`{name}` is a term of the generator's loss, and here is no generator", "leave it out")
    for name, constraint in objective.constraints.items():
        if constraint.needs.min_batch > 1:
            raise GanToolsError(
                f"under `{name}` the critic tells batches apart, not points: its value says nothing of p and q",
                "leave it out",
            )


class _Critic(nn.Module):
    """Scores [N] for points [N, D], which it sees from ``centre``: a shift changes no slope."""

    centre: Tensor

    def __init__(self, centre: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("centre", torch.tensor(centre))
        self.body = nn.Sequential(
            nn.Linear(len(centre), _WIDTH), nn.LeakyReLU(0.2), nn.Linear(_WIDTH, _WIDTH), nn.LeakyReLU(0.2)
        )
        self.head = nn.Linear(_WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(self.body(x - self.centre))
        return scores.squeeze(1)


class _Trial:
    """One critic between two distributions."""

    def __init__(self, objective: Objective, p: Distribution, q: Distribution, seed: int, start: Start) -> None:
        self.objective, self.p, self.q, self.seed = objective, p, q, seed
        self.critic = _Critic([(m + n) / 2 for m, n in zip(p.centre, q.centre, strict=True)])
        self.networks = nn.ModuleDict({"critic": self.critic})
        objective.prepare(self.networks, "d")
        # A two-sided penalty drives the slope to 1 in whichever direction random weights happen to point.
        if start == "zero" and not parametrize.is_parametrized(self.critic.head):
            for parameter in self.critic.head.parameters():
                nn.init.zeros_(parameter)

    def train(self, steps: int, progress: Callable[[int], None]) -> None:
        """Train, and take the averaged weights."""
        parameters = list(self.critic.parameters())
        optimizer = Adam(parameters, _LR, fused=True)
        average = [parameter.detach().clone() for parameter in parameters]
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = _LR * (1 + math.cos(math.pi * step / steps)) / 2
            self._update(optimizer, step)
            weights = [parameter.detach() for parameter in parameters]
            torch._foreach_lerp_(average, weights, 1 - min(_EMA, (1 + step) / (10 + step)))
            progress(step + 1)
        with torch.no_grad():
            for parameter, averaged in zip(parameters, average, strict=True):
                parameter.copy_(averaged)
        for _ in range(15):
            self.objective.before_update(self.networks, "d")  # normalised weights get the norms of the average
        self.critic.eval()

    def measure(self, loss: str) -> tuple[float, dict[str, float]]:
        """Return the critic's value, and the details that suit a loss."""
        value, error = self._value()
        details = {"std_error": error}
        if loss == "wgan":
            norm = self._gradient_norm()
            details |= {"gradient_norm": norm} | ({"per_gradient_norm": value / norm} if norm else {})
        if loss in _DISCRIMINATORS and not getattr(self.objective.loss, "smoothing", 0):
            details["jensen_shannon"] = (value + math.log(4)) / 2
            if isinstance(self.p, Univariate) and isinstance(self.q, Univariate):
                details["largest_gap"] = self._largest_gap(self.p, self.q)
        return value, details

    def _update(self, optimizer: Adam, step: int) -> None:
        self.objective.before_update(self.networks, "d")
        real, fake, rng = self._draw("train", step, _BATCH)
        losses, _ = self.objective.d_losses(self.critic, real, [(fake, 1.0)], rng)
        losses |= self.objective.parameter_losses(self.networks, "d")
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        self.objective.after_update(self.networks, "d")

    @torch.inference_mode()
    def _value(self) -> tuple[float, float]:
        """Return the value on fresh samples, and its standard error."""
        bare = Objective(self.objective.loss)
        values = []
        for chunk in range(_CHUNKS):
            real, fake, rng = self._draw("value", chunk, _CHUNK)
            losses, _ = bare.d_losses(self.critic, real, [(fake, 1.0)], rng)
            values.append(-float(losses["adv"]))
        return math.fsum(values) / _CHUNKS, float(np.std(values, ddof=1)) / math.sqrt(_CHUNKS)

    def _gradient_norm(self) -> float:
        real, fake, rng = self._draw("slope", 0, _POINTS)
        points = torch.lerp(fake.image, real.image, rng.uniform(1)).requires_grad_(True)
        return float(gradient_norms(self.critic(points), points).mean().detach())

    def _largest_gap(self, p: Univariate, q: Univariate) -> float:
        ends = [d.mean + side * 2 * d.std for d in (p, q) for side in (-1, 1)]
        x = np.linspace(min(ends), max(ends), 2001)
        log_p, log_q = p.log_density(x), q.log_density(x)
        known = np.isfinite(log_p) | np.isfinite(log_q)
        with torch.inference_mode():
            scores = self.critic(torch.from_numpy(x[known, None]).float()).double().numpy()
        return float(np.abs(expit(scores) - expit(log_p[known] - log_q[known])).max())

    def _draw(self, what: str, number: int, count: int) -> tuple[Sample, Sample, StepRandom]:
        rng = StepRandom(self.seed, "lab", what, number, rows=slice(0, count), total=count, device=_CPU, update=number)
        return Sample(self.p.sample(rng)), Sample(self.q.sample(rng)), rng


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
