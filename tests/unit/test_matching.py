"""The generator's penalties, which look at the critic's last hidden layer."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn.functional import leaky_relu

from gantools.networks import AutoEncoder, PatchGAN
from gantools.objectives import Objective, Sample, Verdict
from gantools.objectives.batches import MinibatchDiscrimination, MinibatchStddev
from gantools.objectives.losses import Hinge, Wasserstein
from gantools.objectives.matching import FeatureMatching, PullAway


def prepared(critic, penalty, constraints=None):
    objective = Objective(Wasserstein(), {"penalty": penalty}, constraints)
    objective.prepare(nn.ModuleDict({"d": critic}), "d")
    return objective


def mlp():
    return nn.Sequential(nn.Linear(6, 9), nn.LeakyReLU(0.2), nn.Linear(9, 4), nn.LeakyReLU(0.2), nn.Linear(4, 1))


def hidden(critic, x):
    """The last hidden layer of the MLP in float64."""
    for layer in (critic[0], critic[2]):
        x = leaky_relu(x @ layer.weight.detach().double().T + layer.bias.detach().double(), 0.2)
    return x


def cosine_squares(h):
    pairs = itertools.permutations(range(len(h)), 2)
    return torch.stack([(h[i] @ h[j]) ** 2 / ((h[i] @ h[i]) * (h[j] @ h[j])) for i, j in pairs]).mean()


@pytest.mark.parametrize(
    ("penalty", "formula"),
    [
        (FeatureMatching(weight=1), lambda h, g: (h.mean(0) - g.mean(0)).square().sum() / 4),
        (FeatureMatching(weight=3), lambda h, g: 3 * (h.mean(0) - g.mean(0)).square().sum() / 4),
        (PullAway(weight=1), lambda h, g: cosine_squares(g)),
        (PullAway(), lambda h, g: cosine_squares(g) / 10),
    ],
)
def test_values_and_gradients_to_the_samples_equal_the_formulas_in_float64(penalty, formula, rng):
    critic = mlp()
    objective = prepared(critic, penalty)
    real, fake = torch.randn(5, 6, requires_grad=True), torch.randn(5, 6, requires_grad=True)
    losses, _ = objective.g_losses(critic, Sample(fake), Sample(real), rng(5))
    assert set(losses) == {"adv", "penalty"}
    exact = fake.detach().double().requires_grad_()
    expected = formula(hidden(critic, real.detach().double()), hidden(critic, exact))
    assert losses["penalty"].item() == pytest.approx(expected.item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(losses["penalty"], fake, retain_graph=True)
    (wanted,) = torch.autograd.grad(expected, exact)
    assert (gradient - wanted).norm() <= 1e-5 * wanted.norm()
    assert torch.autograd.grad(losses["penalty"], real, allow_unused=True) == (None,)


@pytest.mark.parametrize("make", [lambda: PatchGAN(width=4, layers=2), mlp], ids=["with a head", "a sequence"])
def test_the_last_hidden_layer_is_the_one_before_what_looks_at_the_batch(make, rng):
    critic, plain = make(), make()
    plain.load_state_dict(critic.state_dict())
    constraints = {"stddev": MinibatchStddev(), "discrimination": MinibatchDiscrimination(kernels=3)}
    shape = (6,) if isinstance(critic, nn.Sequential) else (3, 32, 32)
    real, fake = Sample(torch.randn(4, *shape)), Sample(torch.randn(4, *shape))
    values = [
        prepared(d, FeatureMatching(), c).g_losses(d, fake, real, rng(4))[0]["penalty"]
        for d, c in ((critic, constraints), (plain, None))
    ]
    torch.testing.assert_close(*values)


class Coding(nn.Module):
    """A critic with features of its own: the samples as they are."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(4, 1)

    def forward(self, x):
        return Verdict(self.head(x), (x.sum(1), x))


def pull_away(codes, rng):
    codes = codes.requires_grad_()
    losses, _ = prepared(critic := Coding(), PullAway(weight=1)).g_losses(critic, *[Sample(codes)] * 2, rng(len(codes)))
    (gradient,) = torch.autograd.grad(losses["penalty"], codes)
    return losses["penalty"].item(), gradient


def test_pull_away_is_0_for_orthogonal_codes_and_1_for_codes_of_one_direction(rng):
    assert pull_away(torch.diag(torch.tensor([1.0, 2, -3, 4])), rng)[0] == 0
    value, gradient = pull_away(torch.tensor([[1.0], [2], [-3]]) * torch.randn(4), rng)
    assert value == pytest.approx(1, rel=1e-6)
    torch.testing.assert_close(gradient, torch.zeros(3, 4), atol=1e-5, rtol=0)  # there it is largest
    value, gradient = pull_away(torch.zeros(3, 4), rng)
    assert value == 0
    assert gradient.isfinite().all()


def test_pull_away_takes_the_code_of_an_autoencoder(rng):
    critic = AutoEncoder(width=4, layers=2, code=3)
    objective = prepared(critic, PullAway(weight=1))
    fake = torch.rand(3, 3, 16, 16, requires_grad=True)
    losses, _ = objective.g_losses(critic, Sample(fake), Sample(fake), rng(3))
    expected = cosine_squares(critic.encoder(fake).flatten(1).double())
    assert losses["penalty"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_feature_matching_compares_all_features_that_a_critic_names(rng):
    real, fake = torch.randn(2, 5, 4)
    losses, _ = prepared(critic := Coding(), FeatureMatching()).g_losses(critic, Sample(fake), Sample(real), rng(5))
    differences = [real.sum(1).mean(0) - fake.sum(1).mean(0), real.mean(0) - fake.mean(0)]
    expected = sum(difference.square().mean() for difference in differences)
    torch.testing.assert_close(losses["penalty"], expected)


def test_features_keep_their_digits_under_autocast(rng):
    critic = mlp()
    objective = prepared(critic, FeatureMatching())
    real, fake = torch.randn(4, 6), torch.randn(4, 6)
    with torch.autocast("cpu", torch.bfloat16):
        losses, _ = objective.g_losses(critic, Sample(fake), Sample(real), rng(4))
    expected = (hidden(critic, real.double()).mean(0) - hidden(critic, fake.double()).mean(0)).square().mean()
    assert losses["penalty"].dtype == torch.float32
    assert losses["penalty"].item() == pytest.approx(expected.item(), rel=0.05)


def test_nobody_looks_at_features_that_nobody_needs(rng):
    critic = mlp()
    objective = Objective(Hinge())
    objective.prepare(nn.ModuleDict({"d": critic}), "d")
    _, verdict = objective.g_losses(critic, *[Sample(torch.randn(2, 6))] * 2, rng(2))
    assert verdict.features == ()
