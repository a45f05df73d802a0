"""Gradient penalties against closed forms."""

import pytest
import torch
from torch import nn

from gantools.objectives import Objective, Sample
from gantools.objectives.losses import Hinge, Wasserstein
from gantools.objectives.penalties import R1, GradientPenalty

SHAPE = (3, 8, 8)


class Linear(nn.Module):
    """D(x) = <w, x>: its gradient is w everywhere."""

    def __init__(self, norm):
        super().__init__()
        w = torch.randn(SHAPE)
        self.w = nn.Parameter(norm * w / w.norm())

    def forward(self, image):
        return (image * self.w).flatten(1).sum(1, keepdim=True)


class Quadratic(nn.Module):
    """D(x) = a/2 ‖x‖²: its gradient is a x. It keeps the pictures it was shown."""

    def __init__(self, a=0.3):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a))
        self.shown = []

    def forward(self, image):
        self.shown.append(image)
        return self.a / 2 * image.square().flatten(1).sum(1)


class Perceptron(nn.Module):
    """D(x) = v · tanh(W x): its gradient is Wᵀ(v (1 - tanh²(W x)))."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(16, 192) / 8)
        self.v = nn.Parameter(torch.randn(16))
        self.shown = []

    def forward(self, image):
        self.shown.append(image)
        return torch.tanh(image.flatten(1) @ self.weight.T) @ self.v

    def gradient_norms(self, points, weight, v):
        slope = v * (1 - torch.tanh(points.flatten(1) @ weight.T) ** 2)
        return (slope @ weight).norm(dim=1)


def pictures(n=4):
    return torch.randn(n, *SHAPE)


def penalised(penalty, critic, real, fake, rng, loss=None):
    objective = Objective(loss or Wasserstein(), {"penalty": penalty})
    losses, _ = objective.d_losses(critic, Sample(real), [(Sample(fake), 1.0)], rng)
    return losses


@pytest.mark.parametrize("norm", [0.5, 1.0, 3.0])
def test_gp_of_a_linear_critic_is_the_squared_distance_of_its_norm_from_1(norm, rng):
    critic = Linear(norm)
    value = penalised(GradientPenalty(), critic, pictures(), pictures(), rng(4))["penalty"]
    assert value.item() == pytest.approx(10 * (norm - 1) ** 2, abs=1e-5)  # the paper's λ is 10
    (gradient,) = torch.autograd.grad(value, critic.w)
    # d/dw of (‖w‖ - 1)² is 2 (‖w‖ - 1) w / ‖w‖.
    torch.testing.assert_close(gradient, 20 * (norm - 1) / norm * critic.w.detach(), atol=1e-4, rtol=1e-4)


def test_gp_of_a_quadratic_critic_is_taken_between_real_and_generated(rng):
    critic, real, fake = Quadratic(), pictures(), pictures()
    value = penalised(GradientPenalty(weight=1.0), critic, real, fake, rng(4))["penalty"]
    points = critic.shown[-1].detach()
    share = (points - fake) / (real - fake)  # u of u x + (1 - u) G(z), the same for all pixels of a picture
    u = share.flatten(1).median(1).values
    torch.testing.assert_close(points, torch.lerp(fake, real, u.view(4, 1, 1, 1)), atol=1e-5, rtol=1e-5)
    assert ((u >= 0) & (u <= 1)).all()
    assert len(u.unique()) == 4  # each picture has its own
    norms = points.flatten(1).norm(dim=1)
    assert value.item() == pytest.approx((0.3 * norms - 1).square().mean().item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(value, critic.a)
    assert gradient.item() == pytest.approx((2 * (0.3 * norms - 1) * norms).mean().item(), rel=1e-5)


def test_gp_spreads_its_points_evenly_over_the_line(rng):
    critic, n = Quadratic(), 1000
    penalised(GradientPenalty(), critic, torch.ones(n, 1, 1, 1), torch.zeros(n, 1, 1, 1), rng(n))
    u = critic.shown[-1].detach().flatten()
    quartiles = torch.tensor([0.25, 0.5, 0.75])
    torch.testing.assert_close(u.quantile(quartiles), quartiles, atol=0.06, rtol=0)  # 4 standard errors at n = 1000


@pytest.mark.parametrize(
    ("penalty", "of_norms"),
    [(GradientPenalty(weight=1.0), lambda g: (g - 1) ** 2), (R1(weight=1.0), lambda g: g**2)],
    ids=["gp", "r1"],
)
def test_gradients_to_the_critics_parameters_equal_those_of_the_formula_in_float64(penalty, of_norms, rng):
    critic, real = Perceptron(), pictures()
    value = penalised(penalty, critic, real, pictures(), rng(4))["penalty"]
    points = critic.shown[-1].detach().double() if isinstance(penalty, GradientPenalty) else real.double()
    weight, v = (p.detach().double().requires_grad_() for p in (critic.weight, critic.v))
    expected = of_norms(critic.gradient_norms(points, weight, v)).mean()
    assert value.item() == pytest.approx(expected.item(), rel=1e-4)
    for got, wanted in zip(
        torch.autograd.grad(value, [critic.weight, critic.v]), torch.autograd.grad(expected, [weight, v]), strict=True
    ):
        torch.testing.assert_close(got, wanted.float(), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("shape", [(1, 2, 1), (2,)])
def test_a_map_of_scores_counts_as_its_mean(shape, rng):
    left, right = torch.randn(2, *SHAPE)

    def critic(image):
        patches = [(image * w).flatten(1).sum(1) for w in (left, right)]
        return torch.stack(patches, 1).view(-1, *shape)

    norm = ((left + right) / 2).norm().item()
    value = penalised(GradientPenalty(weight=1.0), critic, pictures(), pictures(), rng(4))["penalty"]
    assert value.item() == pytest.approx((norm - 1) ** 2, rel=1e-5)
    value = penalised(R1(weight=1.0), critic, pictures(), pictures(), rng(4))["penalty"]
    assert value.item() == pytest.approx(norm**2, rel=1e-5)


def test_r1_is_the_squared_gradient_at_real_pictures_alone(rng):
    critic, real = Quadratic(), pictures()
    value = penalised(R1(), critic, real, 100 * pictures(), rng(4))["penalty"]
    squares = real.square().flatten(1).sum(1).mean()
    assert value.item() == pytest.approx(5 * 0.3**2 * squares.item(), rel=1e-5)  # γ/2 with the paper's γ = 10
    (gradient,) = torch.autograd.grad(value, critic.a)
    assert gradient.item() == pytest.approx(5 * 2 * 0.3 * squares.item(), rel=1e-5)
    assert len(critic.shown) == 2  # the pass over real pictures serves loss and penalty


@pytest.mark.parametrize("kind", [GradientPenalty, R1])
def test_a_lazy_penalty_is_due_every_nth_update_and_n_times_as_strong(kind, rng):
    critic, real, fake = Quadratic(), pictures(), pictures()
    for update in range(9):
        lazy = penalised(kind(weight=2.0, every=4), critic, real, fake, rng(4, update=update))
        always = penalised(kind(weight=2.0), critic, real, fake, rng(4, update=update))
        assert lazy["adv"].item() == pytest.approx(always["adv"].item(), rel=1e-5)
        if update in {0, 4, 8}:
            assert lazy["penalty"].item() == pytest.approx(4 * always["penalty"].item(), rel=1e-6)
        else:
            assert set(lazy) == {"adv"}


def test_several_generated_samples_share_the_penalty_by_weight(rng):
    critic = Linear(3.0)
    objective = Objective(Wasserstein(), {"gp": GradientPenalty(), "r1": R1()})
    fakes = [(Sample(pictures()), 0.25), (Sample(pictures()), 0.75)]
    losses, _ = objective.d_losses(critic, Sample(pictures()), fakes, rng(4))
    assert losses["gp"].item() == pytest.approx(10 * 4, rel=1e-5)
    assert losses["r1"].item() == pytest.approx(5 * 9, rel=1e-5)


@pytest.mark.parametrize("kind", [GradientPenalty, R1])
def test_penalties_are_computed_in_float32_under_autocast(kind, rng):
    critic = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Conv2d(8, 1, 3))
    dtypes = []
    critic[0].register_forward_hook(lambda module, inputs, output: dtypes.append(output.dtype))
    real, fake = pictures(), pictures()
    plain = penalised(kind(), critic, real, fake, rng(4), Hinge())
    dtypes.clear()
    with torch.autocast("cpu", torch.bfloat16):
        losses = penalised(kind(), critic, real, fake.bfloat16(), rng(4), Hinge())
    assert set(dtypes) == {torch.bfloat16, torch.float32}  # the loss's pass, and the penalty's
    if kind is R1:  # the generated pictures, which bfloat16 changed, have no part in it
        assert losses["penalty"].item() == plain["penalty"].item()
    assert losses["penalty"].dtype == torch.float32
    assert losses["penalty"].item() == pytest.approx(plain["penalty"].item(), rel=1e-3)
    assert losses["adv"].item() == pytest.approx(plain["adv"].item(), rel=0.02)
