"""All the randomness of a step, as a function of where the run stands and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

import torch


def derive_seed(*parts: int | str) -> int:
    """Mix integers and words into one 63-bit seed; equal parts give equal seeds on every machine."""
    digest = blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators for as long as this lasts, and put them back as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        if device.type == "cpu":
            torch.default_generator.manual_seed(seed)  # what follows asks each kind of accelerator, which takes a while
        else:
            torch.manual_seed(seed)
        yield


class StepRandom:
    """Random tensors for one pass over one slice of the global batch.

    The numbers are drawn for the whole global batch on the CPU and sliced, so a process or an accumulation part gets
    exactly what a single process would have used, and no global generator is touched: sheets, evaluation and resuming
    cannot change a run.

    ``rows`` is this pass's slice of the global batch of ``total`` samples; ``update`` counts the player's updates from
    0, for penalties that are applied every N of them.
    """

    def __init__(self, *seed: int | str, rows: slice, total: int, device: torch.device | str, update: int = 0) -> None:
        self._generator = torch.Generator().manual_seed(derive_seed(*seed))
        self.rows, self.total, self.device, self.update = rows, total, device, update

    def uniform(self, *shape: int) -> torch.Tensor:
        """Return [rows, *shape] uniform in [0, 1)."""
        return self._slice(torch.rand(self.total, *shape, generator=self._generator))

    def normal(self, *shape: int) -> torch.Tensor:
        """Return [rows, *shape] from N(0, 1)."""
        return self._slice(torch.randn(self.total, *shape, generator=self._generator))

    def integers(self, high: int, *shape: int) -> torch.Tensor:
        """Return [rows, *shape] uniform in 0 … high - 1."""
        return self._slice(torch.randint(high, (self.total, *shape), generator=self._generator))

    def _slice(self, draws: torch.Tensor) -> torch.Tensor:
        return draws[self.rows].to(self.device, non_blocking=True)
