"""How long a run has trained, and how fast: sheets and checkpoints count for the first, not for the second."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Clock:
    """Seconds of training, on top of those ``spent`` before a run was resumed, and of its last lap."""

    def __init__(self, spent: float = 0.0) -> None:
        self._spent = spent
        self.start()

    def start(self) -> None:
        """Begin now; what went before, such as reading pictures, is no training."""
        self._began = self._lap = perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds that the run has trained in all."""
        return self._spent + perf_counter() - self._began

    @property
    def lap(self) -> float:
        """Seconds since the last lap began, without pauses; never 0."""
        return max(perf_counter() - self._lap, 1e-9)

    def next_lap(self) -> None:
        """Begin another lap."""
        self._lap = perf_counter()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave what is done meanwhile out of the lap."""
        began = perf_counter()
        yield
        self._lap += perf_counter() - began
