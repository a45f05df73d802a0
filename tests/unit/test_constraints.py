"""Constraints on weights: clipping, spectral norm, historical averaging."""

import io

import pytest
import torch
from torch import nn

from gantools.networks import PatchGAN, ResNetGenerator
from gantools.objectives import Objective, Sample
from gantools.objectives.batches import MinibatchDiscrimination, MinibatchStddev, VirtualBatchNorm
from gantools.objectives.constraints import HistoricalAveraging, SpectralNorm, WeightClipping, plain_state
from gantools.objectives.losses import LeastSquares, Wasserstein
from gantools.objectives.penalties import GradientPenalty


def constrained(**constraints):
    return Objective(Wasserstein(), constraints={name.replace("_", "-"): c for name, c in constraints.items()})


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
        constraint.before_update(layers)
    one = torch.ones(6)
    torch.testing.assert_close(largest_singular_values(layers), one, atol=0.01, rtol=0)
    with torch.no_grad():
        for parameter in layers.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.1)
    assert (largest_singular_values(layers) - 1).abs().max() > 0.05
    for _ in range(100):
        constraint.before_update(layers)  # the estimate follows the weights
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
        constraint.before_update(layer)
        first = layer(x)
        assert torch.equal(layer(x), first)
        assert torch.equal(layer.eval()(x), first)
        layer.train()
        v = weight.T @ u / (weight.T @ u).norm()
        u = weight @ v / (weight @ v).norm()
        torch.testing.assert_close(first.detach().T.double(), weight / (u @ weight @ v), atol=1e-6, rtol=1e-5)


def test_a_gradient_penalty_differentiates_through_spectral_norm(rng):
    critic = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(144, 1))
    objective = Objective(Wasserstein(), {"gp": GradientPenalty(weight=1.0)}, {"spectral-norm": SpectralNorm()})
    critics = nn.ModuleDict({"d": critic})
    objective.prepare(critics, "d")
    objective.before_update(critics, "d")
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


def test_spectral_norm_is_for_discriminators_unless_both_are_meant():
    for on, constrained_players in (("d", {"d"}), ("both", {"d", "g"})):
        objective, found = constrained(spectral_norm=SpectralNorm(on=on)), set()
        for player in ("d", "g"):
            networks = nn.ModuleDict({"one": nn.Linear(9, 9), "other": nn.Linear(9, 9)})
            objective.prepare(networks, player)
            before = {name: buffer.clone() for name, buffer in networks.named_buffers()}
            objective.before_update(networks, player)
            if before:
                found.add(player)
                assert len(before) == 4
                assert all(not torch.equal(buffer, before[name]) for name, buffer in networks.named_buffers())
        assert found == constrained_players


@pytest.mark.parametrize("first", ["batch layers", "spectral norm"])
def test_spectral_norm_divides_what_the_batch_layers_have_widened(first):
    layers = {
        "discrimination": MinibatchDiscrimination(kernels=2),
        "stddev": MinibatchStddev(),
        "vbn": VirtualBatchNorm(),
    }
    norm = {"spectral_norm": SpectralNorm()}
    objective = constrained(**(norm | layers if first == "spectral norm" else layers | norm))
    critics = nn.ModuleDict({"d": PatchGAN(width=8, layers=1)})
    objective.prepare(critics, "d")
    for _ in range(100):
        objective.before_update(critics, "d")
    last = critics["d"].head.layer
    assert last.weight.shape == (1, 16 + 3, 4, 4)
    torch.testing.assert_close(largest_singular_values(critics), torch.ones(3), atol=0.01, rtol=0)


def test_saved_weights_are_plain_and_equal_the_divided_ones():
    generators = nn.ModuleDict({"g": ResNetGenerator(width=4, blocks=1, upsample="transpose")})
    names = list(generators.state_dict())
    objective = constrained(spectral_norm=SpectralNorm(on="both"))
    objective.prepare(generators, "g")
    objective.before_update(generators, "g")
    state = plain_state(generators)
    assert sorted(state) == sorted(names)
    assert not any(tensor.requires_grad for tensor in state.values())
    plain = nn.ModuleDict({"g": ResNetGenerator(width=4, blocks=1, upsample="transpose")})
    plain.load_state_dict(state)
    image = torch.randn(1, 3, 16, 16)
    assert torch.equal(plain["g"](image), generators["g"](image))
    assert largest_singular_values(plain).max() < 1.3
    assert plain_state(plain).keys() == state.keys()


def test_weight_clipping_bounds_every_parameter_after_the_update_and_leaves_the_others():
    critics = nn.ModuleDict({"d": PatchGAN(width=8, layers=2)})
    objective = constrained(weight_clipping=WeightClipping(c=0.02))
    for player in ("d", "g"):
        objective.prepare(critics, player)
        objective.before_update(critics, player)
    objective.after_update(critics, "g")
    before = [p.detach().clone() for p in critics.parameters()]
    assert max(p.abs().max() for p in before) > 0.02
    objective.after_update(critics, "d")
    for old, new in zip(before, critics.parameters(), strict=True):
        assert new.abs().max() <= 0.02
        inside = old.abs() <= 0.02
        assert torch.equal(new[inside], old[inside])
        assert torch.equal(new.sign(), old.sign())


class Game:
    """A player's networks under historical averaging, moved at random; their history kept by hand."""

    def __init__(self, player, objective, **networks):
        self.player, self.objective = player, objective
        self.networks = nn.ModuleDict(networks)
        objective.prepare(self.networks, player)
        self.history = []

    def update(self):
        self.objective.before_update(self.networks, self.player)
        with torch.no_grad():
            for parameter in self.networks.parameters():
                parameter.add_(torch.randn_like(parameter))
        self.objective.after_update(self.networks, self.player)
        self.history.append([p.detach().double().clone() for p in self.networks.parameters()])

    def expect(self, weight):
        """The term is weight ‖θ - mean of the past‖², and its gradient 2 weight (θ - mean)."""
        parameters = list(self.networks.parameters())
        means = [sum(past) / len(self.history) for past in zip(*self.history, strict=True)]
        away = [now.detach().double() - then for now, then in zip(parameters, means, strict=True)]
        losses = self.objective.parameter_losses(self.networks, self.player)
        assert set(losses) == {"historical-averaging"}
        term = losses["historical-averaging"]
        assert term.item() == pytest.approx(weight * sum(a.square().sum().item() for a in away), rel=1e-5, abs=1e-9)
        for gradient, a in zip(torch.autograd.grad(term, parameters), away, strict=True):
            torch.testing.assert_close(gradient, 2 * weight * a.float(), atol=1e-5, rtol=1e-5)


def test_historical_averaging_holds_both_players_to_the_mean_of_their_past():
    objective = constrained(historical_averaging=HistoricalAveraging(weight=0.3))
    games = [
        Game("g", objective, g=nn.Linear(3, 2)),
        Game("d", objective, d_a=nn.Linear(2, 2), d_b=nn.Linear(2, 1)),
    ]
    for game in games:
        assert objective.parameter_losses(game.networks, game.player) == {}  # there is no past yet
    for _ in range(3):
        for game in games:
            game.update()
            game.expect(0.3)
    for game in games:  # away from where the last update ended
        with torch.no_grad():
            for parameter in game.networks.parameters():
                parameter.normal_()
        game.expect(0.3)


def test_historical_averaging_of_the_discriminators_alone():
    objective = constrained(historical_averaging=HistoricalAveraging(on="d"))
    g, d = Game("g", objective, g=nn.Linear(2, 2)), Game("d", objective, d=nn.Linear(2, 2))
    for game in (g, d):
        game.update()
    assert objective.parameter_losses(g.networks, "g") == {}
    d.expect(1.0)


def test_the_past_outlives_a_restart():
    objective = constrained(historical_averaging=HistoricalAveraging())
    games = [Game("g", objective, g=nn.Linear(3, 2)), Game("d", objective, d=nn.Linear(2, 2))]
    for game in games * 2:
        game.update()
    saved = io.BytesIO()
    torch.save(objective.state_dict(), saved)
    saved.seek(0)
    again = constrained(historical_averaging=HistoricalAveraging())
    for game in games:
        game.objective = again
        again.prepare(game.networks, game.player)
    again.load_state_dict(torch.load(saved))
    for game in games:
        game.expect(1.0)
        game.update()
        game.expect(1.0)


def test_constraints_of_one_kind_do_not_share_what_they_remember():
    pasts = []
    for seed in range(2):
        torch.manual_seed(seed)
        game = Game("d", constrained(historical_averaging=HistoricalAveraging()), d=nn.Linear(2, 2))
        game.update()
        game.expect(1.0)
        pasts.append(game.objective.state_dict()["historical-averaging"][0]["values"])
    assert not torch.equal(pasts[0][0], pasts[1][0])


def test_an_objective_remembers_nothing_by_itself():
    objective = Objective(LeastSquares(), {"gp": GradientPenalty()}, {"clip": WeightClipping()})
    assert objective.state_dict() == {"clip": []}
    objective.load_state_dict({"clip": []})
