"""Batches for the trainer: decoded ahead in worker processes where that pays."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from torch.utils.data import DataLoader, Dataset

from gantools.data.order import Parts

if TYPE_CHECKING:
    from torch import Tensor


class ImageData(Protocol):
    """What the trainer asks of a data kind; ``register`` one through ``gantools_register_datasets``.

    One that has a method ``batch(ks)`` too, which returns samples stacked, is asked for whole batches. One that has
    ``files(k)`` says which files sample ``k`` is made of, for messages.
    """

    cached: bool

    def __len__(self) -> int:
        """Return the number of samples in one epoch."""
        ...

    def __getitem__(self, k: int) -> dict[str, Tensor]:
        """Return sample ``k`` of an endless sequence, a function of the seed and ``k``; pictures are uint8."""
        ...

    def sheet(self) -> dict[str, Tensor]:
        """Return the batch that sample sheets show, always the same."""
        ...

    def describe(self) -> dict[str, object]:
        """Return what the weights' header says of the data."""
        ...


def batches(
    data: ImageData,
    start: int,
    batch_size: int,
    parts: int,
    workers: int | None,
    pin: bool,
    rank: int = 0,
    count: int = 1,
    neighbours: int = 1,
) -> Iterator[dict[str, Tensor]]:
    """Yield batches from update ``start`` on, ``parts`` to an update, without end.

    They are those of process ``rank`` of ``count``, of which ``neighbours`` share this machine.
    """
    if workers is None:
        workers = 0 if data.cached else min(4, max(1, cores() // neighbours - 1))
    ahead: dict[str, Any] = {"prefetch_factor": 4, "persistent_workers": True} if workers else {}
    sampler = Parts(start, batch_size, parts, rank, count)
    whole = getattr(data, "batch", None)
    if whole is not None and not workers:  # data that are drawn, not decoded
        return map(whole, sampler)
    dataset: Dataset[Any] = data  # type: ignore[assignment]  # structurally one, and DataLoader asks for no more
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice of torch and Python on how many workers, and on how they start
        loader = DataLoader(
            dataset,
            batch_sampler=sampler,
            num_workers=workers,
            pin_memory=pin,
            worker_init_fn=_leave_signals,
            **ahead,
        )
        return iter(loader)


def _leave_signals(worker: int) -> None:
    """Let a worker ignore Ctrl-C and SIGTERM: the trainer stops after its step, and needs batches until then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 2
