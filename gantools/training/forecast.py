"""What a run will take, told after its first steps: time and memory, both measured."""

from __future__ import annotations

import sys

import torch

_SKIPPED, _STEPS = 2, 5  # the first steps are slower than all others
_LONG = 60  # seconds; a shorter run is over before one has read it


class Forecast:
    """Measures some steps after ``start`` and says once what the rest will take."""

    def __init__(self, start: int, device: torch.device) -> None:
        self.start, self.device, self._began = start, device, 0.0

    def after_step(self, step: int, total: int | None, now: float) -> str | None:
        """Return the forecast after the measured steps of a long run, else None; ``now`` in seconds of any clock."""
        if step == self.start + _SKIPPED:
            self._began = now
        if step != self.start + _SKIPPED + _STEPS:
            return None
        each = (now - self._began) / _STEPS
        used = _memory(self.device)
        memory = f", {used / 2**30:.1f} GB of memory" if used else ""
        if total is None:
            return f"estimate: {each:.2g} seconds a step{memory}"
        left = each * (total - step)
        return f"estimate: {_words(left)} for the rest, {each:.2g} seconds a step{memory}" if left > _LONG else None


def _memory(device: torch.device) -> int:
    """Return the most bytes used so far: the GPU's, or this process's; 0 where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return 0
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _words(seconds: float) -> str:
    """Return a duration as one says it."""
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"
    return f"{seconds / 3600:.1f} hours"
