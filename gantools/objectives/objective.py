"""One objective: a loss, its penalties and constraints, and every pass through a critic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import nn

from gantools.errors import GanToolsError
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
    precise,
    sample_scores,
)
from gantools.objectives.judge import judge, judge_together, normalises_batches
from gantools.objectives.layers import add_dropout, watch_features

if TYPE_CHECKING:
    from torch import Tensor

    from gantools.randomness import StepRandom

Player = Literal["d", "g"]


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
        constraints: Mapping[str, Constraint] | None = None,
        augment: DiffAugment | None = None,
    ) -> None:
        self.loss = loss
        self.penalties = dict(penalties or {})
        self.constraints = dict(constraints or {})
        self.augment = augment
        self.watch: Callable[[str, Tensor], None] | None = None
        self.needs: Needs = loss.needs
        for part in (*self.penalties.values(), *self.constraints.values()):
            self.needs |= part.needs

    def d_losses(
        self, critic: Critic, real: Sample, fakes: Sequence[tuple[Sample, float]], rng: StepRandom
    ) -> tuple[Losses, Verdict]:
        """Return the critic's named losses, penalties included, and its verdict on the real samples.

        ``fakes`` are samples to be told from ``real``, with weights that sum to 1.
        """
        real = self._augmented(real, rng)
        self._show(critic, real)
        if rng.update < self.loss.pretrain:
            judged = judge(critic, real)
            return {"adv": self.loss.pretrain_loss(judged)}, judged.verdict
        due = self._due("d", rng)
        samples = [real, *(self._augmented(fake, rng) for fake, _ in fakes)]
        judged_real, *judged_fakes = self._judge_for_d(critic, samples, due)
        weighted = [(judged, weight) for judged, (_, weight) in zip(judged_fakes, fakes, strict=True)]
        losses = {"adv": _weighted_sum([weight * self.loss.d_loss(judged_real, fake) for fake, weight in weighted])}
        losses |= self._penalties(due, critic, judged_real, weighted, rng)
        self._watch(judged_real, judged_fakes[0])
        return losses, judged_real.verdict

    def g_losses(self, critic: Critic, fake: Sample, real: Sample, rng: StepRandom) -> tuple[Losses, Verdict]:
        """Return the generator's named losses and the critic's verdict on the generated samples."""
        due = self._due("g", rng)
        judged_real = None
        if self.loss.needs.real_in_g or any(penalty.needs.real_in_g for penalty in due.values()):
            with torch.no_grad():
                judged_real = judge(critic, self._augmented(real, rng))
        judged = judge(critic, self._augmented(fake, rng))
        losses: Losses = {}
        if not any(penalty.replaces for penalty in due.values()):
            losses["adv"] = self.loss.g_loss(judged, judged_real)
        losses |= self._penalties(due, critic, judged_real or judged, [(judged, 1.0)], rng)
        return losses, judged.verdict

    def prepare(self, networks: nn.ModuleDict, player: Player) -> None:
        """Apply the constraints, and what the penalties need, to a player's newly built networks.

        GanToolsError says why a network cannot be trained by this objective.
        """
        for name, network in networks.items():
            if player == "d" and self.needs.dropout:
                add_dropout(network, self.needs.dropout)
            for constraint in sorted(self._on(player), key=lambda c: c.last):
                constraint.apply(network)
            if player == "d" and self.needs.features:
                watch_features(network)
            if player == "d" and self.needs.norm == "per-sample" and normalises_batches(network):
                raise self._mixes(name)

    def before_update(self, networks: nn.ModuleDict, player: Player) -> None:
        """Let the constraints prepare one update of a player's networks."""
        for constraint in self._on(player):
            for network in networks.values():
                constraint.before_update(network)

    def parameter_losses(self, networks: nn.ModuleDict, player: Player) -> Losses:
        """Return the constraints' terms of a player's loss, functions of its parameters alone."""
        losses: Losses = {}
        for name, constraint in self.constraints.items():
            if player == "d" or constraint.on == "both":
                found = [constraint.loss(network) for network in networks.values()]
                terms = [term for term in found if term is not None]
                if terms:
                    losses[name] = _weighted_sum(terms)
        return losses

    def after_update(self, networks: nn.ModuleDict, player: Player) -> None:
        """Let the constraints correct a player's networks after its update."""
        for constraint in self._on(player):
            for network in networks.values():
                constraint.after_update(network)

    def state_dict(self) -> dict[str, Any]:
        """Return what the constraints remember."""
        return {name: constraint.state_dict() for name, constraint in self.constraints.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        for name, constraint in self.constraints.items():
            constraint.load_state_dict(state[name])

    def _on(self, player: Player) -> list[Constraint]:
        return [c for c in self.constraints.values() if player == "d" or c.on == "both"]

    def _due(self, player: Player, rng: StepRandom) -> dict[str, Penalty]:
        return {n: p for n, p in self.penalties.items() if p.player == player and rng.update % p.every == 0}

    def _show(self, critic: Critic, real: Sample) -> None:
        """Let the constraints see the real samples that a discriminator is about to judge."""
        if isinstance(critic, nn.Module):
            for constraint in self.constraints.values():
                constraint.observe(critic, real)

    def _penalties(
        self,
        due: Mapping[str, Penalty],
        critic: Critic,
        real: Judged,
        fakes: Sequence[tuple[Judged, float]],
        rng: StepRandom,
    ) -> Losses:
        losses: Losses = {}
        with torch.autocast(real.sample.image.device.type, enabled=False):
            for name, penalty in due.items():
                pairs = [(fakes[0][0], 1.0)] if penalty.real_alone else fakes
                terms = [weight * penalty(critic, real, fake, rng) for fake, weight in pairs]
                losses[name] = penalty.weight * penalty.every * _weighted_sum(terms)
        return losses

    def _mixes(self, name: str) -> GanToolsError:
        """Return the error for a critic with batch norm under a penalty that takes gradients sample by sample."""
        penalties = ", ".join(n for n, p in self.penalties.items() if p.needs.norm == "per-sample")
        return GanToolsError(
            f"{penalties} takes each sample's gradient by itself, and batch norm in `{name}` mixes the batch's samples",
            "build it with instance norm where needs.norm is per-sample, or add --constraint virtual-batch-norm",
        )

    def _augmented(self, sample: Sample, rng: StepRandom) -> Sample:
        return self.augment(sample, rng) if self.augment else sample

    def _judge_for_d(self, critic: Critic, samples: list[Sample], due: Mapping[str, Penalty]) -> list[Judged]:
        """Judge real and generated samples: together, but those whose gradient a penalty takes apart and in float32."""
        wanted = frozenset[str]().union(*(penalty.differentiates for penalty in due.values()))
        apart = ["real" in wanted, *["fake" in wanted] * (len(samples) - 1)]
        with_cond = "cond" in wanted
        together = iter(judge_together(critic, [s for s, alone in zip(samples, apart, strict=True) if not alone]))
        return [
            _judge_differentiably(critic, sample, with_cond) if alone else next(together)
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


def _judge_differentiably(critic: Critic, sample: Sample, with_cond: bool) -> Judged:
    def leaf(tensor: Tensor, wanted: bool = True) -> Tensor:
        return precise(tensor.detach()).requires_grad_(wanted) if tensor.is_floating_point() else tensor

    with torch.autocast(sample.image.device.type, enabled=False):
        return judge(critic, Sample(leaf(sample.image), tuple(leaf(cond, with_cond) for cond in sample.cond)))


def _weighted_sum(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum() if len(terms) > 1 else terms[0]
