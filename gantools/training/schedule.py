"""How long a run is, and how its learning rates fall."""

from __future__ import annotations

from gantools.config import RunConfig

_FIRST_STEPS = 5


class Schedule:
    """The number of steps and the factor of the learning rates at each: 1, then linear to 0 (Zhu et al. 2017).

    With ``--minutes`` the number of steps is not known at first: it is fixed at the moment the learning rates begin to
    fall, from the pace until then, and from then on the run is like any other.
    """

    def __init__(self, config: RunConfig, epoch_length: int, total: int | None = None) -> None:
        self.decay_from = config.decay_from
        self.minutes = config.minutes
        self._begun = (0, 0.0)  # the step and the second from which the pace is measured
        self.total = total
        if total is None and config.steps is not None:
            self.total = config.steps
        elif total is None and config.epochs is not None:
            self.total = max(1, round(config.epochs * epoch_length / (config.batch_size * config.batches)))
        self.warm_up = 0 if self.total is not None and self.total <= config.warm_up else config.warm_up

    def begin(self, step: int, seconds: float) -> None:
        """Measure the pace from here on: what went before was on another machine, or a warm-up's quicker steps."""
        self._begun = step, seconds

    def tick(self, step: int, seconds: float) -> None:
        """Tell that ``step`` steps have been made in ``seconds``, sheets and checkpoints included."""
        if step <= self.warm_up:
            self.begin(step, seconds)
        if self.total is not None or self.minutes is None:
            return
        steps, spent = self._measured(step, seconds)
        left = 60 * self.minutes - seconds
        if left <= 0:
            self.total = step
        elif steps >= _FIRST_STEPS:  # not from the first steps alone: they are slower than all others
            total = step + left * steps / spent
            if step >= max(self.decay_from, 0.05) * total:
                self.total = round(total)

    def factor(self, step: int) -> float:
        """Return the factor of the learning rates in step ``step``, counted from 0."""
        if self.total is None:
            return 1.0
        begin = self.decay_from * self.total
        return min(1.0, max(0.0, (self.total - step) / max(self.total - begin, 1)))

    def remaining(self, step: int, seconds: float) -> float | None:
        """Return the seconds that are left, or None while they cannot be told."""
        if self.total is None and self.minutes is not None:
            return max(0.0, 60 * self.minutes - seconds)
        steps, spent = self._measured(step, seconds)
        if self.total is None or steps <= 0:
            return None
        return (self.total - step) * spent / steps

    def _measured(self, step: int, seconds: float) -> tuple[int, float]:
        """Return the steps and the seconds that tell the pace."""
        return step - self._begun[0], seconds - self._begun[1]

    def done(self, step: int) -> bool:
        """Say whether ``step`` steps are the whole run."""
        return self.total is not None and step >= self.total
