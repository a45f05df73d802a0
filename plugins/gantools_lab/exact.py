"""Exact values of what objectives minimise, by numerical integration of the densities.

Nothing here is taken from the objective layer: each f is written out anew, in numpy and float64, so that an estimate
beside its exact value is proof. D_f(p ‖ q) = ∫ q f(p / q) over the points where both have a density, plus f(0) for
each unit of q's mass where p has none, plus f'(∞) for each unit of p's mass where q has none (Csiszár 1967).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gantools_lab.distributions import Array, Distribution, Line, Univariate

Options = Mapping[str, Any]
_LOG2 = math.log(2)
_PANELS = 32  # of 16 points each: a kink within a panel costs less than 1e-6
_REACH = 21  # 2^20 standard deviations
_VANISHED = 1e-30
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Exact:
    """An exact value, or None where it is infinite or not known, and what it is in words."""

    value: float | None
    text: str


@dataclass(frozen=True)
class FDivergence:
    """An f-divergence: its name in words, q f(p / q), f(0) and f'(∞).

    ``density`` is a function of log p and log q, so that neither has to be above 0 in floating point.
    """

    words: str
    density: Callable[[Array, Array], Array]
    at_zero: float
    slope: float


def exact_value(loss: str, options: Options, p: Distribution, q: Distribution) -> Exact:
    """Return the supremum over all critics of minus the discriminator's ``loss``, p the data and q the generated.

    ``loss`` is its name in the grammar and ``options`` are its options by name (``pi``, ``a``, ``b``, ``smoothing``).
    For `wgan`, whose critic has to be 1-Lipschitz, it is W₁(p, q). Accurate to about 1e-6.
    """
    if loss == "wgan":
        return _in_words("W₁(p, q)", wasserstein(p, q))
    divergence = f_divergence(loss, options)
    if divergence is None:
        return Exact(None, "no closed form is known")
    try:
        return _in_words(divergence.words, integrate(divergence, p, q))
    except OverflowError:
        return Exact(None, f"{divergence.words} is finite, but above 1e308")


def integrate(divergence: FDivergence, p: Distribution, q: Distribution) -> float:
    """Return D_f(p ‖ q), which may be infinite; one that is finite and too large for a float raises OverflowError."""
    if isinstance(p, Univariate) and isinstance(q, Univariate):
        return _integrate(divergence, p, q)
    if p == q:
        one = np.zeros(1)
        return float(divergence.density(one, one)[0])
    return divergence.at_zero + divergence.slope  # lines apart share no point


def wasserstein(p: Distribution, q: Distribution) -> float:
    """Return W₁(p, q): ∫ |F_p - F_q| on the real line, |θ_p - θ_q| between parallel lines."""
    if isinstance(p, Line) and isinstance(q, Line):
        return abs(p.theta - q.theta)
    assert isinstance(p, Univariate)  # noqa: S101
    assert isinstance(q, Univariate)  # noqa: S101
    breaks = _breaks(p, q)
    x, weights = _nodes(breaks, np.ones(len(breaks) - 1, bool))
    return float((weights * np.abs(p.cumulative(x) - q.cumulative(x))).sum())


def f_divergence(loss: str, options: Options) -> FDivergence | None:
    """Return the f-divergence that a loss bounds from below, or None if it has none."""
    if loss in _FIXED:
        return _FIXED[loss]
    if loss in {"minimax", "nonsaturating"}:
        return _cross_entropy(options.get("smoothing", 0.0))
    if loss in {"lsgan", "lsgan-pearson"}:
        return _least_squares(options["a"], options["b"])
    return _weighted_jensen_shannon(options["pi"]) if loss == "f-weighted-jensen-shannon" else None


def _least_squares(a: float, b: float) -> FDivergence:
    """At each point min_D p (D - b)²/2 + q (D - a)²/2 is (b - a)²/2 · pq / (p + q), at D = (bp + aq) / (p + q)."""
    half = 0.5 * (b - a) ** 2
    return FDivergence(
        f"-{half:g} ∫ pq / (p + q)", lambda lp, lq: -half * np.exp(lp + lq - np.logaddexp(lp, lq)), 0.0, 0.0
    )


def _cross_entropy(smoothing: float) -> FDivergence:
    """At each point max_σ of (1 - s) p log σ + (s p + q) log(1 - σ), at σ = (1 - s) p / (p + q)."""
    if not smoothing:
        return FDivergence("2 JS(p, q) - log 4", lambda lp, lq: _jensen_shannon(lp, lq, 0.0), 0.0, 0.0)
    s = smoothing

    def density(lp: Array, lq: Array) -> Array:
        total = np.logaddexp(lp, lq)
        missed = np.logaddexp(math.log(s) + lp, lq)
        value: Array = (1 - s) * np.exp(lp) * (math.log1p(-s) + lp - total) + np.exp(missed) * (missed - total)
        return value

    words = f"the best value at labels {1 - s:g} and 0"
    return FDivergence(words, density, 0.0, s * math.log(s) + (1 - s) * math.log1p(-s))


def _weighted_jensen_shannon(pi: float) -> FDivergence:
    """f(u) = π u log u - (1 - π + π u) log(1 - π + π u)."""

    def density(lp: Array, lq: Array) -> Array:
        mixed = np.logaddexp(math.log(pi) + lp, math.log1p(-pi) + lq)
        return pi * np.exp(lp) * (lp - mixed) + (1 - pi) * np.exp(lq) * (lq - mixed)

    return FDivergence(f"JS(p, q) at π = {pi:g}", density, -(1 - pi) * math.log1p(-pi), -pi * math.log(pi))


def _jensen_shannon(lp: Array, lq: Array, shift: float) -> Array:
    """Return q f(p / q) for f(u) = u log u - (u + 1) log(u + 1) + (u + 1) · shift."""
    total = np.logaddexp(lp, lq)
    return np.exp(lp) * (lp - total + shift) + np.exp(lq) * (lq - total + shift)


_FIXED = {
    "f-total-variation": FDivergence(
        "TV(p, q)", lambda lp, lq: 0.5 * np.abs(np.exp(lp) - np.exp(lq)), 0.5, 0.5
    ),  # |u - 1| / 2
    "f-kl": FDivergence("KL(p ‖ q)", lambda lp, lq: np.exp(lp) * (lp - lq), 0.0, math.inf),  # u log u
    "f-reverse-kl": FDivergence("KL(q ‖ p)", lambda lp, lq: np.exp(lq) * (lq - lp), math.inf, 0.0),  # -log u
    "f-pearson": FDivergence(
        "∫ (p - q)² / q", lambda lp, lq: np.exp(2 * lp - lq) - 2 * np.exp(lp) + np.exp(lq), 1.0, math.inf
    ),  # (u - 1)²
    "f-neyman": FDivergence(
        "∫ (p - q)² / p", lambda lp, lq: np.exp(2 * lq - lp) - 2 * np.exp(lq) + np.exp(lp), math.inf, 1.0
    ),  # (1 - u)² / u
    "f-squared-hellinger": FDivergence(
        "∫ (√p - √q)²", lambda lp, lq: (np.exp(lp / 2) - np.exp(lq / 2)) ** 2, 1.0, 1.0
    ),  # (√u - 1)²
    "f-jeffrey": FDivergence(
        "KL(p ‖ q) + KL(q ‖ p)", lambda lp, lq: (np.exp(lp) - np.exp(lq)) * (lp - lq), math.inf, math.inf
    ),  # (u - 1) log u
    "f-jensen-shannon": FDivergence(
        "2 JS(p, q)", lambda lp, lq: _jensen_shannon(lp, lq, _LOG2), _LOG2, _LOG2
    ),  # u log u - (u + 1) log((u + 1) / 2)
    "f-gan": FDivergence("2 JS(p, q) - log 4", lambda lp, lq: _jensen_shannon(lp, lq, 0.0), 0.0, 0.0),
    # At each point min_D p max(0, 1 - D) + q max(0, 1 + D) is 2 min(p, q), at D = ±1.
    "hinge": FDivergence("2 TV(p, q) - 2", lambda lp, lq: -2 * np.exp(np.minimum(lp, lq)), 0.0, 0.0),
}


def _integrate(divergence: FDivergence, p: Univariate, q: Univariate) -> float:
    """Integrate piece by piece: throughout a piece a distribution has a density, or it has none."""
    breaks = _breaks(p, q)
    middles = (breaks[1:] + breaks[:-1]) / 2
    has_p, has_q = (np.isfinite(d.log_density(middles)) for d in (p, q))
    apart = _cost(q, breaks, has_q & ~has_p, divergence.at_zero) + _cost(p, breaks, has_p & ~has_q, divergence.slope)
    both = has_p & has_q
    if math.isinf(apart) or not both.any():
        return apart
    x, weights = _nodes(breaks, both)
    with np.errstate(over="ignore"):
        values = divergence.density(p.log_density(x), q.log_density(x))
    if max(abs(values[0]) if both[0] else 0, abs(values[-1]) if both[-1] else 0) > _VANISHED:
        return math.inf
    total = float((weights * values).sum())
    if math.isinf(total):
        raise OverflowError
    return apart + total


def _cost(d: Univariate, breaks: Array, where: NDArray[np.bool_], price: float) -> float:
    """Return the mass of ``d`` on the pieces chosen, times its price; nothing costs nothing, at any price."""
    mass = float(np.diff(d.cumulative(breaks))[where].sum())
    return price * mass if mass > 0 else 0.0


def _breaks(p: Univariate, q: Univariate) -> Array:
    """Return the ends of the pieces: where densities jump, and finer the nearer to the middle of a component.

    They reach so far that whatever has not vanished there, has an infinite integral.
    """
    steps = 2.0 ** np.arange(-3, _REACH)
    parts = [part for d in (p, q) for part in d.parts]
    around = [part.mean + part.std * np.concatenate([-steps, [0.0], steps]) for part in parts]
    return np.unique(np.concatenate([*around, [*p.edges, *q.edges]]))


def _nodes(breaks: Array, chosen: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return points and weights of Gauss and Legendre's quadrature on the pieces chosen, each cut into panels."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    low, width = breaks[:-1][chosen, None], np.diff(breaks)[chosen, None] / _PANELS
    starts = (low + width * np.arange(_PANELS)).ravel()
    widths = np.repeat(width.ravel(), _PANELS)
    x = starts[:, None] + widths[:, None] * (nodes + 1) / 2
    return x.ravel(), (widths[:, None] * weights / 2).ravel()


def _in_words(what: str, value: float) -> Exact:
    if math.isinf(value):
        return Exact(None, f"{what} is infinite")
    value = 0.0 if abs(value) < _ROUNDING else value
    return Exact(value, f"{what} = {value:.4f}")
