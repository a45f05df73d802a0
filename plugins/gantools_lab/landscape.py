"""What the objectives look like from where a generator stands: four figures, with the numbers behind them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.special import expit
from torch import Tensor

from gantools.config import RunConfig, validate
from gantools.objectives import Judged, Objective, Sample, Verdict
from gantools.objectives.grammar import build_objective
from gantools.plugins import manager
from gantools_lab.distributions import Array, Normal, Uniform, Univariate, parse_distribution
from gantools_lab.estimate import train_critic
from gantools_lab.exact import wasserstein
from gantools_lab.fit import START, divergence, minima, play
from gantools_lab.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, RED, SKY, dress, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _STD = 0.5, 0.25  # of the distributions that move apart
_TOP = 3.2
_BOUNDED = {
    "wasserstein": ("Wasserstein", BLACK),
    "squared_hellinger": ("squared Hellinger → 2", PURPLE),
    "total_variation": ("total variation → 1", GREEN),
    "jensen_shannon": ("Jensen-Shannon → log 2", BLUE),
}
_UNBOUNDED = {"kl": ("KL", RED), "pearson": ("χ²", ORANGE)}
_PULLS = {
    "minimax": ("minimax", RED),
    "nonsaturating": ("nonsaturating", BLUE),
    "wgan": ("wgan + gp-one-sided", GREEN),
}
_PULL_LABELS = ((3.95, 1e-6, "top"), (6, 14, "bottom"), (6, 0.3, "top"))
_CLOSE = 0.02
_MODES = "mixture:0.65*normal:-2,0.6+0.35*normal:2,0.6"
_FITS = {"f-kl": ("KL", RED), "f-reverse-kl": ("reverse KL", BLUE), "f-jensen-shannon": ("2 JS", GREEN)}


@dataclass(frozen=True)
class Drawn:
    """What a figure shows: its findings by name, and the curves in it; None stands for infinity."""

    findings: Mapping[str, Any]
    curves: Mapping[str, Any]


def divergences(path: Path) -> Drawn:
    """Draw how divergences move with the distance of two distributions that overlap ever less."""
    apart = np.linspace(0, 3, 121)
    shapes: dict[str, list[tuple[Univariate, Univariate]]] = {
        "uniform": [(Uniform(0, _WIDTH), Uniform(d, d + _WIDTH)) for d in apart],
        "normal": [(Normal(0, _STD), Normal(d, _STD)) for d in apart],
    }
    names = [*_BOUNDED, *_UNBOUNDED]
    values = {
        shape: {name: np.array([_between(name, p, q) for p, q in pairs]) for name in names}
        for shape, pairs in shapes.items()
    }
    figure, axes = panels(1, 2, width=4.8)
    left, right = axes[0]
    _plot_bounded(left, apart, values["uniform"])
    _plot_bounded(right, apart, values["normal"])
    left.annotate(
        "KL and χ²: infinite\nat any distance",
        (0, 3.15), (0.3, 2.6), color=RED, fontsize=8, arrowprops={"arrowstyle": "->", "color": RED},
    )  # fmt: skip
    for name, (label, colour) in _UNBOUNDED.items():
        curve = values["normal"][name]
        right.plot(apart, np.where(curve < 2 * _TOP, curve, np.nan), color=colour)
        right.text(apart[np.argmax(curve > 2.8)] + 0.03, 2.85, label, color=colour, fontsize=8)
    dress(left, "Uniforms: once they do not overlap, only Wasserstein\ntells far from near", "distance", "divergence")
    dress(right, "Normals: Jensen-Shannon and total variation go flat,\nKL and χ² explode", "distance", "divergence")
    save(figure, path)
    listed = {shape: {name: _plain(curve) for name, curve in curves.items()} for shape, curves in values.items()}
    findings = {f"{shape}s 3 apart": {name: curves[name][-1] for name in names} for shape, curves in listed.items()}
    return Drawn(findings, {"distance": _plain(apart), **listed})


def saturation(path: Path, steps: int = 1500) -> Drawn:
    """Draw what critics trained between two distant normals say, and the gradient that a generated sample gets."""
    p, q = Normal(0, 0.5), Normal(4, 0.5)
    sure = train_critic(_objective("minimax"), p, q, steps=steps)
    steady = train_critic(_objective("wgan", "gp-one-sided"), p, q, steps=steps)
    x = torch.linspace(-2, 6, 401)[:, None]
    at = x.flatten().double().numpy()
    with torch.no_grad():
        probability, scores = torch.sigmoid(sure(x)).numpy(), steady(x).numpy()
    critics = {name: steady if name == "wgan" else sure for name in _PULLS}
    pulls = {name: generator_pull(name, critic, x).numpy() for name, critic in critics.items()}
    mean = torch.full((1, 1), q.mean, dtype=torch.float32)
    found = {name: float(generator_pull(name, critic, mean)) for name, critic in critics.items()}
    figure, axes = panels(1, 2, width=4.8)
    left, right = axes[0]
    _fill(left, at, {"p, the data": p, "q, generated": q})
    left.plot(at, probability, color=RED, linewidth=1.8, label="σ(D), trained by minimax")
    left.plot(at, np.interp(scores, (scores.min(), scores.max()), (0, 1)), color=GREEN, label="wgan's D, scaled")
    left.set_ylim(-0.03, 1.4)
    left.legend(fontsize=8, ncols=2, loc="upper right")
    right.axvspan(q.mean - 2 * q.std, q.mean + 2 * q.std, alpha=0.2, color=ORANGE, linewidth=0)
    right.text(q.mean, 3e-11, "generated, ±2σ", ha="center", fontsize=8)
    for (name, (label, colour)), (x_label, y_label, align) in zip(_PULLS.items(), _PULL_LABELS, strict=True):
        right.semilogy(at, np.maximum(pulls[name], 1e-12), color=colour)
        right.text(x_label, y_label, f"{label}: {found[name]:.2g}", color=colour, ha="right", va=align, fontsize=8)
    right.set_ylim(1e-11, 1e3)
    dress(
        left,
        "A discriminator between distributions far apart is sure,\na Wasserstein critic keeps its slope",
        "x",
        "density; σ(D)",
    )
    dress(
        right,
        f"Minimax leaves generated samples without a gradient\n(numbers: at their mean, x = {q.mean:g})",
        "x",
        "|d loss / dx| of a generated sample",
    )
    save(figure, path)
    curves = {"x": _plain(at), "probability": _plain(probability), "wgan_score": _plain(scores)}
    return Drawn(
        {"gradient at the generated mean": found}, curves | {"gradients": {n: _plain(v) for n, v in pulls.items()}}
    )


def optimal(path: Path) -> Drawn:
    """Draw a trained discriminator beside p / (p + q), and the difference."""
    p, q = Normal(0, 1), Normal(1, 1)
    critic = train_critic(_objective("minimax"), p, q)
    x = np.linspace(-4, 5, 901)
    with torch.no_grad():
        trained = expit(critic(torch.from_numpy(x[:, None]).float()).double().numpy())
    best = expit(p.log_density(x) - q.log_density(x))
    low, high = p.mean - 2 * p.std, q.mean + 2 * q.std
    gap = float(np.abs(trained - best)[(x >= low) & (x <= high)].max())
    figure, axes = panels(1, 2, width=4.8)
    left, right = axes[0]
    _fill(left, x, {"p, the data": p, "q, generated": q})
    left.plot(x, best, color=BLACK, linewidth=4, alpha=0.35, label="p / (p + q)")
    left.plot(x, trained, color=RED, linewidth=1.5, label="σ(D), trained")
    left.legend(fontsize=8)
    right.axhspan(-_CLOSE, _CLOSE, color=SKY, alpha=0.2, label=f"±{_CLOSE:g}")
    right.axhline(0, color=BLACK, linewidth=0.8)
    right.plot(x, trained - best, color=RED, label="σ(D) - p / (p + q)")
    for end in (low, high):
        right.axvline(end, color=BLACK, linewidth=0.8, linestyle=":", label="means ± 2σ" if end == low else None)
    right.set_ylim(-2 * _CLOSE, 2 * _CLOSE)
    right.legend(fontsize=8, loc="upper right", ncols=3)
    dress(left, "The trained discriminator is p / (p + q)", "x", "density; σ(D)")
    dress(right, f"Between the means ± 2σ it is off by {gap:.4f} at most", "x", "difference")
    save(figure, path)
    return Drawn({"largest gap": gap}, {"x": _plain(x), "trained": _plain(trained), "best": _plain(best)})


def fit(path: Path) -> Drawn:
    """Draw the normals that are nearest to a mixture, each by another divergence, and those that games come to."""
    p = parse_distribution(_MODES)
    assert isinstance(p, Univariate)  # noqa: S101
    lowest = {name: minima(name, p) for name in _FITS}
    games = {name: play(f"{name}:generator=saddle", p) for name in _FITS}
    off = max(min(_distance(q, one.q) for one in lowest[name]) for name, q in games.items())
    figure, axes = panels(1, 2, width=4.8)
    left, right = axes[0]
    x = np.linspace(-6, 6, 481)
    for panel, fits in ((left, {name: found[0].q for name, found in lowest.items()}), (right, games)):
        panel.fill_between(x, np.exp(p.log_density(x)), alpha=0.35, color=SKY, linewidth=0, label="p, the data")
        _plot_fits(panel, x, fits)
        panel.set_ylim(0, 1.05)
    right.plot(x, np.exp(START.log_density(x)), color=BLACK, linewidth=0.9, linestyle=":", label="the start")
    dress(left, "The least exact divergence: KL covers both modes,\nreverse KL drops one", "x", "density")
    dress(
        right, f"The game, G(z) = m + s z against a critic:\nwithin {off:.2f} of a local minimum each", "x", "density"
    )
    for panel in (left, right):
        panel.legend(fontsize=8, loc="upper right")
    save(figure, path)
    exact = {
        name: [{"mean": one.q.mean, "std": one.q.std, "value": one.value} for one in found]
        for name, found in lowest.items()
    }
    ends = {name: {"mean": q.mean, "std": q.std, "value": divergence(name, p, q)} for name, q in games.items()}
    return Drawn({"least": {name: found[0] for name, found in exact.items()}, "game": ends}, {"local minima": exact})


def generator_pull(loss: str, critic: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return |d g_loss / dx| of single generated samples at the points x [N, 1], [N]."""
    x = x.clone().requires_grad_(True)
    scores = critic(x)
    built = manager().objectives.get(loss).load()()
    losses = [built.g_loss(Judged(Sample(x), Verdict(score)), None) for score in scores]
    (gradient,) = torch.autograd.grad(torch.stack(losses).sum(), x)
    return gradient.abs().flatten()


FIGURES: Mapping[str, Callable[[Path], Drawn]] = {
    "divergences": divergences,
    "saturation": saturation,
    "optimal": optimal,
    "fit": fit,
}


def _between(name: str, p: Univariate, q: Univariate) -> float:
    if name == "wasserstein":
        return wasserstein(p, q)
    value = divergence(f"f-{name.replace('_', '-')}", p, q)
    return value / 2 if name == "jensen_shannon" else value  # f-jensen-shannon is twice JS


def _plot_bounded(panel: Axes, apart: Array, values: Mapping[str, Array]) -> None:
    for name, (label, colour) in _BOUNDED.items():
        thick = name == "wasserstein"
        panel.plot(apart, values[name], color=colour, linewidth=2.4 if thick else 1.6)
        x, y = (2.5, 2.65) if thick else (3, values[name][-1] - 0.06)
        panel.text(x, y, label, color=colour, ha="right", va="top" if not thick else "center", fontsize=8)
    panel.set_ylim(0, _TOP)


def _fill(panel: Axes, x: Array, distributions: Mapping[str, Univariate]) -> None:
    for (name, distribution), colour in zip(distributions.items(), (BLUE, ORANGE), strict=True):
        panel.fill_between(x, np.exp(distribution.log_density(x)), alpha=0.25, color=colour, linewidth=0, label=name)


def _plot_fits(panel: Axes, x: Array, fits: Mapping[str, Normal]) -> None:
    for name, (label, colour) in _FITS.items():
        q = fits[name]
        dashes = (0, (4, 2)) if name == "f-jensen-shannon" else "-"  # it may lie on another
        words = f"{label}: N({q.mean:.2f}, {q.std:.2f}²)"
        panel.plot(x, np.exp(q.log_density(x)), color=colour, linestyle=dashes, label=words)


def _distance(one: Normal, other: Normal) -> float:
    return math.hypot(one.mean - other.mean, one.std - other.std)


def _objective(loss: str, *penalties: str) -> Objective:
    return build_objective(validate(RunConfig, {"objective": loss, "penalty": list(penalties), "batch_size": 1024}))


def _plain(values: Array) -> list[float | None]:
    """Return numbers for JSON, which has no infinity."""
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values.tolist()]
