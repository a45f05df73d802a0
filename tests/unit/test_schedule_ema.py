"""The length of a run, its learning rates, and the averaged generator."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from gantools.config import RunConfig
from gantools.training.ema import Average
from gantools.training.schedule import Schedule


def schedule(total=None, **settings):
    return Schedule(RunConfig(**settings), epoch_length=10, total=total)


def test_learning_rates_are_constant_and_then_fall_linearly_to_0():
    plan = schedule(steps=200, decay_from=0.5)  # the paper's: 100 and 100
    assert [plan.factor(step) for step in (0, 50, 100)] == [1, 1, 1]
    assert [plan.factor(step) for step in (101, 125, 150, 199, 200, 300)] == pytest.approx(
        [0.99, 0.75, 0.5, 0.01, 0, 0]
    )


@pytest.mark.parametrize(("decay_from", "halfway"), [(0.0, 0.5), (0.25, 2 / 3), (1.0, 1.0)])
def test_the_fall_begins_where_it_is_told_to(decay_from, halfway):
    plan = schedule(steps=100, decay_from=decay_from)
    assert plan.factor(0) == 1
    assert plan.factor(50) == pytest.approx(halfway)
    assert plan.factor(99) == pytest.approx(1.0 if decay_from == 1 else 0.01 / (1 - decay_from))


def test_a_run_is_done_after_its_last_step_and_not_before():
    plan = schedule(steps=7)
    assert [plan.done(step) for step in (0, 6, 7, 8)] == [False, False, True, True]


@pytest.mark.parametrize(("epochs", "batch_size", "steps"), [(2, 4, 5), (200, 1, 2000), (0.5, 1, 5), (0.01, 4, 1)])
def test_epochs_are_passes_over_the_data(epochs, batch_size, steps):
    assert schedule(epochs=epochs, batch_size=batch_size).total == steps


def test_each_discriminator_update_takes_a_batch_of_the_epoch():
    assert schedule(epochs=10, batch_size=1, n_critic=5).total == 20


def test_minutes_fix_the_number_of_steps_when_the_learning_rates_begin_to_fall():
    plan = schedule(minutes=2, decay_from=0.5)
    plan.tick(10, 59.0)
    assert plan.total is None
    assert (plan.factor(10), plan.done(10), plan.remaining(10, 59.0)) == (1, False, 61)
    plan.tick(11, 60.0)
    assert plan.total == 22  # 11 steps in half of the time
    assert plan.factor(11) == pytest.approx(1)
    plan.tick(12, 110.0)  # a slow moment changes nothing any more
    assert plan.total == 22
    assert plan.factor(16) == pytest.approx(6 / 11)


@pytest.mark.parametrize("settings", [{"decay_from": 1}, {"warm_up": 1000}], ids=["no fall", "within a warm-up"])
def test_minutes_without_a_fall_end_when_the_time_is_up(settings):
    plan = schedule(minutes=1, **settings)
    plan.tick(100, 59.9)
    assert not plan.done(100)
    plan.tick(101, 60.1)
    assert plan.done(101)


def test_minutes_with_a_fall_from_the_start_wait_for_a_first_measurement():
    plan = schedule(minutes=1, decay_from=0)
    plan.tick(1, 1.0)
    assert plan.total is None
    plan.tick(5, 3.0)
    assert plan.total == 100


def test_a_resumed_run_keeps_the_length_that_was_fixed():
    plan = schedule(total=22, minutes=2)
    plan.tick(12, 110.0)
    assert plan.total == 22


def test_the_remaining_time_follows_the_pace():
    plan = schedule(steps=100)
    assert plan.remaining(0, 0.0) is None
    assert plan.remaining(25, 10.0) == pytest.approx(30)


def test_the_pace_of_a_warm_up_tells_nothing_of_the_steps_behind_it():
    plan = schedule(steps=100, warm_up=20)
    plan.tick(20, 4.0)
    assert plan.remaining(20, 4.0) is None
    plan.tick(30, 14.0)
    assert plan.remaining(30, 14.0) == pytest.approx(70)
    whole = schedule(steps=100, warm_up=100)
    whole.tick(20, 8.0)
    assert whole.remaining(25, 10.0) == pytest.approx(30)


def test_a_resumed_run_measures_its_own_pace():
    plan = schedule(steps=100, warm_up=20)
    plan.begin(40, 7.0)
    assert plan.remaining(40, 7.0) is None
    assert plan.remaining(50, 17.0) == pytest.approx(50)


@pytest.mark.parametrize("decay_from", [0, 0.5, 0.9])
def test_minutes_are_kept_behind_a_warm_up(decay_from):
    plan, step, seconds, factors = schedule(minutes=10, warm_up=1000, decay_from=decay_from), 0, 0.0, []
    while not plan.done(step) and seconds < 1000:
        step, seconds = step + 1, seconds + (0.05 if step < 1000 else 0.2)
        plan.tick(step, seconds)
        factors.append(plan.factor(step))
    assert seconds == pytest.approx(600, abs=2)
    if decay_from:  # from the start it cannot be known how many there will be
        assert max(before - after for before, after in pairwise(factors)) < 0.005


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.999])
def test_the_average_is_the_weighted_sum_with_a_warm_up(beta):
    network = nn.Linear(1, 1, bias=False)
    average = Average(network, beta)
    values = np.linspace(1, 3, 12) ** 2
    history = [network.weight.item(), *values]
    for step, value in enumerate(values):
        nn.init.constant_(network.weight, value)
        average.update(step)
    keep = np.array([min(beta, (1 + t) / (10 + t)) for t in range(12)])
    shares = [np.prod(keep), *((1 - keep[t]) * np.prod(keep[t + 1 :]) for t in range(12))]
    assert sum(shares) == pytest.approx(1)
    assert average.networks.weight.item() == pytest.approx(np.dot(shares, history), rel=1e-5)
    assert network.weight.item() == 9  # the network itself stays as it is


def test_the_average_takes_buffers_as_they_are_and_wants_no_gradients():
    network = nn.BatchNorm2d(2)
    average = Average(network, 0.999)
    network(torch.randn(4, 2, 3, 3) + 5)
    average.update(0)
    assert torch.equal(average.networks.running_mean, network.running_mean)
    assert network.running_mean.min() > 0.1
    assert not average.networks.training
    assert not any(p.requires_grad for p in average.networks.parameters())
    assert all(p.requires_grad for p in network.parameters())
