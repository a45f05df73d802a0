"""The order of samples and their random crops, as functions of the sample's number: there is no state to save."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from random import Random

import torch
from torch import Tensor
from torch.utils.data import Sampler

from gantools.randomness import derive_seed


class Shuffled:
    """An endless shuffled sequence of ``indices``: sample ``k`` is the same whenever it is asked for."""

    def __init__(self, indices: Sequence[int], *seed: int | str) -> None:
        self._indices = torch.tensor(list(indices))
        self._seed = seed
        self._epoch = -1
        self._order = self._indices

    def __getitem__(self, k: int) -> int:
        epoch, position = divmod(k, len(self._indices))
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(derive_seed(*self._seed, epoch))
            self._order = self._indices[torch.randperm(len(self._indices), generator=generator)]
            self._epoch = epoch
        return int(self._order[position])

    def __len__(self) -> int:
        return len(self._indices)


class Parts(Sampler[list[int]]):
    """The sample numbers of each pass: update by update from ``start``, each split into ``parts``, without end.

    Of several processes, number ``rank`` of ``count``, each has its own stretch of every batch.
    """

    def __init__(self, start: int, batch_size: int, parts: int, rank: int = 0, count: int = 1) -> None:
        self.start, self.batch_size, self.parts = start, batch_size, parts
        self.rank, self.count = rank, count

    def __iter__(self) -> Iterator[list[int]]:
        for update in itertools.count(self.start):
            for part in range(self.parts):
                rows = rows_of(self.batch_size, self.parts, part, self.rank, self.count)
                first = update * self.batch_size
                yield list(range(first + rows.start, first + rows.stop))


def rows_of(batch_size: int, parts: int, part: int, rank: int = 0, count: int = 1) -> slice:
    """Return which rows of a batch a pass is made of: the ``part`` of ``parts`` of process ``rank`` of ``count``."""
    size = batch_size // (parts * count)
    first = (rank * parts + part) * size
    return slice(first, first + size)


def crop_and_flip(picture: Tensor, size: int, flip: bool, *seed: int | str) -> Tensor:
    """Cut a random ``size`` x ``size`` window out of [C, H, W] and mirror half of them."""
    random = Random(derive_seed(*seed))  # noqa: S311  (nothing secret about a crop)
    top = random.randint(0, picture.shape[1] - size)
    left = random.randint(0, picture.shape[2] - size)
    mirrored = flip and random.random() < 0.5
    window = picture[:, top : top + size, left : left + size]
    return window.flip(2) if mirrored else window


def centre(picture: Tensor, size: int) -> Tensor:
    """Cut the middle ``size`` x ``size`` window out of [C, H, W]."""
    top, left = (picture.shape[1] - size) // 2, (picture.shape[2] - size) // 2
    return picture[:, top : top + size, left : left + size]
