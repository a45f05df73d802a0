"""The discriminator's penalties against closed forms, and against their formulas in float64."""

import pytest
import torch
from torch import nn

from gantools.objectives import Judged, Objective, Penalty, Sample, Verdict
from gantools.objectives.layers import add_dropout
from gantools.objectives.losses import Hinge, LeastSquares, Wasserstein
from gantools.objectives.penalties import (
    R1,
    R2,
    Consistency,
    Dragan,
    GradientPenalty,
    MatchingAware,
    OneSidedGradientPenalty,
)

SHAPE = (3, 8, 8)
GRADIENTS = [GradientPenalty, OneSidedGradientPenalty, Dragan, R1, R2, MatchingAware]


class Linear(nn.Module):
    """D(x) = <w, x>: its gradient is w everywhere."""

    def __init__(self, norm, shape=SHAPE):
        super().__init__()
        w = torch.randn(shape)
        self.w = nn.Parameter(norm * w / w.norm())

    def forward(self, image):
        return (image * self.w).flatten(1).sum(1, keepdim=True)


class Quadratic(nn.Module):
    """D(x) = a/2 ‖x‖²: its gradient is a x. It keeps the samples it was shown."""

    def __init__(self, a=0.3):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a))
        self.shown = []

    def forward(self, image):
        self.shown.append(image)
        return self.a / 2 * image.square().flatten(1).sum(1)


class Perceptron(nn.Module):
    """D(x, e) = v · tanh(W (x, e)): its gradient is Wᵀ(v (1 - tanh²(W (x, e)))). It keeps what it was shown."""

    def __init__(self, inputs=192):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(16, inputs) / inputs**0.5)
        self.v = nn.Parameter(0.5 * torch.randn(16))
        self.shown = []

    def forward(self, image, *cond):
        self.shown.append(image)
        joined = torch.cat([image.flatten(1), *(c.flatten(1) for c in cond)], 1)
        return torch.tanh(joined @ self.weight.T) @ self.v

    def gradient_norms(self, points, weight, v):
        slope = v * (1 - torch.tanh(points.flatten(1) @ weight.T) ** 2)
        return (slope @ weight).square().sum(1).sqrt()


def samples(n=4, shape=SHAPE, dtype=torch.float32):
    return torch.randn(n, *shape, dtype=dtype)


def penalised(penalty, critic, real, fake, rng, loss=None):
    objective = Objective(loss or Wasserstein(), {"penalty": penalty})
    real, fake = (sample if isinstance(sample, Sample) else Sample(sample) for sample in (real, fake))
    losses, _ = objective.d_losses(critic, real, [(fake, 1.0)], rng)
    return losses


@pytest.mark.parametrize("shape", [SHAPE, (5,)])
@pytest.mark.parametrize("norm", [0.5, 1.0, 3.0])
@pytest.mark.parametrize(
    ("penalty", "value_of", "slope_of"),
    [
        # value and derivative as functions of the gradient's norm g; weights are the papers'
        (GradientPenalty(), lambda g: 10 * (g - 1) ** 2, lambda g: 20 * (g - 1)),
        (OneSidedGradientPenalty(), lambda g: 10 * max(0, g - 1) ** 2, lambda g: 20 * max(0, g - 1)),
        (OneSidedGradientPenalty(squared=False), lambda g: 10 * max(0, g - 1), lambda g: 10 if g > 1 else None),
        (Dragan(), lambda g: 10 * (g - 1) ** 2, lambda g: 20 * (g - 1)),
        (Dragan(k=0.25), lambda g: 10 * (g - 0.25) ** 2, lambda g: 20 * (g - 0.25)),
        (R1(), lambda g: 5 * g**2, lambda g: 10 * g),
        (R2(), lambda g: 5 * g**2, lambda g: 10 * g),
        (MatchingAware(), lambda g: 2 * g**6, lambda g: 12 * g**5),
        (MatchingAware(weight=1, p=1.5), lambda g: g**1.5, lambda g: 1.5 * g**0.5),
    ],
)
def test_penalties_of_a_linear_critic_have_closed_forms(penalty, value_of, slope_of, norm, shape, rng):
    critic = Linear(norm, shape)
    value = penalised(penalty, critic, samples(shape=shape), samples(shape=shape), rng(4))["penalty"]
    assert value.item() == pytest.approx(value_of(norm), abs=1e-5, rel=1e-5)
    (gradient,) = torch.autograd.grad(value, critic.w)
    slope = slope_of(norm)
    if slope is not None:
        torch.testing.assert_close(gradient, slope / norm * critic.w.detach(), atol=1e-4, rtol=1e-4)
    elif norm < 1:
        assert not gradient.any()


def test_gp_of_a_quadratic_critic_is_taken_between_real_and_generated(rng):
    critic, real, fake = Quadratic(), samples(), samples()
    value = penalised(GradientPenalty(weight=1.0), critic, real, fake, rng(4))["penalty"]
    points = critic.shown[-1].detach()
    share = (points - fake) / (real - fake)  # u of u x + (1 - u) G(z), the same for all values of a sample
    u = share.flatten(1).median(1).values
    torch.testing.assert_close(points, torch.lerp(fake, real, u.view(4, 1, 1, 1)), atol=1e-5, rtol=1e-5)
    assert ((u >= 0) & (u <= 1)).all()
    assert len(u.unique()) == 4  # each sample has its own
    norms = points.flatten(1).norm(dim=1)
    assert value.item() == pytest.approx((0.3 * norms - 1).square().mean().item(), rel=1e-5)
    (gradient,) = torch.autograd.grad(value, critic.a)
    assert gradient.item() == pytest.approx((2 * (0.3 * norms - 1) * norms).mean().item(), rel=1e-5)


@pytest.mark.parametrize("kind", [GradientPenalty, OneSidedGradientPenalty])
def test_points_are_spread_evenly_over_the_line(kind, rng):
    critic, n = Quadratic(), 1000
    penalised(kind(), critic, torch.ones(n, 1, 1, 1), torch.zeros(n, 1, 1, 1), rng(n))
    u = critic.shown[-1].detach().flatten()
    quartiles = torch.tensor([0.25, 0.5, 0.75])
    torch.testing.assert_close(u.quantile(quartiles), quartiles, atol=0.06, rtol=0)  # 4 standard errors at n = 1000


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_dragan_looks_at_real_samples_with_normal_noise_of_the_stated_scale(noise, rng):
    critic, real = Quadratic(), 3 + 7 * samples(200, (2, 4, 4))
    value = penalised(Dragan(weight=1, noise=noise), critic, real, 1000 * torch.randn_like(real), rng(200))["penalty"]
    points = critic.shown[-1].detach()
    moves = ((points - real) / (noise * real.std())).flatten()
    n = len(moves)
    assert moves.mean().abs() < 4 / n**0.5
    assert moves.std().item() == pytest.approx(1, abs=4 / (2 * n) ** 0.5)
    probabilities = torch.tensor([0.1, 0.3, 0.7, 0.9])
    normal = torch.distributions.Normal(0, 1).icdf(probabilities)
    torch.testing.assert_close(moves.quantile(probabilities), normal, atol=0.1, rtol=0)
    norms = 0.3 * points.flatten(1).norm(dim=1)
    assert value.item() == pytest.approx((norms - 1).square().mean().item(), rel=1e-5)


AT_POINTS = {
    "gp": (GradientPenalty(weight=1.0), None, lambda g: (g - 1) ** 2),
    "gp-one-sided": (OneSidedGradientPenalty(weight=1.0), None, lambda g: (g - 1).clamp(min=0) ** 2),
    "gp-one-sided, no square": (
        OneSidedGradientPenalty(weight=1.0, squared=False), None, lambda g: (g - 1).clamp(min=0)
    ),
    "dragan": (Dragan(weight=1.0, k=0.5), None, lambda g: (g - 0.5) ** 2),
    "r1": (R1(weight=1.0), 0, lambda g: g**2),
    "r2": (R2(weight=1.0), 1, lambda g: g**2),
    "matching-aware": (MatchingAware(weight=1.0), 0, lambda g: g**6),
    "matching-aware, p below 2": (MatchingAware(weight=1.0, p=1.25), 0, lambda g: g**1.25),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("shape", [SHAPE, (6,)])
@pytest.mark.parametrize("name", AT_POINTS)
def test_gradients_to_the_critics_parameters_equal_those_of_the_formula_in_float64(name, shape, dtype, rng):
    penalty, given, of_norms = AT_POINTS[name]
    both = [samples(32, shape, dtype), samples(32, shape, dtype)]
    critic = Perceptron(both[0][0].numel()).to(dtype)
    middle = critic.gradient_norms((both[0] + both[1]) / 2, critic.weight, critic.v).median()
    critic.v.data /= middle.detach()
    value = penalised(penalty, critic, *both, rng(32))["penalty"]
    points = (critic.shown[-1].detach() if given is None else both[given]).double()
    weight, v = (p.detach().double().requires_grad_() for p in (critic.weight, critic.v))
    norms = critic.gradient_norms(points, weight, v)
    assert norms.min() < 1 < norms.max()  # on both sides of the corner
    expected = of_norms(norms).mean()
    exact = dtype == torch.float64
    assert value.dtype == dtype
    assert value.item() == pytest.approx(expected.item(), rel=1e-9 if exact else 1e-5)
    for got, wanted in zip(
        torch.autograd.grad(value, [critic.weight, critic.v]), torch.autograd.grad(expected, [weight, v]), strict=True
    ):
        assert (got - wanted).norm() <= (1e-9 if exact else 1e-5) * wanted.norm()


@pytest.mark.parametrize("shape", [(1, 2, 1), (2,)])
def test_a_map_of_scores_counts_as_its_mean(shape, rng):
    left, right = torch.randn(2, *SHAPE)

    def critic(image):
        patches = [(image * w).flatten(1).sum(1) for w in (left, right)]
        return torch.stack(patches, 1).view(-1, *shape)

    norm = ((left + right) / 2).norm().item()
    for penalty, expected in (
        (GradientPenalty(weight=1.0), (norm - 1) ** 2),
        (OneSidedGradientPenalty(weight=1.0, squared=False), norm - 1),
        (Dragan(weight=1.0), (norm - 1) ** 2),
        (R1(weight=1.0), norm**2),
        (R2(weight=1.0), norm**2),
        (MatchingAware(weight=1.0, p=3), norm**3),
    ):
        value = penalised(penalty, critic, samples(), samples(), rng(4))["penalty"]
        assert value.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("kind", "at"), [(R1, 0), (R2, 1)])
def test_r1_looks_at_real_and_r2_at_generated_samples_alone(kind, at, rng):
    critic, both = Quadratic(), [samples(), 100 * samples()]
    value = penalised(kind(), critic, *both, rng(4))["penalty"]
    squares = both[at].square().flatten(1).sum(1).mean()
    assert value.item() == pytest.approx(5 * 0.3**2 * squares.item(), rel=1e-5)  # γ/2 with the paper's γ = 10
    assert len(critic.shown) == 2  # the pass that serves the loss serves the penalty


@pytest.mark.parametrize("cond_shape", [SHAPE, (5,)], ids=["a picture", "a vector"])
def test_matching_aware_takes_the_norm_over_picture_and_condition_together(cond_shape, rng):
    image, cond, other = samples(), samples(shape=cond_shape), samples(shape=cond_shape)
    critic = Perceptron(192 + cond[0].numel())
    real, fake = Sample(image, (cond,)), Sample(samples(), (other,))
    value = penalised(MatchingAware(weight=1.0, p=4), critic, real, fake, rng(4))["penalty"]
    joined = torch.cat([image.flatten(1), cond.flatten(1)], 1).double()
    weight, v = (p.detach().double().requires_grad_() for p in (critic.weight, critic.v))
    expected = critic.gradient_norms(joined, weight, v).pow(4).mean()
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)
    got, wanted = torch.autograd.grad(value, critic.weight)[0], torch.autograd.grad(expected, weight)[0]
    assert (got - wanted).norm() <= 1e-5 * wanted.norm()
    assert cond.grad is image.grad is None


def test_conditions_without_a_gradient_are_left_out(rng):
    embedding, critic = nn.Embedding(7, 192), Linear(2.0)

    def judge(image, labels, unused):
        return critic(image) + (embedding(labels) * image.flatten(1)).sum(1, keepdim=True)

    labels = torch.tensor([1, 3, 3, 6])
    real = Sample(samples(), (labels, torch.randn(4)))
    value = penalised(MatchingAware(weight=1.0, p=2), judge, real, real, rng(4))["penalty"]
    expected = (critic.w.flatten() + embedding(labels)).square().sum(1).mean()
    assert value.item() == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("penalty", [*(kind() for kind in GRADIENTS), MatchingAware(p=1.5)])
def test_a_critic_without_any_slope_gets_finite_gradients(penalty, rng):
    critic = Perceptron()
    nn.init.zeros_(critic.v)
    real = Sample(samples())
    value = penalised(penalty, critic, real, real, rng(4))["penalty"]
    assert value.item() == {GradientPenalty: 10, Dragan: 10}.get(type(penalty), 0)
    assert all(gradient.isfinite().all() for gradient in torch.autograd.grad(value, list(critic.parameters())))


@pytest.mark.parametrize("kind", [*GRADIENTS, Consistency])
def test_a_lazy_penalty_is_due_every_nth_update_and_n_times_as_strong(kind, rng):
    critic, real, fake = (
        nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Tanh(), nn.Linear(8, 1)),
        samples(),
        samples(),
    )
    nn.init.normal_(critic[1].weight, std=0.2)  # where tanh is not flat
    nn.init.constant_(critic[3].weight, 3.0)  # steep enough for a norm above 1
    add_dropout(critic, 0.5)

    def losses(penalty, update):
        torch.manual_seed(update)
        return penalised(penalty, critic, real, fake, rng(4, update=update), LeastSquares())

    for update in range(5):
        lazy, always = losses(kind(weight=2.0, every=4), update), losses(kind(weight=2.0), update)
        if update in {0, 4}:
            assert lazy["penalty"].item() == pytest.approx(4 * always["penalty"].item(), rel=1e-6)
            assert lazy["adv"].item() == pytest.approx(always["adv"].item(), rel=1e-5)
            assert lazy["penalty"] > 0
        else:
            assert set(lazy) == {"adv"}


def test_several_generated_samples_share_the_penalty_by_weight(rng):
    critic, real = Quadratic(), samples()
    penalties = {"gp": GradientPenalty(weight=1), "r1": R1(weight=1), "r2": R2(weight=1)}
    fakes = [samples(), 2 * samples()]
    weighted = [(Sample(fake), weight) for fake, weight in zip(fakes, (0.25, 0.75), strict=True)]
    losses, _ = Objective(Wasserstein(), penalties).d_losses(critic, Sample(real), weighted, rng(4))
    assert losses["r1"].item() == pytest.approx(squared_slope(real), rel=1e-5)
    assert losses["r2"].item() == pytest.approx(
        0.25 * squared_slope(fakes[0]) + 0.75 * squared_slope(fakes[1]), rel=1e-5
    )
    between = [(0.3 * points.detach().flatten(1).norm(dim=1) - 1).square().mean() for points in critic.shown[-2:]]
    assert losses["gp"].item() == pytest.approx((0.25 * between[0] + 0.75 * between[1]).item(), rel=1e-5)


def squared_slope(points, a=0.3):
    return (a * points).square().flatten(1).sum(1).mean().item()


@pytest.mark.parametrize("kind", GRADIENTS)
def test_penalties_are_computed_in_float32_under_autocast(kind, rng):
    class Conditional(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Tanh(), nn.Flatten(), nn.Linear(288, 5))
            self.embed = nn.Linear(5, 5)

        def forward(self, image, cond):
            return (self.features(image) * self.embed(cond)).sum(1)

    critic, dtypes = Conditional(), []
    critic.features[0].register_forward_hook(lambda module, inputs, output: dtypes.append(output.dtype))
    cond = torch.randn(4, 5).bfloat16()  # as an encoder under autocast leaves it
    real, fake = Sample(samples(), (cond,)), Sample(samples().bfloat16(), (cond,))
    plain = penalised(
        kind(), critic, *(Sample(s.image.float(), (cond.float(),)) for s in (real, fake)), rng(4), Hinge()
    )
    dtypes.clear()
    with torch.autocast("cpu", torch.bfloat16):
        losses = penalised(kind(), critic, real, fake, rng(4), Hinge())
    assert set(dtypes) == {torch.bfloat16, torch.float32}  # the loss's pass, and the penalty's
    assert losses["penalty"].dtype == torch.float32
    assert losses["penalty"].item() == pytest.approx(plain["penalty"].item(), rel=1e-6)
    assert losses["adv"].item() == pytest.approx(plain["adv"].item(), rel=0.02)


def test_a_penalty_that_computes_nothing_says_so():
    judged = Judged(Sample(samples()), Verdict(torch.zeros(4)))
    with pytest.raises(TypeError, match="Penalty computes nothing"):
        Penalty()(nn.Identity(), judged, judged, None)
