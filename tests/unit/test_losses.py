"""Losses against their formulas written out in 50 digits; the f-GAN family is in test_divergences.py."""

from decimal import Decimal

import pytest
import torch

from gantools.config import RunConfig
from gantools.objectives import Sample
from gantools.objectives.grammar import build_objective
from gantools.objectives.losses import LossSensitive
from gantools.plugins import manager
from tests.unit.exact import WrittenOut, compare, judged, mean, softplus

LOSSES = [entry.name for entry in manager().objectives if entry.kind == "loss"]
SADDLE = [f"{name}:generator=saddle" for name in LOSSES if name.startswith("f-")]

# Numbers that float32 holds exactly, none of them where a hinge or margin below has its corner.
SCORES = (-20.0, -13.625, -8.25, -3.75, -1.4375, -0.453125, -0.015625, 0.25, 0.90625, 2.625, 5.125, 11.875, 20.0)


def plus(x):
    return max(x, 0 * x)


def each(term, *values):
    """The mean of a term over scores, or over several numbers of each sample."""
    return mean([term(*xs) for xs in zip(*values, strict=True)])


def simple(d_real, d_fake, g_fake):
    """A loss of one term for D on real, D on generated and G on generated scores each."""
    return WrittenOut(
        lambda real, fake, _: [each(d_real, real), each(d_fake, fake)], lambda real, fake, _: [each(g_fake, fake)]
    )


def cross_entropy(label):
    """-label log σ(s) - (1 - label) log(1 - σ(s)), with -log σ(s) = log(1 + exp(-s))."""
    return lambda s: label * softplus(-s) + (1 - label) * softplus(s)


def least_squares(a, b, c):
    return simple(lambda s: (s - b) ** 2 / 2, lambda s: (s - a) ** 2 / 2, lambda s: (s - c) ** 2 / 2)


def relativistic(label):
    """Both players judge each score relative to the mean of the other kind."""

    def relative(real, fake):
        return [r - mean(fake) for r in real], [f - mean(real) for f in fake]

    def d(real, fake, _):
        above, below = relative(real, fake)
        return [each(cross_entropy(label), above), each(cross_entropy(0), below)]

    def g(real, fake, _):
        above, below = relative(real, fake)
        return [each(cross_entropy(0), above), each(cross_entropy(1), below)]

    return WrittenOut(d, g)


def energy_based(margin):
    """Energies are En = -D."""
    return simple(lambda s: -s, lambda s: plus(margin - -s), lambda s: -s)


def loss_sensitive(weight, margin):
    """The loss of a sample is L = -log σ(D); each generated sample is held against the real one beside it."""

    def d(real, fake, away):
        short = each(lambda r, f, x: plus(margin * x + softplus(-r) - softplus(-f)), real, fake, away)
        return [each(lambda r: softplus(-r), real), weight * short]

    return WrittenOut(d, lambda real, fake, _: [each(lambda f: softplus(-f), fake)])


TENTH = Decimal("0.1")  # what the option 0.1 is as a float
WRITTEN_OUT = {
    "minimax": simple(cross_entropy(1), cross_entropy(0), lambda s: -softplus(s)),
    "minimax:smoothing=0.1": simple(cross_entropy(1 - TENTH), cross_entropy(0), lambda s: -softplus(s)),
    "nonsaturating": simple(cross_entropy(1), cross_entropy(0), cross_entropy(1)),
    "nonsaturating:smoothing=0.1": simple(cross_entropy(1 - TENTH), cross_entropy(0), cross_entropy(1)),
    "lsgan": least_squares(0, 1, 1),
    "lsgan:b=0.9": least_squares(0, Decimal("0.9"), 1),
    "lsgan-pearson": least_squares(-1, 1, 0),
    "hinge": simple(lambda s: plus(1 - s), lambda s: plus(1 + s), lambda s: -s),
    "wgan": simple(lambda s: -s, lambda s: s, lambda s: -s),
    "relativistic-average": relativistic(1),
    "relativistic-average:smoothing=0.1": relativistic(1 - TENTH),
    "ebgan": energy_based(1),
    "ebgan:margin=2.75": energy_based(Decimal("2.75")),
    "loss-sensitive": loss_sensitive(1, 1),
    "loss-sensitive:weight=0.5,margin=3": loss_sensitive(Decimal("0.5"), 3),
}


def loss_of(spec):
    return build_objective(RunConfig(objective=spec)).loss


def test_every_loss_is_written_out_here_or_with_the_divergences():
    here = {spec.partition(":")[0] for spec in WRITTEN_OUT}
    assert here == {name for name in LOSSES if not name.startswith("f-")}


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("spec", WRITTEN_OUT)
def test_values_and_gradients_equal_the_formulas(spec, dtype):
    compare(loss_of(spec), WRITTEN_OUT[spec], SCORES, dtype)


@pytest.mark.parametrize("score", [-100.0, 100.0])
@pytest.mark.parametrize("spec", LOSSES + SADDLE)
def test_extreme_scores_give_finite_losses_and_gradients(spec, score):
    loss = loss_of(spec)
    real, fake = (torch.full((2, 1, 3, 3), s, requires_grad=True) for s in (score, -score))
    of_real, of_fake = judged(real), judged(fake)
    total = loss.d_loss(of_real, of_fake) + loss.g_loss(of_fake, of_real)
    gradients = torch.autograd.grad(total, [real, fake])
    assert all(value.isfinite().all() for value in (total, *gradients))
    assert (torch.cat(gradients).square() < 1e30).all()  # Adam's squares are finite too


# Between its targets a loss has a slope: between 0 and 1 all have, lsgan-pearson's generator aims at 0.
SCORES_BETWEEN = {"lsgan": [(0.3, 0.6, 0.5)], "lsgan-pearson": [(-0.6, -0.3, -0.5)]}
BELOW_AND_ABOVE_0 = [(0.3, 0.6, 0.5), (-0.6, -0.3, -0.5), (-0.9, 0.9, 0.1)]


@pytest.mark.parametrize("spec", LOSSES + SADDLE)
def test_a_higher_score_means_more_real_in_every_registered_loss(spec):
    loss = loss_of(spec)
    for scores in SCORES_BETWEEN.get(spec, BELOW_AND_ABOVE_0):
        low, high, other = (judged(torch.full((2, 1), score)) for score in scores)
        assert loss.d_loss(high, other) < loss.d_loss(low, other)
        assert loss.d_loss(other, low) < loss.d_loss(other, high)
        assert loss.g_loss(high, other) < loss.g_loss(low, other)


@pytest.mark.parametrize("name", LOSSES)
def test_a_map_of_scores_counts_score_by_score(name):
    loss, scores = loss_of(name), torch.randn(2, 3, 1, 2, 2)
    maps = [judged(score, distances) for score, distances in zip(scores, [None, [0.1, 0.2, 0.3]], strict=True)]
    flat = [
        judged(score.flatten(), distances)
        for score, distances in zip(scores, [None, [x for x in (0.1, 0.2, 0.3) for _ in range(4)]], strict=True)
    ]
    torch.testing.assert_close(loss.d_loss(*maps), loss.d_loss(*flat))
    torch.testing.assert_close(loss.g_loss(*maps[::-1]), loss.g_loss(*flat[::-1]))


def test_the_margin_of_loss_sensitive_teaches_the_critic_alone():
    real, fake = (torch.randn(2, 3, 4, 4, requires_grad=True) for _ in range(2))
    scores = torch.zeros(2, requires_grad=True)
    loss = LossSensitive().d_loss(judged(scores)._replace(sample=Sample(real)), judged(-scores, [1.0, 2.0]))
    loss = loss + LossSensitive().d_loss(judged(scores), judged(-scores)._replace(sample=Sample(fake)))
    loss.backward()
    assert real.grad is None
    assert fake.grad is None
