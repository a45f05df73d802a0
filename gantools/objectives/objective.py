"""One objective: a loss, its penalties and constraints, and every pass through a critic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from gantools.objectives.augment import DiffAugment
from gantools.objectives.base import (
    Constraint,
    Critic,
    Judged,
    Loss,
    Losses,
    Needs,
    Penalty,
    Sample,
    Verdict,
    sample_scores,
)
from gantools.objectives.judge import judge, judge_together

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gantools.randomness import StepRandom


class Objective:
    """What generator and discriminator minimise against each other.

    A task calls `d_losses` and `g_losses` for each of its critics; batching of real and generated, augmentation,
    penalties and their precision happen in here, so no task can forget them. ``watch``, where set, is given the mean
    scores and the critic's accuracy of each pass: the trainer sets it on logging steps.
    """

    def __init__(
        self,
        loss: Loss,
        penalties: Mapping[str, Penalty] | None = None,
        constraints: Sequence[Constraint] = (),
        augment: DiffAugment | None = None,
    ) -> None:
        self.loss = loss
        self.penalties = dict(penalties or {})
        self.constraints = list(constraints)
        self.augment = augment
        self.watch: Callable[[str, Tensor], None] | None = None
        self.needs: Needs = loss.needs
        for penalty in self.penalties.values():
            self.needs |= penalty.needs

    def d_losses(
        self, critic: Critic, real: Sample, fakes: Sequence[tuple[Sample, float]], rng: StepRandom
    ) -> tuple[Losses, Verdict]:
        """Return the critic's named losses, penalties included, and its verdict on the real samples.

        ``fakes`` are samples to be told from ``real``, with weights that sum to 1.
        """
        due = {name: p for name, p in self.penalties.items() if rng.update % p.every == 0}
        samples = [self._augmented(sample, rng) for sample in (real, *(fake for fake, _ in fakes))]
        judged_real, *judged_fakes = self._judge_for_d(critic, samples, due)
        weighted = [(judged, weight) for judged, (_, weight) in zip(judged_fakes, fakes, strict=True)]
        losses = {"adv": _weighted_sum([weight * self.loss.d_loss(judged_real, fake) for fake, weight in weighted])}
        with torch.autocast(real.image.device.type, enabled=False):
            for name, penalty in due.items():
                terms = [weight * penalty(critic, judged_real, fake, rng) for fake, weight in weighted]
                losses[name] = penalty.weight * penalty.every * _weighted_sum(terms)
        self._watch(judged_real, judged_fakes[0])
        return losses, judged_real.verdict

    def g_losses(self, critic: Critic, fake: Sample, real: Sample, rng: StepRandom) -> tuple[Losses, Verdict]:
        """Return the generator's named losses and the critic's verdict on the generated samples."""
        judged_real = None
        if self.loss.needs.real_in_g:
            with torch.no_grad():
                judged_real = judge(critic, self._augmented(real, rng))
        judged = judge(critic, self._augmented(fake, rng))
        return {"adv": self.loss.g_loss(judged, judged_real)}, judged.verdict

    def prepare(self, d: nn.Module) -> None:
        """Apply the constraints to a newly built discriminator."""
        for constraint in self.constraints:
            constraint.apply(d)

    def before_d_update(self, d: nn.Module) -> None:
        """Let the constraints prepare one update of a discriminator."""
        for constraint in self.constraints:
            constraint.before_d_update(d)

    def after_d_update(self, d: nn.Module) -> None:
        """Let the constraints correct a discriminator after its update."""
        for constraint in self.constraints:
            constraint.after_d_update(d)

    def _augmented(self, sample: Sample, rng: StepRandom) -> Sample:
        return self.augment(sample, rng) if self.augment else sample

    def _judge_for_d(self, critic: Critic, samples: list[Sample], due: Mapping[str, Penalty]) -> list[Judged]:
        """Judge real and generated samples: together, but those whose gradient a penalty takes apart and in float32."""
        wanted = frozenset[str]().union(*(penalty.differentiates for penalty in due.values()))
        apart = ["real" in wanted, *["fake" in wanted] * (len(samples) - 1)]
        together = iter(judge_together(critic, [s for s, alone in zip(samples, apart, strict=True) if not alone]))
        return [
            _judge_differentiably(critic, sample) if alone else next(together)
            for sample, alone in zip(samples, apart, strict=True)
        ]

    def _watch(self, real: Judged, fake: Judged) -> None:
        if self.watch is None:
            return
        with torch.no_grad():
            real_scores, fake_scores = sample_scores(real.score), sample_scores(fake.score)
            self.watch("score_real", real_scores.mean())
            self.watch("score_fake", fake_scores.mean())
            # The share of pairs that the critic ranks rightly: the same scale for every loss, 0.5 is a guess.
            self.watch("accuracy", (real_scores[:, None] > fake_scores[None]).float().mean())


def _judge_differentiably(critic: Critic, sample: Sample) -> Judged:
    with torch.autocast(sample.image.device.type, enabled=False):
        return judge(critic, sample._replace(image=sample.image.detach().float().requires_grad_(True)))


def _weighted_sum(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum() if len(terms) > 1 else terms[0]
