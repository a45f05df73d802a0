import os
from itertools import islice

import pytest
import torch

from gantools.data.loader import batches
from gantools.data.order import Parts, Shuffled, centre, crop_and_flip


class Numbers:
    """A data kind whose sample k says that it is k."""

    cached = True

    def __len__(self):
        return 10

    def __getitem__(self, k):
        return {"k": torch.tensor(k)}


def take(count, start=0, batch_size=4, parts=1, workers=0):
    ahead = batches(Numbers(), start, batch_size, parts, workers, False)
    return [batch["k"].tolist() for batch in islice(ahead, count)]


def test_every_picture_comes_once_an_epoch_and_each_epoch_has_its_own_order():
    order = Shuffled([3, 5, 7, 11, 13, 17, 19], 0, "order", "a")
    epochs = [[order[7 * epoch + i] for i in range(7)] for epoch in range(4)]
    assert all(sorted(epoch) == [3, 5, 7, 11, 13, 17, 19] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_a_sample_does_not_depend_on_what_was_asked_before():
    forwards, backwards = Shuffled(range(9), 1, "order", "a"), Shuffled(range(9), 1, "order", "a")
    there = [forwards[k] for k in range(40)]
    assert [backwards[k] for k in reversed(range(40))] == there[::-1]


def test_seed_and_side_each_change_the_order():
    orders = {tuple(Shuffled(range(20), seed, "order", side)[k] for k in range(20)) for seed in (0, 1) for side in "ab"}
    assert len(orders) == 4


def test_parts_split_each_update_and_start_anywhere():
    assert list(islice(Parts(0, 4, 2), 4)) == [[0, 1], [2, 3], [4, 5], [6, 7]]
    assert list(islice(Parts(3, 4, 1), 2)) == [[12, 13, 14, 15], [16, 17, 18, 19]]


def test_batches_go_on_where_an_earlier_run_stopped():
    assert take(5)[3:] == take(2, start=3)
    parts = take(6, parts=2)
    assert [parts[i] + parts[i + 1] for i in (0, 2, 4)] == take(3)


def test_worker_processes_bring_the_same_batches_in_the_same_order():
    assert take(6, start=2, workers=1) == take(6, start=2)


def test_more_workers_than_cores_are_no_warning():
    too_many = len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else 3
    assert take(3, workers=min(too_many, 8)) == take(3)


PICTURE = torch.arange(3 * 12 * 16).reshape(3, 12, 16)


def test_crops_are_windows_of_the_picture_and_a_function_of_the_seed():
    windows = PICTURE.unfold(1, 8, 1).unfold(2, 8, 1).permute(1, 2, 0, 3, 4).reshape(-1, 3, 8, 8)
    places = set()
    for k in range(60):
        crop = crop_and_flip(PICTURE, 8, False, 0, "crop", "a", k)
        assert torch.equal(crop, crop_and_flip(PICTURE, 8, False, 0, "crop", "a", k))
        places.add(next(i for i, window in enumerate(windows) if torch.equal(window, crop)))
    assert len(places) > 25  # of 5 x 9


def test_half_of_the_crops_are_mirrored_left_to_right_and_none_where_flips_are_off():
    same = PICTURE[:, :12, :12]
    flipped = 0
    for k in range(200):
        crop = crop_and_flip(same, 12, True, 7, k)
        mirrored = torch.equal(crop, same.flip(2))
        assert mirrored or torch.equal(crop, same)
        flipped += mirrored
        assert torch.equal(crop_and_flip(same, 12, False, 7, k), same)
    assert 70 < flipped < 130


@pytest.mark.parametrize(("size", "top", "left"), [(12, 0, 2), (8, 2, 4), (5, 3, 5)])
def test_the_centre_is_in_the_middle(size, top, left):
    assert torch.equal(centre(PICTURE, size), PICTURE[:, top : top + size, left : left + size])
