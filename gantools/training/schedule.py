"""How long a run is, and how its learning rates fall."""

from __future__ import annotations

from gantools.config import RunConfig

_FIRST_STEPS = 5


class Schedule:
    """The number of steps and the factor of the learning rates at each: 1, then linear to 0 (Zhu et al. 2017).

    With ``--minutes`` the number of steps is not known at first: it is fixed at the moment the learning rates begin to
    fall, from the share of the time that has passed, and from then on the run is like any other.
    """

    def __init__(self, config: RunConfig, epoch_length: int, total: int | None = None) -> None:
        self.decay_from = config.decay_from
        self.minutes = config.minutes
        self.warm_up, self._warm = config.warm_up, (0, 0.0)
        self.total = total
        if total is None and config.steps is not None:
            self.total = config.steps
        elif total is None and config.epochs is not None:
            self.total = max(1, round(config.epochs * epoch_length / (config.batch_size * config.n_critic)))

    def tick(self, step: int, seconds: float) -> None:
        """Tell that ``step`` steps have been made in ``seconds``, sheets and checkpoints included."""
        if step <= self.warm_up:
            self._warm = step, seconds
        # Not from the first steps alone: they are slower than all others.
        if self.total is None and self.minutes is not None and step >= _FIRST_STEPS:
            share = seconds / (60 * self.minutes)
            if share >= max(self.decay_from, 0.05):
                self.total = max(step, round(step / share))

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
        if self.total is None or step == 0 or step <= self.warm_up < self.total:  # whose steps are the quicker ones
            return None
        steps, spent = self._warm if self.warm_up < self.total else (0, 0.0)
        return (self.total - step) * (seconds - spent) / (step - steps)

    def done(self, step: int) -> bool:
        """Say whether ``step`` steps are the whole run."""
        return self.total is not None and step >= self.total
