"""The f-GAN family: variational lower bounds of f-divergences (Nowozin et al. 2016).

D_f(P ‖ Q) = ∫ q f(p / q), P the data, is at least E_P a(V(x)) - E_Q f*(a(V(G(z)))), where V is the critic's score, a an
activation onto the domain of the conjugate f*, and equality holds where a(V) = f'(p / q). The discriminator minimises
the negative of the bound. All activations rise, so a higher score always means more real.

Exponentials of scores go on along their tangents beyond |V| = `CUTOFF`, so that they stay finite in float32, and their
squares in Adam's averages. A tangent lies below f*, and would make the bound too large where density ratios lead beyond
it: for exponentials that takes a ratio of e^19, or of e^-10 for Neyman's χ². Where milder ones do, on the sides that a
divergence leaves out of its ``ends``, the formulas hold for every score.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import logsigmoid, relu, softplus

from gantools.objectives.base import Judged, Loss
from gantools.objectives.special import expm1, half_tanh, log1mexp, wright_omega

CUTOFF = 20.0
_PAPER = "Nowozin et al. 2016, f-GAN, eq. 4 and 6"


@dataclass(frozen=True)
class FDivergence(Loss):
    """An f-divergence: ``generator`` minimises the bound ("saddle") or -E a(V(G(z))) ("nonsaturating", section 3.2).

    Only the saddle point's loss descends the divergence of the entry's name. The alternative keeps its gradient where
    the critic is sure, and at the best critic descends another one: KL(Q ‖ P) for `f-kl`, KL(Q ‖ P) - 2 JS for `f-gan`
    and `f-jensen-shannon`, half of Neyman's χ² for `f-reverse-kl`.
    """

    generator: Annotated[
        Literal["saddle", "nonsaturating"],
        Field(description="descend the divergence; or minimise -E a(D(G(z))): stronger gradients, another divergence"),
    ] = "saddle"

    ends: ClassVar[tuple[float, float]] = (-CUTOFF, CUTOFF)
    f: ClassVar[str] = ""
    conjugate: ClassVar[str] = ""
    activation: ClassVar[str] = ""
    paper: ClassVar[str] = _PAPER
    formula_d: ClassVar[str] = "-E a(D(x)) + E f*(a(D(G(z))))"
    formula_g: ClassVar[str] = "-E f*(a(D(G(z)))), or with generator=nonsaturating: -E a(D(G(z)))"

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return the negative of the variational lower bound."""
        return _continued(self, "conjugated", fake.score).mean() - _continued(self, "activated", real.score).mean()

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the bound's term of generated samples, or the alternative that does not saturate."""
        form = "conjugated" if self.generator == "saddle" else "activated"
        return -_continued(self, form, fake.score).mean()

    @abstractmethod
    def activated(self, v: Tensor) -> Tensor:
        """Return a(v) for v between the ends."""

    @abstractmethod
    def conjugated(self, v: Tensor) -> Tensor:
        """Return f*(a(v)) for v between the ends."""


def _continued(divergence: FDivergence, form: str, v: Tensor) -> Tensor:
    """Return a(v) or f*(a(v)), along its tangents beyond the divergence's ends."""
    lowest, highest = divergence.ends
    over, under = relu(v - highest), relu(lowest - v)
    low, high = _end_slopes(divergence, form)
    result: Tensor = getattr(divergence, form)(v - over + under) + high * over - low * under
    return result


@cache
def _end_slopes(divergence: FDivergence, form: str) -> tuple[float, float]:
    """Return the slopes at the ends; that of an end at infinity is never used."""
    with torch.inference_mode(False), torch.enable_grad():
        ends = torch.tensor(divergence.ends, dtype=torch.float64).clamp(-CUTOFF, CUTOFF).requires_grad_(True)
        (slopes,) = torch.autograd.grad(getattr(divergence, form)(ends).sum(), ends)
    low, high = slopes.tolist()
    return low, high


@dataclass(frozen=True)
class TotalVariation(FDivergence):
    """Half the L1 distance of the densities."""

    f: ClassVar[str] = "1/2 |u - 1|"
    conjugate: ClassVar[str] = "t,  |t| ≤ 1/2"
    activation: ClassVar[str] = "1/2 tanh(v)"
    minimises: ClassVar[str] = "total variation: the largest difference of the probabilities of an event"
    use: ClassVar[str] = "to compare; its gradient vanishes where the critic is sure, for both generator losses"

    def activated(self, v: Tensor) -> Tensor:
        """Return tanh(v) / 2."""
        return half_tanh(v)

    def conjugated(self, v: Tensor) -> Tensor:
        """Return a(v): the conjugate is the identity."""
        return self.activated(v)


@dataclass(frozen=True)
class KullbackLeibler(FDivergence):
    """KL(P ‖ Q), infinite where the data has mass that the generator does not reach: it covers."""

    f: ClassVar[str] = "u log u"
    conjugate: ClassVar[str] = "exp(t - 1)"
    activation: ClassVar[str] = "v"
    minimises: ClassVar[str] = "KL(data ‖ generated): what maximum likelihood minimises; it covers modes"
    use: ClassVar[str] = "where missing a mode is worse than bad samples; exp makes it restless, lower --lr-d"

    def activated(self, v: Tensor) -> Tensor:
        """Return v."""
        return v

    def conjugated(self, v: Tensor) -> Tensor:
        """Return exp(v - 1)."""
        return torch.exp(v - 1)


@dataclass(frozen=True)
class ReverseKullbackLeibler(FDivergence):
    """KL(Q ‖ P), infinite where the generator leaves the data's support: it drops modes."""

    f: ClassVar[str] = "-log u"
    conjugate: ClassVar[str] = "-1 - log(-t),  t < 0"
    activation: ClassVar[str] = "-exp(-v)"
    minimises: ClassVar[str] = "KL(generated ‖ data): prefers good samples of few modes"
    use: ClassVar[str] = "where a bad sample is worse than a missing mode"

    def activated(self, v: Tensor) -> Tensor:
        """Return -exp(-v)."""
        return -torch.exp(-v)

    def conjugated(self, v: Tensor) -> Tensor:
        """Return -1 - log exp(-v) = v - 1."""
        return v - 1


@dataclass(frozen=True)
class Pearson(FDivergence):
    """Pearson's χ²(P, Q) = ∫ (p - q)² / q.

    The conjugate is the paper's, of f on all of ℝ: below v = -2, where no density ratio leads, it rises again.
    """

    ends: ClassVar[tuple[float, float]] = (-math.inf, math.inf)  # a ratio of 11 already leads to v = 20
    f: ClassVar[str] = "(u - 1)²"
    conjugate: ClassVar[str] = "t²/4 + t"
    activation: ClassVar[str] = "v"
    minimises: ClassVar[str] = "Pearson's χ², ∫ (p - q)² / q"
    use: ClassVar[str] = "a least-squares game by its divergence; lsgan-pearson is the related Mao et al. loss"

    def activated(self, v: Tensor) -> Tensor:
        """Return v."""
        return v

    def conjugated(self, v: Tensor) -> Tensor:
        """Return v²/4 + v."""
        return v.square() / 4 + v


@dataclass(frozen=True)
class Neyman(FDivergence):
    """Neyman's χ²: Pearson's with the roles of P and Q exchanged, ∫ (p - q)² / p."""

    f: ClassVar[str] = "(1 - u)² / u"
    conjugate: ClassVar[str] = "2 - 2 √(1 - t),  t < 1"
    activation: ClassVar[str] = "1 - exp(-v)"
    minimises: ClassVar[str] = "Neyman's χ², ∫ (p - q)² / p"
    use: ClassVar[str] = "to compare; it punishes samples off the data's support hard"

    def activated(self, v: Tensor) -> Tensor:
        """Return 1 - exp(-v)."""
        return -expm1(-v)

    def conjugated(self, v: Tensor) -> Tensor:
        """Return 2 - 2 exp(-v / 2)."""
        return -2 * expm1(-v / 2)


@dataclass(frozen=True)
class SquaredHellinger(FDivergence):
    """∫ (√p - √q)², without the half that some texts put in front."""

    f: ClassVar[str] = "(√u - 1)²"
    conjugate: ClassVar[str] = "t / (1 - t),  t < 1"
    activation: ClassVar[str] = "1 - exp(-v)"
    minimises: ClassVar[str] = "the squared Hellinger distance ∫ (√p - √q)², between 0 and 2"
    use: ClassVar[str] = "a bounded divergence that treats both directions alike"

    def activated(self, v: Tensor) -> Tensor:
        """Return 1 - exp(-v)."""
        return -expm1(-v)

    def conjugated(self, v: Tensor) -> Tensor:
        """Return (1 - exp(-v)) / exp(-v) = exp(v) - 1."""
        return expm1(v)


@dataclass(frozen=True)
class Jeffrey(FDivergence):
    """KL(P ‖ Q) + KL(Q ‖ P); the conjugate needs Lambert's W, W(exp(1 - t)) = ω(1 - t) with Wright's ω."""

    ends: ClassVar[tuple[float, float]] = (-math.inf, CUTOFF)  # a ratio of 1/18 leads to v = -20
    f: ClassVar[str] = "(u - 1) log u"
    conjugate: ClassVar[str] = "w + 1/w + t - 2,  w = W(exp(1 - t)) with Lambert's W"
    activation: ClassVar[str] = "v"
    minimises: ClassVar[str] = "KL in both directions, summed"
    use: ClassVar[str] = "to weigh missed modes and bad samples alike"

    def activated(self, v: Tensor) -> Tensor:
        """Return v."""
        return v

    def conjugated(self, v: Tensor) -> Tensor:
        """Return w + 1/w + v - 2, where w + log w = 1 - v."""
        w = wright_omega(1 - v)
        return w + 1 / w + v - 2


@dataclass(frozen=True)
class JensenShannon(FDivergence):
    """KL(P ‖ M) + KL(Q ‖ M) with M = (P + Q) / 2: twice the usual half-half divergence, as its f has it."""

    f: ClassVar[str] = "u log u - (u + 1) log((u + 1) / 2)"
    conjugate: ClassVar[str] = "-log(2 - exp(t)),  t < log 2"
    activation: ClassVar[str] = "log 2 - log(1 + exp(-v))"
    minimises: ClassVar[str] = "twice the Jensen-Shannon divergence"
    use: ClassVar[str] = "the game of f-gan, shifted to be 0 where the distributions agree"

    def activated(self, v: Tensor) -> Tensor:
        """Return log 2 + log σ(v)."""
        return math.log(2) + logsigmoid(v)

    def conjugated(self, v: Tensor) -> Tensor:
        """Return -log(2 - 2σ(v)) = softplus(v) - log 2."""
        return softplus(v) - math.log(2)


@dataclass(frozen=True)
class WeightedJensenShannon(FDivergence):
    """π KL(P ‖ M) + (1 - π) KL(Q ‖ M) with M = π P + (1 - π) Q."""

    pi: Annotated[float, Field(gt=0, lt=1, description="weight of the data in the mixture")] = 0.5

    f: ClassVar[str] = "π u log u - (1 - π + π u) log(1 - π + π u)"
    conjugate: ClassVar[str] = "(1 - π) log((1 - π) / (1 - π exp(t / π))),  t < -π log π"
    activation: ClassVar[str] = "-π log π - log(1 + exp(-v))"
    minimises: ClassVar[str] = "the Jensen-Shannon divergence from a mixture with weight π of the data"
    use: ClassVar[str] = "between KL (π near 0, covers) and reverse KL (π near 1, drops modes)"

    def activated(self, v: Tensor) -> Tensor:
        """Return -π log π + log σ(v)."""
        return -self.pi * math.log(self.pi) + logsigmoid(v)

    def conjugated(self, v: Tensor) -> Tensor:
        """Return (1 - π) (log(1 - π) - log(1 - σ(v)^(1/π)))."""
        return (1 - self.pi) * (math.log(1 - self.pi) - log1mexp(logsigmoid(v) / self.pi))


@dataclass(frozen=True)
class GAN(FDivergence):
    """The game of Goodfellow et al. 2014 as a member of the family: 2 JS - log 4."""

    f: ClassVar[str] = "u log u - (u + 1) log(u + 1)"
    conjugate: ClassVar[str] = "-log(1 - exp(t)),  t < 0"
    activation: ClassVar[str] = "-log(1 + exp(-v))"
    minimises: ClassVar[str] = "twice the Jensen-Shannon divergence, less log 4"
    use: ClassVar[str] = "minimax (generator=saddle) and nonsaturating, seen as an f-divergence"

    def activated(self, v: Tensor) -> Tensor:
        """Return log σ(v)."""
        return logsigmoid(v)

    def conjugated(self, v: Tensor) -> Tensor:
        """Return -log(1 - σ(v)) = softplus(v)."""
        return softplus(v)
