"""Parity of several processes with one, for every task, with a gradient penalty, critic steps and accumulation.

``pytest -n 0 -m slow -s tests/training/test_parity.py`` prints the rows of the table in docs/many-machines.md.
"""

from pathlib import Path

import pytest

import gantools
from gantools.training.checkpoint import newest_checkpoint
from tests.training.test_processes import CASES, EMOJI, PAIRS, STARS, TINY, captioned, expect_equal, updates

GP = {"objective": "wgan-gp", "n_critic": 2}
WORDS = {"width": 4, "noise": 3, "load_size": 16}
PLANE = {"width": 16, "layers": 2, "size": None}
PENALISED = {
    "cyclegan": ("cyclegan", {**EMOJI, **GP}),
    "pix2pix": ("pix2pix", {**PAIRS, **GP, "norm": "instance", "dropout": 0}),
    "stargan": ("stargan", {**STARS, **GP}),
    "text2image": ("text2image", {**WORDS, "n_critic": 2}),  # its critic's penalty is in its loss
    "toy": ("toy", {**PLANE, **GP}),
}
NEAR = 0.02  # of the largest change of a weight


@pytest.mark.parametrize("case", ["toy"])
def test_two_processes_and_a_penalty_give_the_weights_of_one_that_splits_its_batches(case, elsewhere):
    expect_equal(case, *PENALISED[case], elsewhere)


@pytest.mark.slow
@pytest.mark.parametrize("case", PENALISED.keys() - {"toy", "stargan"})
def test_two_processes_and_a_penalty_are_equal_to_one_for_further_tasks(case, elsewhere):
    expect_equal(case, *PENALISED[case], elsewhere)


@pytest.mark.slow
@pytest.mark.parametrize("case", PENALISED)
@pytest.mark.parametrize(("devices", "accumulate"), [(2, 1), (2, 2), (3, 1), (3, 2)])
def test_several_processes_are_near_to_one_that_splits_nothing(case, devices, accumulate, elsewhere):
    """Under SGD, where rounding stays rounding; with accumulation it is a sum of sums, in another order."""
    task, settings = PENALISED[case]
    settings = {**TINY, **settings, "batch_size": 12, "optimizer": "sgd", "decay_from": 1.0, "ema": 0.0}
    settings |= captioned(elsewhere) if task == "text2image" else {}
    settings = {name: value for name, value in settings.items() if value is not None}
    gantools.train(task, **{**settings, "steps": 1}, out="before")
    gantools.train(task, **settings, out="one")
    gantools.train(task, **settings, devices=devices, accumulate=accumulate, out="several")
    before, one, several = (updates(name)["nets"] for name in ("before", "one", "several"))
    assert newest_checkpoint(Path("several/checkpoints"))["processes"] == devices
    moved, apart = largest(before, one), largest(one, several)
    print(f"| {case} | {devices} | {accumulate} | {moved:.1e} | {apart:.1e} | {apart / moved:.1e} |")  # noqa: T201
    assert moved > 1e-6
    assert apart < NEAR * moved


def largest(first, second):
    """Return the largest difference of two states' numbers."""
    return max(float((first[name] - second[name]).abs().max()) for name in first if first[name].is_floating_point())


def test_every_task_is_compared():
    from gantools.plugins import manager

    assert {info.name for info in manager().tasks} == set(PENALISED) >= set(CASES)
