"""What the unit tests share: test data that is the same every time, and random numbers for one pass."""

import pytest
import torch

from gantools.randomness import StepRandom


@pytest.fixture(autouse=True)
def _same_test_data():
    torch.manual_seed(0)


@pytest.fixture
def rng():
    """A StepRandom for a batch of ``total``, or for some of its rows."""

    def make(total, rows=None, update=0, seed=0):
        return StepRandom(seed, "unit", update, rows=rows or slice(0, total), total=total, device="cpu", update=update)

    return make
