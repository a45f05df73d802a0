"""The paper preset against the paper: one step's losses written out by hand, same weights and pictures, in float64."""

import pytest
import torch
from torch.nn.functional import one_hot

from gantools.objectives.grammar import build_objective
from gantools.plugins import manager
from gantools.training.backend import Backend
from gantools.training.run import load_task, resolve
from gantools.training.schedule import Schedule
from gantools.training.updates import Updates

SMALL = {"size": 32, "load_size": 32, "width": 8, "blocks": 2, "d_width": 8, "d_layers": 3}


@pytest.fixture(scope="module")
def step(tmp_path_factory):
    """StarGAN by the paper preset, at 32 px and four pictures of two domains, before its first update."""
    from tests.conftest import EXAMPLES

    folder = tmp_path_factory.mktemp("styles")
    for name in ("noto", "twemoji"):
        (folder / name).symlink_to(EXAMPLES / name)
    given = {"preset": "paper", **SMALL, "flip": False, "batch_size": 4, "device": "cpu", "data": folder}
    info, config = resolve("stargan", given)
    updates = Updates(load_task(info, config), build_objective(config), config, Backend("cpu", "32", None))
    with torch.no_grad():  # weights as wide as after some training, so that every term counts
        for parameter in updates.nets.parameters():
            parameter.mul_(2)
    updates.nets.double()
    data = manager().datasets.get("domains").load()(config, lambda *_: None)
    samples = [data[k] for k in range(4)]
    batch = updates.to_device({name: torch.stack([sample[name] for sample in samples]) for name in samples[0]})
    return updates, {name: value.double() if name != "set" else value for name, value in batch.items()}


def told(logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Equations 2 and 3: E[-log D_cls(c | x)]."""
    return -(logits.softmax(1).log() * label).sum(1).mean()


def test_discriminator_losses_are_the_papers(step) -> None:
    updates, batch = step
    nets, x = updates.nets, batch["image"]
    with torch.no_grad():
        fake = updates.task.forward(nets, batch, updates._rng("forward", 0, 0))["fake"]
    ours = updates.task.d_losses(nets, batch, {"fake": fake}, updates.objective, updates._rng("d", 0, 0))

    # Equation 8: -E[D(x)] + E[D(G(x, c))] + 10 E[(|grad D(x^)| - 1)²], and equation 5: + 1 * L_cls of real pictures.
    real = nets["d"](x)
    assert ours.keys() == {"adv", "gp", "classification"}
    share = updates._rng("d", 0, 0).uniform(1, 1, 1).double()
    between = (share * x + (1 - share) * fake).requires_grad_()
    slopes = torch.autograd.grad(nets["d"](between).score.mean((1, 2, 3)).sum(), between)[0].flatten(1).norm(dim=1)
    torch.testing.assert_close(ours["gp"].double(), 10 * ((slopes - 1) ** 2).mean(), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(ours["adv"], nets["d"](fake).score.mean() - real.score.mean(), rtol=1e-10, atol=1e-10)
    expected = told(real.aux["domains"], batch["label"])
    torch.testing.assert_close(ours["classification"].double(), expected, rtol=1e-6, atol=1e-6)


def test_generator_losses_are_the_papers(step) -> None:
    updates, batch = step
    nets, x = updates.nets, batch["image"]
    out = updates.task.forward(nets, batch, updates._rng("forward", 0, 0))
    ours = updates.task.g_losses(nets, batch, out, updates.objective, updates._rng("g", 0, 0))

    # Equation 6: L_adv + 1 * L_cls of translations + 10 * L_rec, with equation 4: |x - G(G(x, c), c')|.
    fake = nets["g"](x, batch["target"])
    expected = {
        "adv": -nets["d"](fake).score.mean(),
        "classification": told(nets["d"](fake).aux["domains"], batch["target"]),
        "reconstruction": 10 * (x - nets["g"](fake, batch["label"])).abs().mean(),
    }
    assert ours.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(ours[name].double(), value, rtol=1e-6, atol=1e-6, msg=name)


def test_several_data_sets_tell_the_generator_which_one_the_labels_are_of() -> None:
    # Equation 7: c~ = [c_1, ..., c_n, m], the unknown labels zeros, m a one-hot vector of the data set.
    given = {**SMALL, "device": "cpu", "select": ["Dark,Old", "noto,twemoji"], "labels": ["independent", "exclusive"]}
    task = load_task(*resolve("stargan", given))
    label = torch.tensor([[1.0, 0, 0, 0], [0, 0, 0, 1]])
    assert torch.equal(
        task.labels.told(label, torch.tensor([0, 1])), torch.cat([label, one_hot(torch.tensor([0, 1]))], 1)
    )


def test_the_preset_is_the_papers_and_its_rates_fall_to_0() -> None:
    _, config = resolve("stargan", {"preset": "paper", "device": "cpu", "select": "a,b", "labels": "exclusive"})
    assert (config.batch_size, config.steps, config.n_critic, config.size) == (16, 40_000, 5, 128)
    assert (config.lr_g, config.lr_d, config.betas, config.objective) == (1e-4, 1e-4, (0.5, 0.999), "wgan-gp")
    assert (config.classification, config.reconstruction, config.identity) == (1, 10, 0)
    assert (config.norm, config.upsample, config.skips, config.projection) == ("instance", "transpose", False, False)
    schedule = Schedule(config, 1000)
    assert [schedule.factor(step) for step in (0, 20_000, 30_000)] == [1, 1, 0.5]
    assert schedule.factor(39_999) < 1e-3
