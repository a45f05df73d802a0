"""Passes through a critic: one at a time, several samples together, or apart where that is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gantools.objectives.base import Critic, Judged, Sample, Verdict, precise
from gantools.objectives.layers import AcrossBatch, last_hidden

if TYPE_CHECKING:
    from collections.abc import Iterator


def judge(critic: Critic, sample: Sample) -> Judged:
    """Pass one sample through the critic; its scores are float32 at least.

    Features are those the critic gives, or what its last layer was seen to take in (`layers.watch_features`).
    """
    answer = critic(sample.image, *sample.cond)
    verdict = answer if isinstance(answer, Verdict) else Verdict(answer)
    seen = last_hidden(critic) if isinstance(critic, nn.Module) else ()
    return Judged(sample, verdict._replace(score=precise(verdict.score), features=verdict.features or seen))


def judge_together(critic: Critic, samples: Sequence[Sample]) -> list[Judged]:
    """Pass several samples through the critic in one batch, or apart where it would mix their statistics."""
    if len(samples) <= 1 or mixes_samples(critic):
        return [judge(critic, sample) for sample in samples]
    parts = zip(*(sample.cond for sample in samples), strict=True)
    joined = Sample(torch.cat([sample.image for sample in samples]), tuple(torch.cat(part) for part in parts))
    verdicts = _split(judge(critic, joined).verdict, [len(sample.image) for sample in samples])
    return [Judged(sample, verdict) for sample, verdict in zip(samples, verdicts, strict=True)]


def mixes_samples(critic: Critic) -> bool:
    """Say whether a sample's score depends on the others in its batch."""
    return isinstance(critic, nn.Module) and any(isinstance(m, _BatchNorm | AcrossBatch) for m in critic.modules())


def normalises_batches(network: nn.Module) -> bool:
    """Say whether a network has batch norm."""
    return any(isinstance(module, _BatchNorm) for module in network.modules())


def _split(verdict: Verdict, sizes: list[int]) -> Iterator[Verdict]:
    def pieces(tensor: Tensor) -> tuple[Tensor, ...]:
        return torch.split(tensor, sizes)

    scores = pieces(verdict.score)
    features = [pieces(feature) for feature in verdict.features]
    aux = {name: pieces(value) for name, value in verdict.aux.items()}
    for i, score in enumerate(scores):
        yield Verdict(score, tuple(f[i] for f in features), {name: value[i] for name, value in aux.items()})
