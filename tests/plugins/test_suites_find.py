"""The suites for objectives and metrics hold for every one of ours, and find what they are for."""

from types import SimpleNamespace
from typing import ClassVar

import pytest
import torch

from gantools import GanToolsError, hookimpl
from gantools.metrics import Metric, Value
from gantools.objectives import Loss
from gantools.plugins import manager
from gantools.registry import PluginRecord
from gantools.testing import conformance
from gantools.testing.metric import evidence

for _entry in [*manager().objectives, *manager().metrics]:
    _suite = conformance(_entry.name)
    if hasattr(_suite, "test_every_task_trains_with_it"):  # the tasks' own suites train with every objective
        _suite.test_every_task_trains_with_it = None
    globals()[f"Test_{_entry.name.replace('-', '_')}"] = _suite


class Good(Loss):
    formula_d = "E (1 - D(x))² + E D(G(z))²"
    use = "here"

    def d_loss(self, real, fake):
        return (1 - real.score).square().mean() + fake.score.square().mean()

    def g_loss(self, fake, real):
        return (1 - fake.score).square().mean()


class Silent(Good):
    use = ""


class Turned(Good):
    def g_loss(self, fake, real):
        return fake.score.square().mean()


class Unreduced(Good):
    def d_loss(self, real, fake):
        return real.score - fake.score


class Exploding(Good):
    def d_loss(self, real, fake):
        return super().d_loss(real, fake) + (10 * fake.score.abs().mean()).exp() * torch.inf


class Deaf(Good):
    def g_loss(self, fake, real):
        return super().g_loss(fake, real).detach() + 0 * fake.score.sum()


class Sharp(Metric):
    """Whatever."""

    needs: ClassVar = frozenset({"pairs"})
    better: ClassVar = "lower"

    def __call__(self, seen):
        return Value(sum((seen.made[i].float() - seen.real[j]).abs().mean().item() for i, j in seen.pairs), None, 12)


class First(Sharp):
    def __call__(self, seen):
        return Value(seen.made[0].float().mean().item(), None, 1)


class Drawing(Sharp):
    def __call__(self, seen):
        return Value(torch.rand(()).item(), None, 12)


class Infinite(Sharp):
    def __call__(self, seen):
        return Value(float("inf"), None, 12)


class Upside(Sharp):
    better: ClassVar = "higher"


class Everywhere(Sharp):
    def applies(self, seen):
        return True


LOSSES = {
    "test_it_describes_itself": (Silent, r"says nothing of \['use'\]"),
    "test_a_higher_score_means_more_real": (Turned, "does not mean more real"),
    "test_losses_are_finite_scalars": (Unreduced, "has shape"),
    "test_both_players_learn": (Deaf, "no gradient reaches the picture"),
}
METRICS = {
    "test_the_order_of_pictures_does_not_matter": (First, "became"),
    "test_its_figure_is_finite_and_the_same_again": (Drawing, "became"),
    "test_noise_is_not_better_than_the_truth": (Upside, "higher is said to be better"),
    "test_it_does_not_apply_where_what_it_needs_is_missing": (Everywhere, "applies without"),
}


@pytest.fixture
def register():
    """Return a function that registers a class as the loss or metric `mistaken`."""

    def enter(cls, kind):
        where = f"{cls.__module__}:{cls.__qualname__}"
        hooks = {
            "loss": {"gantools_register_objectives": lambda register: register("mistaken", "loss", where, "x")},
            "metric": {"gantools_register_metrics": lambda register: register("mistaken", where, "x")},
        }
        plugin = SimpleNamespace(**{name: hookimpl(hook) for name, hook in hooks[kind].items()})
        manager().register(plugin, PluginRecord("mistakes", "gantools-test", "1.0"))
        return conformance("mistaken")()

    yield enter
    manager().unregister("mistakes")


@pytest.mark.parametrize("check", LOSSES)
def test_each_check_of_an_objective_finds_its_mistake(check, register):
    cls, message = LOSSES[check]
    with pytest.raises(AssertionError, match=message):
        getattr(register(cls, "loss"), check)()


@pytest.mark.parametrize("cls", [Exploding])
def test_infinite_losses_are_found(cls, register):
    with pytest.raises(AssertionError, match="is inf"):
        register(cls, "loss").test_losses_are_finite_scalars()


@pytest.mark.parametrize("check", METRICS)
def test_each_check_of_a_metric_finds_its_mistake(check, register, tmp_path):
    cls, message = METRICS[check]
    suite = register(cls, "metric")
    arguments = {"tmp_path": tmp_path} if "noise" in check else {}
    with pytest.raises(AssertionError, match=message):
        getattr(suite, check)(evidence(tmp_path), **arguments)


def test_an_infinite_figure_is_found(register, tmp_path):
    with pytest.raises(AssertionError, match="figure is inf"):
        register(Infinite, "metric").test_its_figure_is_finite_and_the_same_again(evidence(tmp_path))


def test_a_name_that_nothing_has_is_told_of():
    with pytest.raises(GanToolsError, match="no task, objective or metric is called `lsgann`") as raised:
        conformance("lsgann")
    assert "lsgan" in raised.value.hint
