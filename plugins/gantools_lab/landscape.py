"""What the objectives look like from where a generator stands: four figures, with the numbers behind them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor

from gantools.config import RunConfig, validate
from gantools.objectives import Judged, Objective, Sample, Verdict
from gantools.objectives.grammar import build_objective
from gantools.plugins import manager
from gantools_lab.distributions import Array, Distribution, Mixture, Normal, Uniform, Univariate, parse_distribution
from gantools_lab.estimate import train_critic
from gantools_lab.exact import f_divergence, integrate, wasserstein
from gantools_lab.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY, dress, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    Numbers = dict[str, Any]

_WIDTH = 0.5  # of the uniform distributions that move apart
_DIVERGENCES = {
    "f-jensen-shannon": ("2 JS", BLUE),
    "f-total-variation": ("TV", GREEN),
    "f-squared-hellinger": ("squared Hellinger", PURPLE),
    "f-kl": ("KL (infinite without overlap)", RED),
}
_FITS = {"f-kl": RED, "f-reverse-kl": BLUE, "f-jensen-shannon": GREEN}


def divergences(path: Path) -> Numbers:
    """Draw how divergences move with the distance of two distributions, overlapping ever less, and then not at all."""
    apart = np.linspace(0, 3, 121)
    p = Uniform(0, _WIDTH)
    curves = {"wasserstein": [wasserstein(p, Uniform(d, d + _WIDTH)) for d in apart]}
    for name in _DIVERGENCES:
        curves[name] = [divergence(name, p, Uniform(d, d + _WIDTH)) for d in apart]
    normals = [(d, Normal(0, 0.25), Normal(d, 0.25)) for d in apart]
    smooth = {name: [divergence(name, a, b) for _, a, b in normals] for name in _DIVERGENCES}
    smooth["wasserstein"] = [wasserstein(a, b) for _, a, b in normals]
    figure, axes = panels(1, 2, width=4.8)
    for panel, values in zip(axes[0], (curves, smooth), strict=True):
        panel.plot(apart, values["wasserstein"], color=BLACK, linewidth=2, label="Wasserstein")
        for name, (label, colour) in _DIVERGENCES.items():
            panel.plot(apart, np.where(np.array(values[name]) < 4, values[name], np.nan), color=colour, label=label)
        panel.set_ylim(0, 3.2)
    dress(axes[0, 0], f"uniform, {_WIDTH} wide: without overlap only Wasserstein\ntells far from near", "distance")
    axes[0, 0].legend(fontsize=8, loc="lower right")
    dress(axes[0, 1], "normal, σ = 0.25: JS and TV are flat, KL explodes", "distance of the means", legend=False)
    save(figure, path)
    last = {name: values[-1] if math.isfinite(values[-1]) else None for name, values in curves.items()}
    return {"at_distance_3": last, "slope_of_wasserstein": (curves["wasserstein"][-1] - curves["wasserstein"][40]) / 2}


def saturation(path: Path, steps: int = 1500) -> Numbers:
    """Draw what critics trained between two distant normals say, and the gradient that a generated sample gets."""
    p, q = Normal(0, 0.5), Normal(4, 0.5)
    sure = train_critic(_objective("minimax"), p, q, steps=steps)
    steady = train_critic(_objective("wgan", "gp-one-sided"), p, q, steps=steps)
    x = torch.linspace(-2, 6, 401)[:, None]
    pulls = {
        "minimax": ("minimax", sure, RED),
        "nonsaturating": ("nonsaturating", sure, BLUE),
        "wgan": ("wgan + gp-one-sided", steady, GREEN),
    }
    figure, axes = panels(1, 2, width=4.8)
    left, right = axes[0]
    for name, distribution in (("data", p), ("generated", q)):
        left.fill_between(x[:, 0], np.exp(distribution.log_density(x[:, 0].double().numpy())), alpha=0.25, label=name)
    with torch.no_grad():
        left.plot(x, torch.sigmoid(sure(x)), color=RED, label="σ(D), trained by minimax")
        scores = steady(x)
        left.plot(x, (scores - scores.min()) / (scores.max() - scores.min()), color=GREEN, label="wgan's D, scaled")
    numbers = {}
    for name, (label, critic, colour) in pulls.items():
        strength = generator_pull(name, critic, x)
        right.semilogy(x, strength.clamp(min=1e-12), color=colour, label=label)
        numbers[name] = float(generator_pull(name, critic, torch.tensor([[4.0]])))
    right.axvspan(3, 5, alpha=0.12, color=ORANGE)
    dress(left, "a critic between distributions far apart is sure", "x", "density, score")
    dress(right, "minimax leaves generated samples without a gradient", "x", "|d loss / dx| of a generated sample")
    save(figure, path)
    return {"gradient_at_the_generated_mean": numbers}


def optimal(path: Path) -> Numbers:
    """Draw a trained discriminator beside p / (p + q)."""
    p, q = Normal(0, 1), Normal(1, 1)
    critic = train_critic(_objective("minimax"), p, q)
    x = np.linspace(-4, 5, 901)
    with torch.no_grad():
        trained = torch.sigmoid(critic(torch.from_numpy(x[:, None]).float())).numpy()
    best = expit(p.log_density(x) - q.log_density(x))
    inside = (x >= -2) & (x <= 3)
    gap = float(np.abs(trained - best)[inside].max())
    figure, axes = panels(1, 1, width=5.6)
    panel = axes[0, 0]
    panel.fill_between(x, np.exp(p.log_density(x)), alpha=0.25, label="p, the data")
    panel.fill_between(x, np.exp(q.log_density(x)), alpha=0.25, label="q, generated")
    panel.plot(x, best, color=BLACK, linewidth=3, alpha=0.5, label="p / (p + q)")
    panel.plot(x, trained, color=RED, linewidth=1.5, label="σ(D), trained")
    dress(panel, f"the trained discriminator is p / (p + q), within {gap:.3f} over ±2σ", "x")
    save(figure, path)
    return {"largest_gap": gap}


def fit(path: Path) -> Numbers:
    """Draw the normal distributions that come nearest to a mixture, each by another divergence."""
    p = parse_distribution("mixture:0.65*normal:-2,0.6+0.35*normal:2,0.6")
    assert isinstance(p, Mixture)  # noqa: S101
    x = np.linspace(-6, 6, 601)
    figure, axes = panels(1, 1, width=5.6)
    panel: Axes = axes[0, 0]
    panel.fill_between(x, np.exp(p.log_density(x)), alpha=0.3, color=SKY, label="p, the data: two modes")
    numbers = {}
    for name, colour in _FITS.items():
        best, value = fit_normal(name, p)
        dashes = (0, (4, 2)) if name == "f-jensen-shannon" else "-"  # it may lie on another
        panel.plot(
            x,
            np.exp(best.log_density(x)),
            color=colour,
            linestyle=dashes,
            label=f"{name}: N({best.mean:.2f}, {best.std:.2f}²)",
        )
        numbers[name] = {"mean": best.mean, "std": best.std, "value": value}
    dress(panel, "KL covers both modes, reverse KL drops one", "x", "density")
    save(figure, path)
    return numbers


def fit_normal(name: str, p: Univariate) -> tuple[Normal, float]:
    """Return the normal q with the smallest D_f(p ‖ q), of several minima the least, and that divergence."""

    def value(at: Array) -> float:
        found = divergence(name, p, Normal(float(at[0]), math.exp(float(at[1]))))
        return found if math.isfinite(found) else 1e9

    starts = [(mean, math.log(std)) for mean in (-2.0, 0.0, 2.0) for std in (0.6, 2.0)]
    best = min((minimize(value, start, method="Nelder-Mead", options={"xatol": 1e-4}) for start in starts), key=_value)
    return Normal(float(best.x[0]), math.exp(float(best.x[1]))), float(best.fun)


def divergence(name: str, p: Distribution, q: Distribution) -> float:
    """Return the exact D_f(p ‖ q) of an f-GAN entry; infinite where it is."""
    found = f_divergence(name, {"pi": 0.5})
    assert found is not None  # noqa: S101
    try:
        return integrate(found, p, q)
    except OverflowError:
        return math.inf


def generator_pull(loss: str, critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return |d g_loss / dx| of single generated samples at the points x [N, 1], [N]."""
    x = x.clone().requires_grad_(True)
    scores = critic(x)
    built = manager().objectives.get(loss).load()()
    losses = [built.g_loss(Judged(Sample(x), Verdict(score)), None) for score in scores]
    (gradient,) = torch.autograd.grad(torch.stack(losses).sum(), x)
    return gradient.abs().flatten()


FIGURES: Mapping[str, Callable[[Path], Numbers]] = {
    "divergences": divergences,
    "saturation": saturation,
    "optimal": optimal,
    "fit": fit,
}


def _objective(loss: str, *penalties: str) -> Objective:
    return build_objective(validate(RunConfig, {"objective": loss, "penalty": list(penalties), "batch_size": 1024}))


def _value(result: Any) -> float:
    return float(result.fun)
