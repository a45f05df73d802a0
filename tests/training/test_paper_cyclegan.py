"""The paper preset against the paper: one step's losses written out by hand, same weights and pictures, in float64."""

import pytest
import torch

from gantools.objectives.grammar import build_objective
from gantools.plugins import manager
from gantools.training.backend import Backend
from gantools.training.run import load_task, resolve
from gantools.training.updates import Updates


@pytest.fixture(scope="module")
def step():
    """CycleGAN by the paper preset, at 64 px and two pictures a side, before its first update."""
    from tests.conftest import EXAMPLES

    given = {"preset": "paper", "size": 64, "load_size": 64, "flip": False, "width": 16, "d_width": 16, "batch_size": 2}
    info, config = resolve("cyclegan", {**given, "device": "cpu", "a": EXAMPLES / "noto", "b": EXAMPLES / "fluent3d"})
    updates = Updates(load_task(info, config), build_objective(config), config, Backend("cpu", "32", None))
    with torch.no_grad():  # weights as wide as after some training, so that every term counts
        for parameter in updates.nets.parameters():
            parameter.mul_(2)
    updates.nets.double()
    data = manager().datasets.get("unpaired").load()(config, lambda *_: None)
    batch = updates.to_device({side: torch.stack([data[k][side] for k in range(2)]) for side in "ab"})
    return updates, {side: pictures.double() for side, pictures in batch.items()}


def test_discriminator_losses_are_the_papers(step) -> None:
    updates, batch = step
    a, b = batch["a"], batch["b"]
    nets = updates.nets
    with torch.no_grad():
        out = updates.task.forward(nets, batch, updates._rng("forward", 0, 0))
    ours = updates.task.d_losses(nets, batch, out, updates.objective, updates._rng("d", 0, 0))

    # Section 4: minimise E[(D(y) - 1)²] + E[D(G(x))²]; "divide the objective by 2 while optimizing D".
    fake_a, fake_b = nets["g_ba"](b).detach(), nets["g_ab"](a).detach()
    d_a = ((nets["d_a"](a) - 1) ** 2).mean() / 2 + (nets["d_a"](fake_a) ** 2).mean() / 2
    d_b = ((nets["d_b"](b) - 1) ** 2).mean() / 2 + (nets["d_b"](fake_b) ** 2).mean() / 2

    assert ours.keys() == {"adv_a", "adv_b"}
    torch.testing.assert_close([ours["adv_a"], ours["adv_b"]], [d_a, d_b], rtol=1e-10, atol=1e-10)


def test_generator_losses_and_gradients_are_the_papers(step) -> None:
    updates, batch = step
    a, b = batch["a"], batch["b"]
    nets = updates.nets
    generators = list(nets.generators.parameters())
    out = updates.task.forward(nets, batch, updates._rng("forward", 0, 0))
    ours = updates.task.g_losses(nets, batch, out, updates.objective, updates._rng("g", 0, 0))

    # Section 3: E[(D(G(x)) - 1)²] + 10 * (|F(G(x)) - x| + |G(F(y)) - y|); section 5.2: 0.5 * 10 * |G(y) - y|.
    g, f = nets["g_ab"], nets["g_ba"]
    expected = {
        "adv_b": ((nets["d_b"](g(a)) - 1) ** 2).mean(),
        "adv_a": ((nets["d_a"](f(b)) - 1) ** 2).mean(),
        "cycle_a": 10 * (f(g(a)) - a).abs().mean(),
        "cycle_b": 10 * (g(f(b)) - b).abs().mean(),
        "identity_b": 5 * (g(b) - b).abs().mean(),
        "identity_a": 5 * (f(a) - a).abs().mean(),
    }

    assert ours.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-10, atol=1e-10, msg=name)
    mine = torch.autograd.grad(sum(ours.values()), generators)
    theirs = torch.autograd.grad(sum(expected.values()), generators)
    torch.testing.assert_close(mine, theirs, rtol=1e-8, atol=1e-10)


def test_the_preset_is_the_papers() -> None:
    _, config = resolve("cyclegan", {"preset": "paper", "device": "cpu", "a": "x", "b": "y"})
    networks = load_task(manager().tasks.get("cyclegan"), config).generators()
    # 11,378,179 parameters of the published 9-block generator, less the biases in front of its 23 instance norms:
    # 64 + 128 + 256 + 18 * 256 + 128 + 64.
    assert sum(p.numel() for p in networks["g_ab"].parameters()) == 11_378_179 - (64 + 128 + 256 + 18 * 256 + 128 + 64)
    assert (config.batch_size, config.epochs, config.size, config.load_size) == (1, 200, 256, 286)
    assert (config.lr_g, config.lr_d, config.betas, config.decay_from) == (2e-4, 2e-4, (0.5, 0.999), 0.5)
    assert (config.cycle, config.identity, config.pool_size, config.objective) == (10, 0.5, 50, "lsgan")
