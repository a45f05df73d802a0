"""Constraints that let a critic look at the batch, against their formulas."""

import copy
import io

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, leaky_relu

from gantools.errors import GanToolsError
from gantools.networks import AutoEncoder, PatchGAN, PixelGAN
from gantools.objectives import Objective, Sample
from gantools.objectives.batches import MinibatchDiscrimination, MinibatchStddev, VirtualBatchNorm
from gantools.objectives.layers import Head, head_of
from gantools.objectives.losses import LeastSquares
from gantools.objectives.penalties import R1, GradientPenalty


def prepared(critic, *constraints, penalties=None):
    objective = Objective(LeastSquares(), penalties, {type(c).__name__: c for c in constraints})
    objective.prepare(nn.ModuleDict({"d": critic}), "d")
    return objective


def mlp():
    return nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))


CRITICS = {
    "maps": (lambda: PatchGAN(width=4, layers=1), (3, 16, 16)),
    "vectors": (mlp, (6,)),
}


def features_of(critic, x):
    return critic.body(critic.stem(x)) if isinstance(critic, PatchGAN) else critic[1](critic[0](x))


def spread(h):
    """One channel: the standard deviation over the batch, averaged over all features and places."""
    deviation = (h - h.mean(0)).square().mean(0).sqrt().mean()
    return deviation.expand(len(h), 1, *h.shape[2:])


def closeness(h, projection):
    """o_b(x_i) = Σ_{j ≠ i} exp(-Σ_c |M_ibc - M_jbc|), for features averaged over places."""
    flat = h.flatten(2).mean(2) if h.dim() > 2 else h
    n, (features, kernels, dims) = len(h), projection.shape
    m = (flat @ projection.reshape(features, -1)).view(n, kernels, dims)
    rows = [
        [sum(float(torch.exp(-(m[i, b] - m[j, b]).abs().sum())) for j in range(n) if j != i) for b in range(kernels)]
        for i in range(n)
    ]
    return torch.tensor(rows, dtype=h.dtype).view(n, kernels, *[1] * (h.dim() - 2)).expand(-1, -1, *h.shape[2:])


def last_layer(critic, h):
    layer = getattr(*head_of(critic)).layer
    return conv2d(h, layer.weight, layer.bias, padding=1) if h.dim() > 2 else h @ layer.weight.T + layer.bias


@pytest.mark.parametrize("kind", CRITICS)
@pytest.mark.parametrize("order", ["stddev", "discrimination", "both", "both, the other way round"])
def test_scores_equal_the_formulas_and_each_layer_sees_the_features_alone(order, kind):
    make, shape = CRITICS[kind]
    stddev, discrimination = MinibatchStddev(), MinibatchDiscrimination(kernels=3, dims=2)
    chosen = {"stddev": [stddev], "discrimination": [discrimination], "both": [stddev, discrimination]}
    critic = make().double()
    prepared(critic, *chosen.get(order, [discrimination, stddev]))
    critic.double()
    x = torch.randn(4, *shape, dtype=torch.float64)
    with torch.no_grad():
        h = features_of(critic, x)
        (projection,) = [p for name, p in critic.named_parameters() if "projection" in name] or [None]
        more = {"stddev": [spread(h)], "both": [spread(h), None]}.get(
            order, [None, spread(h)][: 1 + ("other" in order)]
        )
        more = [closeness(h, projection) if channel is None else channel for channel in more]
        torch.testing.assert_close(critic(x), last_layer(critic, torch.cat([h, *more], 1)), atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize("make", [m for m, _ in CRITICS.values()], ids=CRITICS)
def test_the_last_layer_is_widened_by_weights_like_its_own(make):
    critic = make()
    before = getattr(*head_of(critic))
    old = before.weight.detach().clone()
    prepared(critic, MinibatchDiscrimination(kernels=200))
    layer = getattr(*head_of(critic)).layer
    assert layer is before
    assert torch.equal(layer.weight[:, : old.shape[1]], old)
    more = layer.weight[:, old.shape[1] :]
    assert more.shape[1] == 200
    assert more.std().item() == pytest.approx(old.std().item(), rel=0.2)
    width = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
    assert width == old.shape[1] + 200
    parameters = dict(critic.named_parameters())
    assert any(value is layer.weight for value in parameters.values())
    assert any(
        name.endswith("projection") and value.shape == (old.shape[1], 200, 5) for name, value in parameters.items()
    )


@pytest.mark.parametrize("constraint", [MinibatchStddev(), MinibatchDiscrimination()])
def test_a_batch_of_equals_is_told_from_one_that_varies_with_finite_gradients(constraint):
    critic = mlp()
    prepared(critic, constraint)
    same = torch.randn(1, 6).expand(4, 6).clone().requires_grad_()
    score = critic(same)
    assert torch.allclose(score, score[0])
    gradients = torch.autograd.grad(score.sum(), [same, *critic.parameters()])
    assert all(gradient.isfinite().all() for gradient in gradients)
    varied = torch.cat([same[:1], torch.randn(3, 6)])
    assert (critic(varied)[0] - score[0]).abs() > 1e-4


@pytest.mark.parametrize("constraint", [MinibatchStddev(), MinibatchDiscrimination()])
def test_real_and_generated_samples_are_judged_apart(constraint, rng):
    critic = PatchGAN(width=4, layers=1)
    objective = prepared(critic, constraint)
    real, fake = torch.randn(3, 3, 16, 16), 4 * torch.randn(3, 3, 16, 16)
    losses, _ = objective.d_losses(critic, Sample(real), [(Sample(fake), 1.0)], rng(3))
    apart = 0.5 * ((critic(real) - 1).square().mean() + critic(fake).square().mean())
    torch.testing.assert_close(losses["adv"], apart)


@pytest.mark.parametrize("constraint", [MinibatchStddev(), MinibatchDiscrimination()])
def test_what_is_computed_over_the_batch_keeps_its_digits_under_autocast(constraint):
    critic = mlp()
    prepared(critic, constraint)
    (across,) = getattr(*head_of(critic)).across
    x = torch.randn(4, 5)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(across(x), across.double()(x.double()).float(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("make", [AutoEncoder, PixelGAN], ids=lambda make: make.__name__)
def test_other_critics_have_a_last_layer_too(make):
    critic = make(width=4)
    prepared(critic, MinibatchStddev(), MinibatchDiscrimination(kernels=2))
    x = torch.randn(2, 3, 16, 16)
    answer = critic(x)
    score = answer if make is PixelGAN else answer.score
    assert all(p.grad is None for p in critic.parameters())
    score.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in critic.parameters())


@pytest.mark.parametrize(
    ("critic", "message"),
    [
        (nn.Sequential(nn.Linear(4, 4), nn.ConvTranspose2d(4, 1, 2)), "a ConvTranspose2d, which cannot be widened"),
        (nn.Sequential(nn.Flatten()), "Sequential has no layers with weights"),
        (nn.Linear(4, 1), "Linear has no layers with weights"),
    ],
)
@pytest.mark.parametrize("constraint", [MinibatchStddev(), MinibatchDiscrimination()])
def test_a_critic_whose_last_layer_cannot_be_widened_is_refused(constraint, critic, message):
    with pytest.raises(GanToolsError, match=message) as caught:
        constraint.apply(critic)
    assert "`head`" in caught.value.hint


class OneNorm(nn.Module):
    """conv, norm, leaky ReLU, conv."""

    def __init__(self, norm):
        super().__init__()
        self.first, self.norm, self.head = nn.Conv2d(3, 4, 3), norm, nn.Conv2d(4, 1, 3)

    def forward(self, image, *cond):
        return self.head(leaky_relu(self.norm(self.first(torch.cat([image, *cond], 1))), 0.2))


def virtual(critic, first, rng):
    """Give a critic virtual batch norm with the reference ``first``."""
    prepared(critic, VirtualBatchNorm()).d_losses(critic, first, [(first, 1.0)], rng(len(first.image)))


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(4), nn.InstanceNorm2d(4)], ids=["batch", "instance"])
def test_virtual_batch_norm_normalises_by_the_reference_and_the_sample_together(norm, rng):
    critic = OneNorm(norm).double()
    reference, x = torch.randn(5, 3, 8, 8).double(), 2 * torch.randn(3, 3, 8, 8).double() + 1
    objective = prepared(critic, VirtualBatchNorm())
    critic.double()
    with torch.no_grad():
        critic.norm.scale.uniform_(0.5, 2)
        critic.norm.shift.normal_()
    objective.d_losses(critic, Sample(reference), [(Sample(x), 1.0)], rng(5))
    objective.d_losses(critic, Sample(x), [(Sample(reference), 1.0)], rng(3, update=1))  # the first real batch stays it
    expected = []
    with torch.no_grad():
        known, scale, shift = (
            critic.first(reference),
            *(p.view(4, 1, 1) for p in (critic.norm.scale, critic.norm.shift)),
        )
        for sample in critic.first(x):
            together = torch.cat([known, sample[None]])
            mean, variance = (
                together.mean((0, 2, 3)).view(4, 1, 1),
                together.var((0, 2, 3), unbiased=False).view(4, 1, 1),
            )
            y = (sample - mean) / (variance + 1e-5).sqrt() * scale + shift
            expected.append(critic.head(leaky_relu(y, 0.2)))
        torch.testing.assert_close(critic(x), torch.stack(expected), atol=1e-9, rtol=1e-9)


def test_the_reference_itself_is_normalised_by_its_own_batch(rng):
    norm = nn.BatchNorm2d(4)
    critic, reference = OneNorm(norm), torch.randn(5, 3, 8, 8)
    plain = copy.deepcopy(critic)
    virtual(critic, Sample(reference), rng)
    seen = []
    critic.head.register_forward_hook(lambda module, inputs, output: seen.append(output))
    critic(reference[:1])
    torch.testing.assert_close(seen[0], plain(reference))  # the pass of the reference comes first
    assert len(seen) == 2


def test_a_score_depends_on_no_other_sample(rng):
    critic = PatchGAN(width=4, layers=2, norm="batch")
    virtual(critic, Sample(torch.randn(4, 3, 32, 32)), rng)
    x = torch.randn(3, 3, 32, 32, requires_grad=True)
    scores = critic(x)
    torch.testing.assert_close(scores[:1], critic(x[:1]), atol=1e-5, rtol=1e-4)
    (gradient,) = torch.autograd.grad(scores[0].sum(), x)
    assert not gradient[1:].any()
    assert gradient[0].any()


def test_the_references_statistics_teach_the_layers_below_too(rng):
    critic = OneNorm(nn.BatchNorm2d(4)).double()
    reference, x = torch.randn(2, 2, 3, 5, 5, dtype=torch.float64)
    objective = prepared(critic, VirtualBatchNorm())
    critic.double()
    objective.d_losses(critic, Sample(reference), [(Sample(x), 1.0)], rng(2))

    def scores(weight):
        return torch.func.functional_call(critic, {"first.weight": weight}, (x,))

    assert torch.autograd.gradcheck(scores, critic.first.weight)


@pytest.mark.parametrize("penalty", [GradientPenalty(), R1()])
def test_with_it_a_critic_with_batch_norm_may_have_a_per_sample_penalty(penalty, rng):
    critic = PatchGAN(width=4, layers=2, norm="batch")
    objective = prepared(critic, VirtualBatchNorm(), penalties={"p": penalty})
    real, fake = Sample(torch.randn(3, 3, 32, 32)), Sample(torch.randn(3, 3, 32, 32))
    losses, _ = objective.d_losses(critic, real, [(fake, 1.0)], rng(3))
    gradients = torch.autograd.grad(losses["p"], list(critic.parameters()), allow_unused=True)
    assert sum(gradient is not None and bool(gradient.any()) for gradient in gradients) >= 5


def test_real_and_generated_samples_are_judged_together_again(rng):
    critic = PatchGAN(width=4, layers=2, norm="batch")
    real, fake = Sample(torch.randn(3, 3, 32, 32)), Sample(torch.randn(3, 3, 32, 32))
    objective = prepared(critic, VirtualBatchNorm())
    sizes = []
    critic.head.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    losses, _ = objective.d_losses(critic, real, [(fake, 1.0)], rng(3))
    assert sizes == [3, 6]
    apart = 0.5 * ((critic(real.image) - 1).square().mean() + critic(fake.image).square().mean())
    torch.testing.assert_close(losses["adv"], apart, atol=1e-5, rtol=1e-5)


def test_the_reference_outlives_a_restart_with_its_condition(rng):
    def build():
        torch.manual_seed(1)
        critics = nn.ModuleDict({name: PatchGAN(6, width=4, layers=1) for name in ("d_a", "d_b")})
        objective = Objective(LeastSquares(), constraints={"virtual-batch-norm": VirtualBatchNorm()})
        objective.prepare(critics, "d")
        return objective, critics

    def play(objective, critics):
        for update, critic in enumerate(critics.values()):
            image, cond, fake = (torch.randn(2, 3, 16, 16) for _ in range(3))
            real = Sample(image, (cond,))
            objective.d_losses(critic, real, [(Sample(fake, (cond,)), 1.0)], rng(2, update=update))

    objective, critics = build()
    empty = objective.state_dict()
    assert empty == {"virtual-batch-norm": [None, None]}
    play(objective, critics)
    saved = io.BytesIO()
    torch.save((objective.state_dict(), critics.state_dict()), saved)
    saved.seek(0)
    again, restored = build()
    again.load_state_dict(empty)
    state, weights = torch.load(saved)
    again.load_state_dict(state)
    restored.load_state_dict(weights)
    play(again, restored)  # other real samples come, and change nothing
    x = torch.randn(3, 3, 16, 16), torch.randn(3, 3, 16, 16)
    for name, critic in critics.items():
        assert torch.equal(critic(*x), restored[name](*x))
    assert not torch.equal(critics["d_a"](*x), critics["d_b"](*x))


def test_a_failed_pass_leaves_nothing_behind(rng):
    critic = OneNorm(nn.BatchNorm2d(4))
    virtual(critic, Sample(torch.randn(2, 3, 8, 8)), rng)
    x = torch.randn(2, 3, 8, 8)
    before = critic(x)
    with pytest.raises(RuntimeError):
        critic(torch.randn(2, 7, 8, 8))
    assert critic.norm.reference is None
    assert torch.equal(critic(x), before)


def test_a_critic_without_norms_is_refused():
    with pytest.raises(GanToolsError, match="virtual-batch-norm replaces norm layers, and PatchGAN has none") as caught:
        prepared(PatchGAN(width=4, layers=1, norm="none"), VirtualBatchNorm())
    assert "leave the constraint out" in caught.value.hint


def test_the_head_is_what_the_next_layer_is_added_to():
    critic = PatchGAN(width=4, layers=1)
    for constraint in (MinibatchStddev(), MinibatchStddev(), MinibatchDiscrimination(kernels=2)):
        constraint.apply(critic)
    assert isinstance(critic.head, Head)
    assert (critic.head.features, critic.head.layer.in_channels) == (8, 8 + 1 + 1 + 2)
