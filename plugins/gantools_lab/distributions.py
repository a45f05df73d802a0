"""Known distributions: what they are called on the command line, their densities, and samples from them."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import ndtr

from gantools.errors import GanToolsError
from gantools.registry import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from gantools.randomness import StepRandom

Array = NDArray[np.float64]
_PLUS = re.compile(r"\+(?=[^+*]*\*)")  # of a mixture, not of a number such as 1e+3
_WRITE = {
    "normal": "normal:0,1 (MEAN,STD)",
    "uniform": "uniform:0,1 (LOW,HIGH)",
    "mixture": "mixture:0.5*normal:-2,1+0.5*normal:2,1",
    "line": "line:1 (THETA)",
}


class Distribution(ABC):
    """Something to sample from, with points of ``dim`` coordinates."""

    dim: ClassVar[int] = 1

    @abstractmethod
    def sample(self, rng: StepRandom) -> Tensor:
        """Draw points, float32 [rows of rng, dim]."""

    @property
    @abstractmethod
    def centre(self) -> tuple[float, ...]:
        """The mean of each coordinate, [dim]."""

    @property
    @abstractmethod
    def spread(self) -> tuple[float, ...]:
        """The standard deviation of each coordinate, [dim]."""


@dataclass(frozen=True)
class Line(Distribution):
    """The points (θ, u) of the plane with u ~ U[0, 1] (Arjovsky et al. 2017, example 1)."""

    theta: float
    dim: ClassVar[int] = 2

    def sample(self, rng: StepRandom) -> Tensor:
        """Draw points, float32 [rows of rng, 2]."""
        height = rng.uniform(1)
        return torch.cat([torch.full_like(height, self.theta), height], 1)

    @property
    def centre(self) -> tuple[float, ...]:
        """(θ, 1/2)."""
        return self.theta, 0.5

    @property
    def spread(self) -> tuple[float, ...]:
        """(0, 1/√12)."""
        return 0.0, math.sqrt(1 / 12)


class Univariate(Distribution):
    """A distribution on the real line, with a density."""

    mean: float
    std: float

    @abstractmethod
    def log_density(self, x: Array) -> Array:
        """Return the logarithm of the density at each point; -inf where there is none."""

    @abstractmethod
    def cumulative(self, x: Array) -> Array:
        """Return the probability of lying below each point."""

    @property
    @abstractmethod
    def parts(self) -> tuple[Univariate, ...]:
        """The components of a mixture; of anything else, itself."""

    @property
    def edges(self) -> tuple[float, ...]:
        """Where the density jumps."""
        return ()

    @property
    def centre(self) -> tuple[float, ...]:
        """The mean."""
        return (self.mean,)

    @property
    def spread(self) -> tuple[float, ...]:
        """The standard deviation."""
        return (self.std,)


@dataclass(frozen=True)
class Normal(Univariate):
    """N(mean, std²)."""

    mean: float
    std: float

    def sample(self, rng: StepRandom) -> Tensor:
        """Draw points, float32 [rows of rng, 1]."""
        return self.mean + self.std * rng.normal(1)

    def log_density(self, x: Array) -> Array:
        """Return the logarithm of the density at each point."""
        return -0.5 * ((x - self.mean) / self.std) ** 2 - math.log(self.std * math.sqrt(2 * math.pi))

    def cumulative(self, x: Array) -> Array:
        """Return the probability of lying below each point."""
        return np.asarray(ndtr((x - self.mean) / self.std), float)

    @property
    def parts(self) -> tuple[Univariate, ...]:
        """Itself."""
        return (self,)


@dataclass(frozen=True)
class Uniform(Univariate):
    """U[low, high]."""

    low: float
    high: float

    def sample(self, rng: StepRandom) -> Tensor:
        """Draw points, float32 [rows of rng, 1]."""
        return self.low + (self.high - self.low) * rng.uniform(1)

    def log_density(self, x: Array) -> Array:
        """Return the logarithm of the density at each point; -inf outside."""
        inside = (x >= self.low) & (x <= self.high)
        return np.where(inside, -math.log(self.high - self.low), -np.inf)

    def cumulative(self, x: Array) -> Array:
        """Return the probability of lying below each point."""
        return np.clip((x - self.low) / (self.high - self.low), 0, 1)

    @property
    def parts(self) -> tuple[Univariate, ...]:
        """Itself."""
        return (self,)

    @property
    def edges(self) -> tuple[float, ...]:
        """Both ends."""
        return self.low, self.high

    @property
    def mean(self) -> float:  # type: ignore[override]
        """The middle."""
        return (self.low + self.high) / 2

    @property
    def std(self) -> float:  # type: ignore[override]
        """(high - low) / √12."""
        return (self.high - self.low) / math.sqrt(12)


@dataclass(frozen=True)
class Mixture(Univariate):
    """Each component with the probability that is its weight; the weights sum to 1."""

    weights: tuple[float, ...]
    components: tuple[Univariate, ...]

    def sample(self, rng: StepRandom) -> Tensor:
        """Draw points, float32 [rows of rng, 1]."""
        draw = rng.uniform(1)
        bounds = torch.tensor(self.weights, dtype=torch.float64).cumsum(0)[:-1].to(draw.dtype)
        points = torch.stack([component.sample(rng) for component in self.components])
        return points.gather(0, torch.bucketize(draw, bounds, right=True)[None])[0]

    def log_density(self, x: Array) -> Array:
        """Return the logarithm of the density at each point; -inf where there is none."""
        terms = zip(self.weights, self.components, strict=True)
        return np.asarray(np.logaddexp.reduce([math.log(w) + part.log_density(x) for w, part in terms]), float)

    def cumulative(self, x: Array) -> Array:
        """Return the probability of lying below each point."""
        terms = zip(self.weights, self.components, strict=True)
        return np.asarray(np.sum([w * part.cumulative(x) for w, part in terms], axis=0), float)

    @property
    def parts(self) -> tuple[Univariate, ...]:
        """The components."""
        return self.components

    @property
    def edges(self) -> tuple[float, ...]:
        """The ends of its uniform components."""
        return tuple(edge for part in self.components for edge in part.edges)

    @property
    def mean(self) -> float:  # type: ignore[override]
        """The weighted mean of the components' means."""
        return sum(w * part.mean for w, part in zip(self.weights, self.components, strict=True))

    @property
    def std(self) -> float:  # type: ignore[override]
        """The root of the variance within and between the components."""
        terms = zip(self.weights, self.components, strict=True)
        return math.sqrt(sum(w * (part.std**2 + (part.mean - self.mean) ** 2) for w, part in terms))


def parse_distribution(spec: str) -> Distribution:
    """Build a distribution from its SPEC; GanToolsError says what is wrong with it.

    ``normal:MEAN,STD``, ``uniform:LOW,HIGH``, ``mixture:WEIGHT*SPEC+WEIGHT*SPEC…`` of these two, ``line:THETA``.
    """
    kind, _, rest = spec.strip().partition(":")
    if kind not in _BUILDERS:
        raise GanToolsError(f"unknown distribution `{kind}` in `{spec}`", suggestion(kind, list(_BUILDERS)))
    return _BUILDERS[kind](spec, rest)


def _normal(spec: str, rest: str) -> Normal:
    mean, std = _numbers(spec, rest, 2)
    if std <= 0:
        raise GanToolsError(f"`{spec}` has no positive standard deviation: {std:g}", f"write {_WRITE['normal']}")
    return Normal(mean, std)


def _uniform(spec: str, rest: str) -> Uniform:
    low, high = _numbers(spec, rest, 2)
    if low >= high:
        hint = f"write uniform:{high:g},{low:g}" if low > high else f"write {_WRITE['uniform']}"
        raise GanToolsError(f"`{spec}` is empty: {low:g} is not below {high:g}", hint)
    return Uniform(low, high)


def _line(spec: str, rest: str) -> Line:
    return Line(*_numbers(spec, rest, 1))


def _mixture(spec: str, rest: str) -> Mixture:
    weights: list[float] = []
    components: list[Univariate] = []
    for term in _PLUS.split(rest):
        weight, star, inner = term.partition("*")
        if not star:
            raise GanToolsError(f"`{term}` in `{spec}` is not WEIGHT*SPEC", f"write for example {_WRITE['mixture']}")
        component = parse_distribution(inner)
        if not isinstance(component, Normal | Uniform):
            raise GanToolsError(f"`{inner.strip()}` cannot be part of a mixture", "mix normal and uniform ones")
        weights += _numbers(spec, weight, 1)
        components.append(component)
    total = math.fsum(weights)
    if min(weights) <= 0:
        raise GanToolsError(f"`{spec}` has a weight of {min(weights):g}", "give weights above 0 that sum to 1")
    if abs(total - 1) > 1e-6:
        scaled = ", ".join(f"{weight / total:.6g}" for weight in weights)
        raise GanToolsError(f"the weights of `{spec}` sum to {total:g}, not to 1", f"write {scaled}")
    return Mixture(tuple(weight / total for weight in weights), tuple(components))


def _numbers(spec: str, text: str, count: int) -> list[float]:
    """Return the ``count`` finite numbers of ``text``, which are separated by commas."""
    kind = spec.strip().partition(":")[0]
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        what = "a number" if count == 1 else f"{count} numbers, with a comma between"
        raise GanToolsError(f"`{text.strip()}` in `{spec}` is not {what}", f"write for example {_WRITE[kind]}")
    return numbers


_BUILDERS: dict[str, Callable[[str, str], Distribution]] = {
    "normal": _normal,
    "uniform": _uniform,
    "mixture": _mixture,
    "line": _line,
}
