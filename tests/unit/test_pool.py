"""The pool of earlier translations. A picture's two pixels say at which position and when it was put in."""

from copy import deepcopy

import pytest
import torch

from gantools.randomness import StepRandom
from gantools_cyclegan.pool import ImagePool

TOTAL = 4


def batch(time, positions=range(TOTAL)):
    return torch.tensor([[position, time] for position in positions], dtype=torch.float32).view(-1, 1, 1, 2)


def times(pictures):
    return pictures[:, 0, 0, 1].int().tolist()


def run(pool, rng, steps, rows=slice(0, TOTAL)):
    positions = range(rows.start, rows.stop)
    return torch.stack([pool.query(batch(t, positions), rng(TOTAL, rows, update=t)) for t in steps])


def test_a_pool_that_fills_returns_what_it_is_given_then_swaps_about_half(rng):
    result = run(ImagePool(3 * TOTAL), rng, range(503))
    fresh = result[:, :, 0, 0, 1] == torch.arange(503)[:, None]
    assert fresh[:3].all()
    assert 0.44 < fresh[3:].float().mean() < 0.56  # 5 standard errors of 2000 throws of a coin


def test_a_returned_picture_was_put_in_at_its_position_and_comes_back_once(rng):
    result = run(ImagePool(3 * TOTAL), rng, range(200))
    assert (result[..., 0].squeeze() == torch.arange(TOTAL)).all()
    for position in range(TOTAL):
        seen = [int(t) for t in result[:, position, 0, 0, 1]]
        assert all(when <= now for now, when in enumerate(seen))
        returns = {when: seen.count(when) for when in seen}
        # While the pool fills it returns a picture and keeps it too; afterwards it does one of the two.
        assert all(count == 1 for when, count in returns.items() if when >= 3)
        assert all(count <= 2 for when, count in returns.items() if when < 3)


def test_pictures_stay_in_the_pool_for_longer_the_larger_it_is(rng):
    def mean_age(capacity):
        result = run(ImagePool(capacity), rng, range(1000))[300:]
        age = torch.arange(300, 1000)[:, None] - result[:, :, 0, 0, 1]
        return age[age > 0].mean().item()

    # A slot is swapped with probability 1/2 a query divided over `depth` slots: a mean age of 2 depth.
    assert mean_age(TOTAL) == pytest.approx(2, rel=0.1)
    assert mean_age(8 * TOTAL) == pytest.approx(16, rel=0.1)


@pytest.mark.parametrize("capacity", [TOTAL, 10, 50])
def test_a_batch_in_parts_gets_exactly_the_pictures_of_the_whole(capacity, rng):
    whole = run(ImagePool(capacity), rng, range(60))
    pool, halves = ImagePool(capacity), (slice(0, 2), slice(2, 4))
    # Both parts through one pool, as with accumulation.
    parts = [torch.cat([run(pool, rng, [t], rows)[0] for rows in halves]) for t in range(60)]
    assert torch.equal(torch.stack(parts), whole)
    alone = run(ImagePool(capacity), rng, range(60), slice(2, 4))  # one of two processes
    assert torch.equal(alone, whole[:, 2:])


@pytest.mark.parametrize("stop", [1, 30])  # while it fills, and later
def test_a_restored_pool_goes_on_as_if_nothing_had_happened(stop, rng):
    whole = run(ImagePool(3 * TOTAL), rng, range(60))
    before, after = ImagePool(3 * TOTAL), ImagePool(3 * TOTAL)
    run(before, rng, range(stop))
    after.load_state_dict(deepcopy(before.state_dict()))
    assert torch.equal(run(after, rng, range(stop, 60)), whole[stop:])


def test_a_restored_pool_follows_the_pictures_to_their_device(rng):
    before, after = ImagePool(TOTAL), ImagePool(TOTAL)
    run(before, rng, range(3))
    after.load_state_dict(deepcopy(before.state_dict()))  # a checkpoint's tensors are on the CPU
    elsewhere = StepRandom(0, rows=slice(0, TOTAL), total=TOTAL, device="meta")
    assert after.query(batch(3).to("meta"), elsewhere).device.type == "meta"


def test_a_pool_can_be_restored_before_its_first_picture(rng):
    pool = ImagePool(2 * TOTAL)
    pool.load_state_dict(deepcopy(ImagePool(2 * TOTAL).state_dict()))
    assert times(run(pool, rng, [0])[0]) == [0] * TOTAL


def test_without_capacity_every_picture_is_passed_on(rng):
    result = run(ImagePool(0), rng, range(20))
    assert (result[:, :, 0, 0, 1] == torch.arange(20)[:, None]).all()


def test_pictures_in_the_pool_hold_no_graph_and_are_not_the_callers_memory(rng):
    pool = ImagePool(2 * TOTAL)
    for update in range(30):
        images = batch(update).requires_grad_() * 1
        returned = pool.query(images, rng(TOTAL, update=update))
        assert not returned.requires_grad
        assert all(0 <= when <= update for when in times(returned))
        images.detach().fill_(-1)
