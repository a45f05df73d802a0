"""Constraints on the critic."""

import pytest
import torch
from torch import nn

from gantools.networks import PatchGAN
from gantools.objectives import Objective, Sample
from gantools.objectives.constraints import SpectralNorm, WeightClipping
from gantools.objectives.losses import Wasserstein
from gantools.objectives.penalties import GradientPenalty


def largest_singular_values(network):
    values = []
    for layer in network.modules():
        if isinstance(layer, nn.ConvTranspose2d):  # its weight is [in, out, h, w]
            values.append(torch.linalg.svdvals(layer.weight.transpose(0, 1).flatten(1))[0])
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            values.append(torch.linalg.svdvals(layer.weight.flatten(1))[0])
    return torch.stack(values)


def test_spectral_norm_brings_every_layers_singular_value_to_1():
    layers = nn.Sequential(nn.Linear(20, 30), nn.ConvTranspose2d(5, 7, 3), PatchGAN(width=8, layers=2))
    constraint = SpectralNorm()
    constraint.apply(layers)
    for _ in range(100):
        constraint.before_d_update(layers)
    one = torch.ones(6)
    torch.testing.assert_close(largest_singular_values(layers), one, atol=0.01, rtol=0)
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    assert (largest_singular_values(layers) - 1).abs().max() > 0.05
    for _ in range(100):
        constraint.before_d_update(layers)  # the estimate follows the weights
    torch.testing.assert_close(largest_singular_values(layers), one, atol=0.01, rtol=0)


def test_spectral_norm_makes_one_power_iteration_an_update_however_many_passes():
    layer = nn.Linear(12, 9, bias=False)
    constraint = SpectralNorm()
    constraint.apply(layer)
    (original,) = layer.parameters()
    with torch.no_grad():
        original.copy_(torch.randn(9, 12))  # far from converged, so that every iteration shows
    x = torch.eye(12)
    state = {name.rpartition(".")[2]: value.clone() for name, value in layer.named_buffers()}
    weight, u = original.detach().double(), state["u"].double()
    for _ in range(3):
        constraint.before_d_update(layer)
        first = layer(x)
        assert torch.equal(layer(x), first)
        assert torch.equal(layer.eval()(x), first)
        layer.train()
        v = weight.T @ u / (weight.T @ u).norm()
        u = weight @ v / (weight @ v).norm()
        torch.testing.assert_close(first.detach().T.double(), weight / (u @ weight @ v), atol=1e-6, rtol=1e-5)


def test_a_gradient_penalty_differentiates_through_spectral_norm(rng):
    critic = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(144, 1))
    objective = Objective(Wasserstein(), {"gp": GradientPenalty(weight=1.0)}, [SpectralNorm()])
    objective.prepare(critic)
    objective.before_d_update(critic)
    real, fake = Sample(torch.randn(3, 3, 8, 8)), Sample(torch.randn(3, 3, 8, 8))

    def penalty():
        return objective.d_losses(critic, real, [(fake, 1.0)], rng(3))[0]["gp"]

    weights = [p for name, p in critic.named_parameters() if "original" in name]
    directions = [torch.randn_like(w) * w.norm() / w.numel() ** 0.5 for w in weights]
    gradients = torch.autograd.grad(penalty(), weights)
    slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True)).item()
    sides = []
    for eps in (0.01, -0.02):  # 0.01 to one side of where it stands, then to the other
        with torch.no_grad():
            torch._foreach_add_(weights, directions, alpha=eps)
        sides.append(penalty().item())
    assert slope == pytest.approx((sides[0] - sides[1]) / 0.02, rel=0.02)
    assert abs(slope) > 1e-3


def test_spectral_norm_keeps_its_precision_under_autocast():
    layer = nn.Linear(64, 48)
    SpectralNorm().apply(layer)
    exact = layer.weight.detach()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer.weight.detach(), exact)
        assert layer(torch.randn(2, 64)).dtype == torch.bfloat16


def test_weight_clipping_bounds_every_parameter_after_the_update_and_leaves_the_others():
    critic = PatchGAN(width=8, layers=2)
    objective = Objective(Wasserstein(), constraints=[WeightClipping(c=0.02)])
    objective.prepare(critic)
    objective.before_d_update(critic)
    before = [p.detach().clone() for p in critic.parameters()]
    assert max(p.abs().max() for p in before) > 0.02
    objective.after_d_update(critic)
    for old, new in zip(before, critic.parameters(), strict=True):
        assert new.abs().max() <= 0.02
        inside = old.abs() <= 0.02
        assert torch.equal(new[inside], old[inside])
        assert torch.equal(new.sign(), old.sign())
