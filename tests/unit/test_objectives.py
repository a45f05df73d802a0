"""Losses against their formulas written out in float64, and what Objective does around them."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from gantools.networks import PatchGAN
from gantools.objectives import Judged, Loss, Needs, Objective, Sample, Verdict
from gantools.objectives.augment import DiffAugment
from gantools.objectives.losses import Hinge, LeastSquares, Minimax, NonSaturating, Wasserstein
from gantools.objectives.penalties import R1
from gantools.plugins import manager

GRID = torch.linspace(-20, 20, 82, dtype=torch.float64)  # an even number of points: none on a corner of the hinge


def sigmoid(s):
    return 1 / (1 + math.exp(-s))


def minus_log_sigmoid(s):
    return math.log1p(math.exp(-s))


# For each loss, the paper's term and its derivative for one score: D on real, D on generated, G on generated.
# 1 - σ(s) is written as σ(-s), which loses no digits.
MINIMAX_D = (minus_log_sigmoid, lambda s: -sigmoid(-s)), (lambda s: minus_log_sigmoid(-s), sigmoid)
WRITTEN_OUT = {
    "minimax": (Minimax(), *MINIMAX_D, (lambda s: -minus_log_sigmoid(-s), lambda s: -sigmoid(s))),
    "nonsaturating": (NonSaturating(), *MINIMAX_D, (minus_log_sigmoid, lambda s: -sigmoid(-s))),
    "lsgan": (
        LeastSquares(),
        (lambda s: (s - 1) ** 2 / 2, lambda s: s - 1),
        (lambda s: s**2 / 2, lambda s: s),
        (lambda s: (s - 1) ** 2 / 2, lambda s: s - 1),
    ),
    "lsgan with the targets of Mao et al., eq. 8": (
        LeastSquares(a=-1, b=1, c=0),
        (lambda s: (s - 1) ** 2 / 2, lambda s: s - 1),
        (lambda s: (s + 1) ** 2 / 2, lambda s: s + 1),
        (lambda s: s**2 / 2, lambda s: s),
    ),
    "hinge": (
        Hinge(),
        (lambda s: max(0.0, 1 - s), lambda s: -1.0 if s < 1 else 0.0),
        (lambda s: max(0.0, 1 + s), lambda s: 1.0 if s > -1 else 0.0),
        (lambda s: -s, lambda s: -1.0),
    ),
    "wgan": (
        Wasserstein(),
        (lambda s: -s, lambda s: -1.0),
        (lambda s: s, lambda s: 1.0),
        (lambda s: -s, lambda s: -1.0),
    ),
}


def judged(score):
    return Judged(Sample(torch.zeros(len(score), 3, 1, 1)), Verdict(score))


def mean_and_gradient(term, scores):
    value, slope = term
    numbers = scores.tolist()
    return np.mean([value(s) for s in numbers]), np.array([slope(s) for s in numbers]) / len(numbers)


@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_losses_and_their_gradients_equal_the_formulas(name):
    loss, d_real, d_fake, g_fake = WRITTEN_OUT[name]
    real, fake = GRID.clone().requires_grad_(), (0.7 * GRID).requires_grad_()
    d_loss = loss.d_loss(judged(real), judged(fake))
    g_loss = loss.g_loss(judged(fake), None)
    real_mean, real_gradient = mean_and_gradient(d_real, real.detach())
    fake_mean, fake_gradient = mean_and_gradient(d_fake, fake.detach())
    g_mean, g_gradient = mean_and_gradient(g_fake, fake.detach())
    assert d_loss.item() == pytest.approx(real_mean + fake_mean, rel=1e-12, abs=1e-12)
    assert g_loss.item() == pytest.approx(g_mean, rel=1e-12, abs=1e-12)
    of_d = torch.autograd.grad(d_loss, [real, fake])
    (of_g,) = torch.autograd.grad(g_loss, fake)
    np.testing.assert_allclose(of_d[0], real_gradient, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(of_d[1], fake_gradient, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(of_g, g_gradient, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("score", [-100.0, 100.0])
@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_extreme_scores_give_finite_losses_and_gradients(name, score):
    loss = WRITTEN_OUT[name][0]
    real, fake = (torch.full((2, 1, 3, 3), s, requires_grad=True) for s in (score, -score))
    total = loss.d_loss(judged(real), judged(fake)) + loss.g_loss(judged(fake), None)
    gradients = torch.autograd.grad(total, [real, fake])
    assert all(value.isfinite().all() for value in (total, *gradients))


@pytest.mark.parametrize("entry", [e for e in manager().objectives if e.kind == "loss"], ids=lambda e: e.name)
def test_a_higher_score_means_more_real_in_every_registered_loss(entry):
    # Between 0 and 1 even the losses with targets or margins have a slope.
    loss, low, high, other = entry.load()(), *(judged(torch.full((2, 1), s)) for s in (0.3, 0.6, 0.5))
    assert loss.d_loss(high, other) < loss.d_loss(low, other)
    assert loss.d_loss(other, low) < loss.d_loss(other, high)
    assert loss.g_loss(high, other) < loss.g_loss(low, other)


class Counting(nn.Module):
    """A critic that keeps what it was shown and passes it on."""

    def __init__(self, critic):
        super().__init__()
        self.critic = critic
        self.shown = []

    def forward(self, image, *cond):
        self.shown.append(Sample(image, cond))
        return self.critic(image, *cond)


class KeepVerdicts(Wasserstein):
    """A loss that lets the test see what it was given."""

    def d_loss(self, real, fake):
        object.__setattr__(self, "seen", (real, fake))
        return super().d_loss(real, fake)


def gradients(loss, critic):
    return torch.autograd.grad(loss, list(critic.parameters()))


def critic_of(norm="instance", channels=3):
    return PatchGAN(channels, width=8, layers=2, norm=norm)


def test_real_and_generated_judged_in_one_batch_give_the_loss_of_separate_passes(rng):
    critic = Counting(critic_of())
    real, fake = torch.randn(3, 3, 32, 32), torch.randn(3, 3, 32, 32)
    losses, verdict = Objective(LeastSquares()).d_losses(critic, Sample(real), [(Sample(fake), 1.0)], rng(3))
    assert [len(sample.image) for sample in critic.shown] == [6]
    apart = 0.5 * ((critic.critic(real) - 1).square().mean() + critic.critic(fake).square().mean())
    torch.testing.assert_close(losses["adv"], apart, atol=1e-6, rtol=1e-6)
    torch.testing.assert_close(gradients(losses["adv"], critic), gradients(apart, critic), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(verdict.score, critic.critic(real), atol=1e-6, rtol=1e-5)


def test_a_critic_with_batch_norm_judges_real_and_generated_apart(rng):
    critic = Counting(critic_of(norm="batch"))
    real, fake = torch.randn(3, 3, 32, 32), 3 + torch.randn(3, 3, 32, 32)
    losses, _ = Objective(LeastSquares()).d_losses(critic, Sample(real), [(Sample(fake), 1.0)], rng(3))
    assert [len(sample.image) for sample in critic.shown] == [3, 3]
    apart = 0.5 * ((critic.critic(real) - 1).square().mean() + critic.critic(fake).square().mean())
    torch.testing.assert_close(losses["adv"], apart, atol=1e-6, rtol=1e-6)


def test_several_generated_samples_count_with_their_weights(rng):
    critic, objective = critic_of(channels=6), Objective(Hinge())
    picture = [torch.randn(2, 3, 32, 32) for _ in range(5)]
    real = Sample(picture[0], (picture[1],))
    fake, mismatched = Sample(picture[2], (picture[1],)), Sample(picture[3], (picture[4],))
    both, _ = objective.d_losses(critic, real, [(fake, 0.5), (mismatched, 0.5)], rng(2))
    alone = [objective.d_losses(critic, real, [(sample, 1.0)], rng(2))[0]["adv"] for sample in (fake, mismatched)]
    torch.testing.assert_close(both["adv"], (alone[0] + alone[1]) / 2, atol=1e-6, rtol=1e-6)
    uneven, _ = objective.d_losses(critic, real, [(fake, 0.25), (mismatched, 0.75)], rng(2))
    torch.testing.assert_close(uneven["adv"], alone[0] / 4 + alone[1] * 3 / 4, atol=1e-6, rtol=1e-6)


def test_conditions_are_batched_with_the_pictures_they_belong_to(rng):
    critic, objective = Counting(critic_of(channels=6)), Objective(Wasserstein())
    real, fake, source, other = (torch.randn(2, 3, 32, 32) for _ in range(4))
    losses, _ = objective.d_losses(critic, Sample(real, (source,)), [(Sample(fake, (other,)), 1.0)], rng(2))
    assert len(critic.shown) == 1
    apart = critic.critic(fake, other).mean() - critic.critic(real, source).mean()
    torch.testing.assert_close(losses["adv"], apart, atol=1e-6, rtol=1e-6)


def test_features_and_further_heads_are_split_like_the_scores(rng):
    def critic(image):
        feature = image.mean(1)
        return Verdict(image.mean((1, 2, 3)), (feature, feature.flatten(1)), {"class": feature[:, 0]})

    loss = KeepVerdicts()
    real, fake = torch.randn(2, 3, 4, 4), torch.randn(3, 3, 4, 4)
    _, returned = Objective(loss).d_losses(critic, Sample(real), [(Sample(fake), 1.0)], rng(2))
    for sample, verdict in ((real, loss.seen[0].verdict), (fake, loss.seen[1].verdict), (real, returned)):
        alone = critic(sample)
        torch.testing.assert_close(verdict.score, alone.score)
        torch.testing.assert_close(verdict.features, alone.features)
        torch.testing.assert_close(verdict.aux, alone.aux)


def test_augmentation_reaches_every_pass_and_changes_a_picture_like_its_condition(rng):
    critic = Counting(critic_of(channels=6))
    objective = Objective(Wasserstein(), augment=DiffAugment("color,translation,cutout"))
    real = torch.rand(4, 3, 32, 32) + 1
    same = Sample(real, (real.clone(),))
    objective.d_losses(critic, same, [(same, 1.0)], rng(4))
    objective.g_losses(critic, same, same, rng(4, update=1))
    assert [len(sample.image) for sample in critic.shown] == [8, 4]
    for image, (cond,) in critic.shown:
        assert torch.equal(image, cond)
        assert not torch.isclose(image, real.repeat(len(image) // 4, 1, 1, 1)).all((1, 2, 3)).any()
    of_real, of_fake = critic.shown[0].image.split(4)
    assert not torch.isclose(of_real, of_fake).all((1, 2, 3)).any()  # drawn anew for each


def test_watch_receives_mean_scores_and_the_share_of_pairs_ranked_rightly(rng):
    objective, seen = Objective(Wasserstein()), {}
    objective.watch = seen.__setitem__
    real, fake = (torch.tensor(scores).view(2, 1, 1, 1).expand(2, 3, 4, 4) for scores in ([1.0, 3.0], [0.0, 2.0]))
    objective.d_losses(lambda image: image[:, :1], Sample(real), [(Sample(fake), 1.0)], rng(2))
    # Of the four pairs only 1 against 2 is ranked wrongly.
    assert {name: value.item() for name, value in seen.items()} == {
        "score_real": 2.0, "score_fake": 1.0, "accuracy": 0.75
    }  # fmt: skip


def test_the_generators_loss_reaches_the_picture_and_real_samples_only_where_they_are_needed(rng):
    class Relativistic(Loss):
        needs = Needs(real_in_g=True)

        def g_loss(self, fake, real):
            return (real.score - fake.score).mean()

    critic = Counting(critic_of())
    real, fake = torch.randn(2, 3, 32, 32), torch.randn(2, 3, 32, 32, requires_grad=True)
    losses, verdict = Objective(Hinge()).g_losses(critic, Sample(fake), Sample(real), rng(2))
    assert len(critic.shown) == 1
    (gradient,) = torch.autograd.grad(losses["adv"], fake)
    assert gradient.abs().amax((1, 2, 3)).min() > 0
    torch.testing.assert_close(verdict.score, critic.critic(fake))
    losses, _ = Objective(Relativistic()).g_losses(critic, Sample(fake), Sample(real), rng(2))
    torch.testing.assert_close(losses["adv"], critic.critic(real).mean() - critic.critic(fake).mean())


def test_a_penalty_may_take_gradients_at_real_and_generated_samples(rng):
    class Both(R1):
        differentiates = frozenset({"real", "fake"})

        def __call__(self, critic, real, fake, rng):
            return sum(super(Both, self).__call__(critic, judged, judged, rng) for judged in (real, fake))

    weight = torch.randn(3, 8, 8)
    losses, _ = Objective(Wasserstein(), {"both": Both(weight=1.0)}).d_losses(
        lambda image: (image * weight).flatten(1).sum(1),
        Sample(torch.randn(2, 3, 8, 8)),
        [(Sample(torch.randn(2, 3, 8, 8)), 1.0)],
        rng(2),
    )
    assert losses["both"].item() == pytest.approx(2 * weight.square().sum().item(), rel=1e-5)


def test_losses_keep_their_digits_when_the_critic_computes_in_bfloat16(rng):
    def critic(image):
        return image[:, :1].bfloat16()

    real, fake = torch.full((2, 3, 4, 4), 100.5), torch.full((2, 3, 4, 4), 100.0)
    real[0] = 101.0  # means 100.75 and 100: bfloat16 would round the first to 101
    losses, _ = Objective(Wasserstein()).d_losses(critic, Sample(real), [(Sample(fake), 1.0)], rng(2))
    assert losses["adv"].item() == -0.75
