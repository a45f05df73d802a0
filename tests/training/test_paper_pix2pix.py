"""The paper preset of pix2pix against the paper, written out by hand: same weights and dropout, in float64."""

import pytest
import torch

from gantools.objectives.grammar import build_objective
from gantools.plugins import manager
from gantools.training.backend import Backend
from gantools.training.run import load_task, resolve
from gantools.training.updates import Updates
from tests.conftest import EXAMPLES


@pytest.fixture(scope="module")
def step():
    """pix2pix by the paper preset, at 64 px and two pairs, before its first update."""
    given = {"preset": "paper", "size": 64, "load_size": 64, "flip": False, "width": 8, "d_width": 8, "batch_size": 2}
    folders = {"a": EXAMPLES / "outline", "b": EXAMPLES / "openmoji"}
    info, config = resolve("pix2pix", {**given, **folders, "device": "cpu"})
    updates = Updates(load_task(info, config), build_objective(config), config, Backend("cpu", "32", None))
    updates.nets.double()
    data = manager().datasets.get("paired").load()(config, lambda *_: None)
    batch = updates.to_device({side: torch.stack([data[k][side] for k in range(2)]) for side in "ab"})
    return updates, {side: pictures.double() for side, pictures in batch.items()}


def _generate(updates, batch):
    torch.manual_seed(3)  # dropout
    return updates.task.forward(updates.nets, batch, updates._rng("forward", 0, 0))


def _cross_entropy(score, real: bool):
    probability = 1 / (1 + torch.exp(-score))
    return -torch.log(probability if real else 1 - probability).mean()


def test_discriminator_loss_is_the_papers(step) -> None:
    updates, batch = step
    a, b, d = batch["a"], batch["b"], updates.nets["d"]
    out = {"fake": _generate(updates, batch)["fake"].detach()}
    ours = updates.task.d_losses(updates.nets, batch, out, updates.objective, updates._rng("d", 0, 0))

    # Equation 1; section 3.3: "we divide the objective by 2 while optimizing D".
    theirs = (_cross_entropy(d(b, a), real=True) + _cross_entropy(d(out["fake"], a), real=False)) / 2

    assert ours.keys() == {"adv"}
    torch.testing.assert_close(ours["adv"], theirs, rtol=1e-10, atol=1e-10)


def test_generator_losses_and_gradients_are_the_papers(step) -> None:
    updates, batch = step
    a, b, d = batch["a"], batch["b"], updates.nets["d"]
    parameters = list(updates.nets.generators.parameters())
    out = _generate(updates, batch)
    ours = updates.task.g_losses(updates.nets, batch, out, updates.objective, updates._rng("g", 0, 0))

    # Section 3.3: maximise log D(x, G(x, z)); equations 3 and 4: lambda = 100.
    torch.manual_seed(3)
    fake = updates.nets["g"](a)
    theirs = {"adv": _cross_entropy(d(fake, a), real=True), "l1": 100 * (b - fake).abs().mean()}

    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-10, atol=1e-10, msg=name)
    mine = torch.autograd.grad(sum(ours.values()), parameters)
    written_out = torch.autograd.grad(sum(theirs.values()), parameters)
    torch.testing.assert_close(mine, written_out, rtol=1e-7, atol=1e-9)


def test_the_preset_is_the_papers() -> None:
    _, config = resolve("pix2pix", {"preset": "paper", "device": "cpu", "a": "x", "b": "y"})
    task = load_task(manager().tasks.get("pix2pix"), config)
    unet = task.generators()["g"]
    critic = task.discriminators(build_objective(config).needs)["d"]
    # The published networks, plus the biases they leave out where no norm follows: outermost 64 and innermost 512.
    assert sum(p.numel() for p in unet.parameters()) == 54_413_955 + 64 + 512
    assert sum(p.numel() for p in critic.parameters()) == 2_768_705
    assert sum(module.p == 0.5 for module in unet.modules() if isinstance(module, torch.nn.Dropout)) == 3
    assert (config.batch_size, config.epochs, config.l1, config.lr_g, config.betas) == (1, 200, 100, 2e-4, (0.5, 0.999))
