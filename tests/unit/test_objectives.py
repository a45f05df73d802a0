"""What Objective does around losses and penalties: passes, batching, weights, augmentation, precision."""

import copy

import pytest
import torch
from torch import nn

from gantools.config import RunConfig
from gantools.networks import PatchGAN, build_critic
from gantools.objectives import Loss, Needs, Objective, Sample, Verdict
from gantools.objectives.augment import DiffAugment
from gantools.objectives.grammar import build_objective, find_recipe
from gantools.objectives.losses import EnergyBased, Hinge, LeastSquares, Wasserstein
from gantools.objectives.matching import FeatureMatching
from gantools.objectives.penalties import R1, R2, Consistency, Dragan, GradientPenalty, MatchingAware
from gantools.plugins import manager

ENTRIES = {entry.name: entry for entry in manager().objectives}


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


def test_an_energy_based_critic_learns_real_samples_alone_before_the_game(rng):
    critic = Counting(build_critic("patch", Needs(critic="autoencoder"), width=4, size=16))
    objective = Objective(EnergyBased(margin=2, pretrain=3), {"r2": R2()})
    real, fake = Sample(torch.rand(2, 3, 16, 16)), Sample(torch.rand(2, 3, 16, 16))
    energy = -critic.critic(real.image).score.mean()
    for update in range(3):
        losses, _ = objective.d_losses(critic, real, [(fake, 1.0)], rng(2, update=update))
        torch.testing.assert_close(losses, {"adv": energy})
    assert [len(sample.image) for sample in critic.shown] == [2, 2, 2]
    losses, _ = objective.d_losses(critic, real, [(fake, 1.0)], rng(2, update=3))
    assert losses["adv"] > energy + 1
    assert "r2" in losses


# Samples in each pass of a critic, for two real and two generated ones: first its own update, then the generator's.
# Where nothing else is said, one pass over all, and one over those generated.
PASSES = {
    "gp": ([2, 4], [2]),
    "gp-one-sided": ([2, 4], [2]),
    "dragan": ([2, 4], [2]),
    "r1": ([2, 2], [2]),  # the gradient is that of the scores of the loss
    "r2": ([2, 2], [2]),
    "matching-aware": ([2, 2], [2]),
    "df-gan": ([2, 2], [2]),
    "consistency": ([2, 2, 2], [2]),
    "relativistic-average": ([4], [2, 2]),
    "feature-matching": ([4], [2, 2]),
    "minibatch-stddev": ([2, 2], [2]),
    "minibatch-discrimination": ([2, 2], [2]),
    "virtual-batch-norm": ([2, 4], [2, 2]),  # the reference batch, and what is judged by it
    "wgan-gp": ([2, 4], [2]),
    "dragan-gan": ([2, 4], [2]),
    "ct-gan": ([2, 2, 2, 2], [2]),
}


def settings_of(name):
    kind = ENTRIES[name].kind
    return {"objective": name} if kind in {"loss", "recipe"} else {kind: [name]}


def ready(**settings):
    """An objective, and a critic built and prepared for it."""
    objective = build_objective(RunConfig(**settings))
    critics = nn.ModuleDict({"d": build_critic("patch", objective.needs, width=4, size=32, layers=2)})
    objective.prepare(critics, "d")
    return objective, critics["d"]


@pytest.mark.parametrize("name", ENTRIES)
def test_no_entry_makes_a_pass_that_the_mathematics_does_not_need(name, rng):
    objective, critic = ready(**settings_of(name))
    passes = []
    critic.register_forward_hook(lambda module, inputs, output: passes.append(len(inputs[0])))
    real, fake = Sample(torch.rand(2, 3, 32, 32)), torch.rand(2, 3, 32, 32, requires_grad=True)
    objective.d_losses(critic, real, [(Sample(fake.detach()), 1.0)], rng(2))
    of_d = sorted(passes)
    passes.clear()
    objective.g_losses(critic, Sample(fake), real, rng(2))
    assert (of_d, sorted(passes)) == PASSES.get(name, ([4], [2]))


@pytest.mark.parametrize("name", ENTRIES)
def test_nothing_of_a_pass_stays_with_the_critic_and_a_copy_judges_alike(name, rng):
    objective, critic = ready(**settings_of(name))
    real, fake = Sample(torch.rand(2, 3, 32, 32)), Sample(torch.rand(2, 3, 32, 32))

    def losses_of(d):
        torch.manual_seed(0)  # of the dropout
        return objective.d_losses(d, real, [(fake, 1.0)], rng(2))[0] | {
            f"g_{name}": value for name, value in objective.g_losses(d, fake, real, rng(2))[0].items()
        }

    losses = losses_of(critic)
    kept = [value for module in critic.modules() for value in vars(module).values() if value]
    assert not any(isinstance(part, torch.Tensor) for value in kept if isinstance(value, tuple) for part in value)
    assert not any(isinstance(value, torch.Tensor) for value in kept)
    duplicate = copy.deepcopy(critic)  # refused for tensors with a graph behind them
    torch.testing.assert_close(losses_of(duplicate), losses)
    assert list(duplicate.state_dict()) == list(critic.state_dict())


@pytest.mark.parametrize(
    ("penalty", "passes"),
    [
        (GradientPenalty(), [2, 2, 2, 8]),  # between the real samples and each kind of generated ones
        (Dragan(), [2, 8]),
        (R1(), [2, 6]),
        (R2(), [2, 2, 2, 2]),
        (MatchingAware(), [2, 6]),
        (Consistency(), [2, 2, 6]),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, list) else "",
)
def test_a_penalty_at_real_samples_is_taken_once_for_several_kinds_of_generated_ones(penalty, passes, rng):
    critic = Counting(critic_of())
    fakes = [(Sample(torch.rand(2, 3, 32, 32)), 1 / 3) for _ in range(3)]
    Objective(Wasserstein(), {"p": penalty}).d_losses(critic, Sample(torch.rand(2, 3, 32, 32)), fakes, rng(2))
    assert sorted(len(sample.image) for sample in critic.shown) == passes


def test_a_recipe_is_its_parts():
    for name in (name for name, entry in ENTRIES.items() if entry.kind == "recipe"):
        recipe, objective = find_recipe(name), build_objective(RunConfig(objective=name))
        parts = build_objective(
            RunConfig(objective=recipe.loss, penalty=list(recipe.penalties), constraint=list(recipe.constraints))
        )
        assert objective.loss == parts.loss
        assert objective.penalties == parts.penalties
        assert objective.constraints == parts.constraints


def test_the_generator_may_be_taught_by_features_alone(rng):
    objective, critic = ready(objective="nonsaturating", penalty=["feature-matching:alone=true"])
    real, fake = Sample(torch.rand(2, 3, 32, 32)), Sample(torch.rand(2, 3, 32, 32))
    assert set(objective.g_losses(critic, fake, real, rng(2))[0]) == {"feature-matching"}
    assert set(objective.d_losses(critic, real, [(fake, 1.0)], rng(2))[0]) == {"adv"}
    beside = Objective(Hinge(), {"feature-matching": FeatureMatching(weight=2, every=2)})
    assert set(beside.g_losses(critic, fake, real, rng(2))[0]) == {"adv", "feature-matching"}
    assert set(beside.g_losses(critic, fake, real, rng(2, update=1))[0]) == {"adv"}
