"""The conformance suite finds what it is for: CycleGANs with one mistake each."""

from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch
from torch import nn

from gantools import hookimpl
from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.registry import PluginRecord
from gantools.testing import TaskConformance
from gantools_cyclegan.task import CycleGAN


class Suite(TaskConformance):
    task = "mistaken"
    settings: ClassVar = {"size": 32, "width": 4, "blocks": 1, "d_layers": 2, "pool_size": 2}


class Unseeded(CycleGAN):
    def generators(self):
        networks = super().generators()
        torch.seed()
        return {name: network.apply(_redraw) for name, network in networks.items()}


class Unused(CycleGAN):
    def discriminators(self, needs):
        return {**super().discriminators(needs), "d_idle": nn.Conv2d(3, 1, 1)}


class Straying(CycleGAN):
    def d_losses(self, nets, batch, out, objective, rng):
        again = {**out, "fake_b": nets["g_ab"](batch["a"])}
        self.pools["b"].capacity = 0
        return super().d_losses(nets, batch, again, objective, rng)


class Ineffective(CycleGAN):
    """Leaves `g_ba` to losses of weight 0."""

    def g_losses(self, nets, batch, out, objective, rng):
        losses = super().g_losses(nets, batch, out, objective, rng)
        idle = {"adv_a", "identity_a", "cycle_a", "cycle_b"}
        return {name: 0 * value if name in idle else value for name, value in losses.items()}


class Noisy(CycleGAN):
    def forward(self, nets, batch, rng):
        noisy = {side: images + 0.1 * torch.randn_like(images) for side, images in batch.items()}
        return super().forward(nets, noisy, rng)


class Summing(CycleGAN):
    def g_losses(self, nets, batch, out, objective, rng):
        losses = super().g_losses(nets, batch, out, objective, rng)
        return {name: value * len(batch["a"]) for name, value in losses.items()}


class Infinite(CycleGAN):
    def g_losses(self, nets, batch, out, objective, rng):
        return {**super().g_losses(nets, batch, out, objective, rng), "log": torch.zeros(()).log()}


class Cropping(CycleGAN):
    def translate(self, nets, images, options):
        return super().translate(nets, images, options)[..., : images.shape[-2] // 4 * 4, :]


class Overflowing(CycleGAN):
    def translate(self, nets, images, options):
        return 2 + super().translate(nets, images, options)


class Ragged(CycleGAN):
    def grid(self, nets, batch):
        columns = super().grid(nets, batch)
        return {**columns, "A": columns["A"][:1]}


class Forgetful(CycleGAN):
    def load_state_dict(self, state):
        pass


class Wandering(CycleGAN):
    """Translates by something that the weights do not hold."""

    scale = 1.0

    def g_losses(self, nets, batch, out, objective, rng):
        self.scale = 0.5
        return super().g_losses(nets, batch, out, objective, rng)

    def translate(self, nets, images, options):
        return self.scale * super().translate(nets, images, options)


class Peeking(CycleGAN):
    """Looks at the whole picture, and does not say so."""

    def translate(self, nets, images, options):
        return super().translate(nets, images - images.mean((2, 3), keepdim=True), options)


class Fragile(CycleGAN):
    def d_losses(self, nets, batch, out, objective, rng):
        assert not objective.penalties, "no penalties, please"
        return super().d_losses(nets, batch, out, objective, rng)


class Deaf(CycleGAN):
    """A critic has a layer that only some objectives reach."""

    def discriminators(self, needs):
        networks = super().discriminators(needs)
        if needs.real_in_g:
            networks["d_a"].idle = nn.Linear(1, 1)
        return networks


class Broken(CycleGAN):
    """The generators' gradient is not finite, though every loss is."""

    def g_losses(self, nets, batch, out, objective, rng):
        losses = super().g_losses(nets, batch, out, objective, rng)
        return {**losses, "root": (0 * next(nets["g_ab"].parameters())).square().sum().sqrt()}


class Refusing(CycleGAN):
    def discriminators(self, needs):
        if needs.critic == "autoencoder":
            raise GanToolsError("no time for that", "leave it")
        return super().discriminators(needs)


class HalfBlind(CycleGAN):
    def d_losses(self, nets, batch, out, objective, rng):
        losses = super().d_losses(nets, batch, out, objective, rng)
        if torch.is_autocast_enabled("cpu"):
            return {name: value / 0 for name, value in losses.items()}
        return losses


class Shifting(CycleGAN):
    """A critic is built otherwise for every seed, so that nobody else's weights fit it."""

    def discriminators(self, needs):
        networks = super().discriminators(needs)
        networks["d_a"].idle = nn.Linear(1, 1 + self.config.seed)
        return networks


def _redraw(module):
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight)


MISTAKES = {
    "test_networks_build": (Unseeded, "networks built twice differ"),
    "test_losses_are_finite_scalars": (Infinite, "loss `log` is -inf"),
    "test_gradients_stay_with_their_player": (Straying, "the losses of the discriminators reach"),
    "test_training_moves_every_parameter": (Ineffective, r"leave \['generators.g_ba"),
    "test_random_numbers_come_from_rng_alone": (Noisy, "global seeds differ"),
    "test_losses_are_means_over_samples": (Summing, "an update in two parts differs"),
    "test_translation_keeps_size_and_range": (Cropping, "became"),
    "test_grid_renders": (Ragged, "different lengths"),
    "test_weights_describe_themselves": (Wandering, "translate differently"),
    "test_tiles_make_the_whole_picture": (Peeking, "`view` promises too much"),
    "test_resuming_changes_nothing": (Forgetful, "networks differ"),
    "test_a_run_may_begin_with_weights": (Shifting, "discriminators differ"),
    "test_every_objective_trains": (Fragile, "no penalties"),
    "test_bf16_stays_finite": (HalfBlind, "not finite"),
}


@pytest.fixture
def register():
    """Return a function that registers a Task class as the task `mistaken`."""
    record = PluginRecord("mistakes", "gantools-test", "1.0")

    def enter(cls):
        info = replace(manager().tasks.get("cyclegan"), name="mistaken", task=f"{cls.__module__}:{cls.__qualname__}")
        plugin = SimpleNamespace(gantools_register_tasks=hookimpl(lambda register: register(info)))
        manager().register(plugin, record)

    yield enter
    manager().unregister(record.name)


@pytest.mark.parametrize("check", [name for name in vars(TaskConformance) if name.startswith("test_")])
def test_each_check_finds_its_mistake(check, register, tmp_path):
    cls, message = MISTAKES[check]
    register(cls)
    with pytest.raises(AssertionError, match=message):
        getattr(Suite(), check)(tmp_path)


@pytest.mark.parametrize(
    ("check", "cls", "message"),
    [
        ("test_gradients_stay_with_their_player", Unused, r"no gradient reaches \['discriminators.d_idle"),
        ("test_translation_keeps_size_and_range", Overflowing, "a translation reaches"),
        ("test_every_objective_trains", Deaf, r"no finite gradient reaches \['discriminators.d_a.idle.bias"),
        ("test_every_objective_trains", Broken, r"no finite gradient reaches .*'generators.g_ab"),
        ("test_every_objective_trains", Refusing, "`ebgan` is refused: no time for that"),
    ],
)
def test_further_mistakes(check, cls, message, register, tmp_path):
    register(cls)
    with pytest.raises(AssertionError, match=message):
        getattr(Suite(), check)(tmp_path)
