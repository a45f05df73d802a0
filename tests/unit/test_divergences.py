"""The f-GAN family against Nowozin et al. 2016: f, conjugates and activations of table 6, and what they estimate."""

import math
from collections.abc import Callable
from decimal import Decimal, localcontext
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import torch

from gantools.config import RunConfig
from gantools.objectives.divergences import CUTOFF, FDivergence
from gantools.objectives.grammar import build_objective
from gantools.objectives.special import expm1, half_tanh, log1mexp, wright_omega
from gantools.plugins import manager
from tests.unit.exact import WrittenOut, compare, judged, lambert_of_exp, mean, slope, softplus, tanh

# Numbers that float32 holds exactly.
SCORES = (-20.0, -13.625, -8.25, -3.75, -1.4375, -0.453125, -0.015625, 0.25, 0.90625, 2.625, 5.125, 11.875, 20.0)
BEYOND = (-100.0, -33.25, -20.25, 20.25, 25.0, 47.0, 100.0)
P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])  # in tenths, so that ten scores hold either


class Paper(NamedTuple):
    """f(u), f*(t) and the activation, with the sign that makes it rise; D_f(P ‖ Q) by its usual definition."""

    f: Callable
    conjugate: Callable
    activation: Callable
    divergence: Callable


def kl(p, q):
    return float(np.sum(p * np.log(p / q)))


def js(p, q, pi=0.5):
    m = pi * p + (1 - pi) * q
    return pi * kl(p, m) + (1 - pi) * kl(q, m)


def lambert_conjugate(t):
    w = lambert_of_exp(1 - t)
    return w + 1 / w + t - 2


def weighted(pi):
    """The paper's weighted Jensen-Shannon divergence."""
    return Paper(
        lambda u: pi * u * u.ln() - (1 - pi + pi * u) * (1 - pi + pi * u).ln(),
        lambda t: (1 - pi) * ((1 - pi) / (1 - pi * (t / pi).exp())).ln(),
        lambda v: -pi * pi.ln() - softplus(-v),
        lambda p, q: js(p, q, float(pi)),
    )


PAPER = {
    "f-total-variation": Paper(
        lambda u: abs(u - 1) / 2, lambda t: t, lambda v: tanh(v) / 2, lambda p, q: np.abs(p - q).sum() / 2
    ),
    "f-kl": Paper(lambda u: u * u.ln(), lambda t: (t - 1).exp(), lambda v: v, kl),
    "f-reverse-kl": Paper(lambda u: -u.ln(), lambda t: -1 - (-t).ln(), lambda v: -(-v).exp(), lambda p, q: kl(q, p)),
    "f-pearson": Paper(
        lambda u: (u - 1) ** 2, lambda t: t * t / 4 + t, lambda v: v, lambda p, q: ((p - q) ** 2 / q).sum()
    ),
    "f-neyman": Paper(
        lambda u: (1 - u) ** 2 / u,
        lambda t: 2 - 2 * (1 - t).sqrt(),
        lambda v: 1 - (-v).exp(),
        lambda p, q: ((p - q) ** 2 / p).sum(),
    ),
    "f-squared-hellinger": Paper(
        lambda u: (u.sqrt() - 1) ** 2,
        lambda t: t / (1 - t),
        lambda v: 1 - (-v).exp(),
        lambda p, q: ((np.sqrt(p) - np.sqrt(q)) ** 2).sum(),
    ),
    "f-jeffrey": Paper(lambda u: (u - 1) * u.ln(), lambert_conjugate, lambda v: v, lambda p, q: kl(p, q) + kl(q, p)),
    "f-jensen-shannon": Paper(
        lambda u: u * u.ln() - (u + 1) * ((u + 1) / 2).ln(),
        lambda t: -(2 - t.exp()).ln(),
        lambda v: Decimal(2).ln() - softplus(-v),
        lambda p, q: 2 * js(p, q),
    ),
    "f-weighted-jensen-shannon": weighted(Decimal("0.5")),
    "f-weighted-jensen-shannon:pi=0.3": weighted(Decimal("0.3")),
    "f-weighted-jensen-shannon:pi=0.01": weighted(Decimal("0.01")),
    "f-weighted-jensen-shannon:pi=0.98": weighted(Decimal("0.98")),
    "f-gan": Paper(
        lambda u: u * u.ln() - (u + 1) * (u + 1).ln(),
        lambda t: -(1 - t.exp()).ln(),
        lambda v: -softplus(-v),
        lambda p, q: 2 * js(p, q) - np.log(4),
    ),
}


# Where density ratios lead far out, the formulas hold for every score: v = 2 (u - 1) of Pearson's, log u + 1 - 1/u of
# Jeffrey's.
ENDS = {"f-pearson": (-math.inf, math.inf), "f-jeffrey": (-math.inf, CUTOFF)}


def loss_of(spec, **options):
    words = [spec.partition(":")[2], *(f"{key}={value}" for key, value in options.items())]
    return build_objective(RunConfig(objective=f"{spec.partition(':')[0]}:{','.join(filter(None, words))}")).loss


@cache
def terms_of(spec):
    """a(v) and f*(a(v)), going on along their tangents beyond the ends; each is worked out once a score."""
    paper = PAPER[spec]
    low, high = (Decimal(end) for end in ENDS.get(spec, (-CUTOFF, CUTOFF)))

    def continued(function):
        @cache
        def value(v):
            edge = max(low, min(high, v))
            return function(v) if v == edge else function(edge) + (v - edge) * slope(function, edge)

        return value

    return continued(paper.activation), continued(lambda v: paper.conjugate(paper.activation(v)))


def written_out(spec, generator):
    act, conj = terms_of(spec)
    chosen = {"saddle": conj, "nonsaturating": act}[generator]
    return WrittenOut(
        lambda real, fake, _: [-mean([act(v) for v in real]), mean([conj(v) for v in fake])],
        lambda real, fake, _: [-mean([chosen(v) for v in fake])],
    )


def test_the_whole_family_is_written_out():
    registered = [entry.name for entry in manager().objectives if entry.name.startswith("f-")]
    assert set(registered) == {spec.partition(":")[0] for spec in PAPER}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("scores", [SCORES, BEYOND], ids=["up to the cutoff", "beyond"])
@pytest.mark.parametrize("generator", ["saddle", "nonsaturating"])
@pytest.mark.parametrize("spec", PAPER)
def test_values_and_gradients_equal_the_papers_formulas(spec, generator, scores, dtype):
    compare(loss_of(spec, generator=generator), written_out(spec, generator), scores, dtype)


@pytest.mark.parametrize("spec", PAPER)
def test_no_score_gives_more_than_the_divergence(spec):
    """u a(v) - f*(a(v)) is at most f(u) for every v and for ratios u = p/q of 1/400 to 400."""
    loss, zero = loss_of(spec), torch.zeros(1, dtype=torch.float64)
    scores = torch.linspace(-100, 100, 401, dtype=torch.float64).split(1)
    activated = np.array([(loss.conjugated(zero) - loss.d_loss(judged(v), judged(zero))).item() for v in scores])
    conjugated = np.array([(loss.activated(zero) + loss.d_loss(judged(zero), judged(v))).item() for v in scores])
    f = in_floats(PAPER[spec].f)
    for u in np.logspace(-2.6, 2.6, 9):
        assert np.max(u * activated - conjugated) <= f(u) + 1e-7 * (1 + abs(f(u)))


def test_the_cutoff_is_the_one_of_the_docs():
    assert CUTOFF == 20


def in_floats(function):
    def value(x):
        with localcontext(prec=50):
            return float(function(Decimal(x)))

    return value


@pytest.mark.parametrize("spec", PAPER)
def test_conjugates_are_the_largest_u_t_minus_f_of_u(spec):
    loss, f = loss_of(spec), in_floats(PAPER[spec].f)
    for v in np.linspace(-1.9, 3, 8):  # of Pearson's χ², u is at 0 for v = -2
        point = torch.tensor(v)
        t = loss.activated(point).item()
        best = scipy.optimize.minimize_scalar(
            lambda log_u, t=t: f(np.exp(log_u)) - np.exp(log_u) * t,
            bounds=(-40, 8),
            method="bounded",
            options={"xatol": 1e-9},
        )
        assert loss.conjugated(point).item() == pytest.approx(-best.fun, rel=1e-7, abs=1e-7)


def best_scores(spec, loss):
    """The v where a(v) = f'(p / q), by bisection."""

    def score(u):
        with localcontext(prec=50):
            target = float(slope(PAPER[spec].f, Decimal(u)))
        low, high = -CUTOFF, CUTOFF
        for _ in range(70):
            middle = (low + high) / 2
            below = loss.activated(torch.tensor(middle, dtype=torch.float64)).item() < target
            low, high = (middle, high) if below else (low, middle)
        return middle

    return np.array([score(u) for u in P / Q])


@pytest.mark.parametrize("spec", PAPER)
def test_the_best_critic_reads_the_divergence_and_no_critic_more(spec):
    loss = loss_of(spec)

    def bound(scores):
        real, fake = (torch.tensor(np.repeat(scores, np.rint(10 * share).astype(int))) for share in (P, Q))
        return -loss.d_loss(judged(real), judged(fake)).item()

    exact, best = PAPER[spec].divergence(P, Q), best_scores(spec, loss)
    assert bound(best) == pytest.approx(exact, rel=1e-9)
    for noise in np.random.default_rng(0).normal(scale=0.3, size=(20, 3)):
        assert bound(best + noise) <= exact + 1e-12
    assert bound(np.zeros(3)) < exact
    assert PAPER[spec].divergence(Q, P) == pytest.approx(exact) or bound(-best) < exact


def test_wrights_omega_equals_scipys_and_is_lamberts_w_of_the_exponential():
    z = torch.cat([torch.linspace(-60, 60, 241), torch.tensor([1e-9, 1 - 1e-9, 1 + 1e-9, 500.0])]).double()
    np.testing.assert_allclose(wright_omega(z), scipy.special.wrightomega(z.numpy()), rtol=1e-13)
    np.testing.assert_allclose(wright_omega(z[:-1]), scipy.special.lambertw(z[:-1].exp().numpy()).real, rtol=1e-12)
    single = z.float()
    np.testing.assert_allclose(wright_omega(single), scipy.special.wrightomega(single.double().numpy()), rtol=1e-5)


@pytest.mark.parametrize("function", [wright_omega, expm1, half_tanh, log1mexp])
def test_special_functions_can_be_differentiated_twice(function):
    x = torch.tensor([-9.0, -1.0001, -0.9999, -0.6, -0.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, x)
    assert torch.autograd.gradgradcheck(function, x)


@pytest.mark.parametrize("spec", PAPER)
def test_activations_rise_and_so_do_conjugates(spec):
    v = torch.linspace(-100, 100, 401, dtype=torch.float64)
    loss = loss_of(spec)
    assert isinstance(loss, FDivergence)
    real, fake = (v.clone().requires_grad_() for _ in range(2))
    of_real, of_fake = torch.autograd.grad(loss.d_loss(judged(real), judged(fake)), [real, fake])
    assert (of_real < 0).all()
    parabola = spec == "f-pearson"  # the conjugate is one, and rises again below -2
    assert (of_fake[v >= -2 if parabola else v <= 100] >= 0).all()
    assert (of_fake[v > -2] > 0).all()
    for generator in ("saddle", "nonsaturating"):
        (of_g,) = torch.autograd.grad(loss_of(spec, generator=generator).g_loss(judged(fake), None), fake)
        assert (of_g[v > -2] < 0).all()
        assert generator == "saddle" or (of_g < 0).all()
