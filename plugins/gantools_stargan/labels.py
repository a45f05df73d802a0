"""The labels of one or more data sets, and the losses of networks that are to see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, pairwise

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from gantools.objectives import Sample, Verdict
from gantools.objectives.base import joined_gradient, precise
from gantools.randomness import StepRandom


class Labels:
    """Labels [N, C] of all data sets beside each other, 0 for other sets than a sample's own, whose number is in [N].

    Those of a set are exclusive domains or independent attributes, as its kind says.
    """

    def __init__(self, domains: Sequence[Sequence[str]], kinds: Sequence[str]) -> None:
        self.sets = [list(names) for names in domains]
        self.names = [name for names in domains for name in names]
        self.kinds = list(kinds)
        self.slices = [slice(*ends) for ends in pairwise(accumulate(map(len, domains), initial=0))]

    @property
    def inputs(self) -> int:
        """How many values `told` has."""
        return len(self.names) + (len(self.slices) if len(self.slices) > 1 else 0)

    def told(self, label: Tensor, number: Tensor) -> Tensor:
        """Return what the generator is told: the labels, and with several data sets the one they are of (eq. 7)."""
        if len(self.slices) == 1:
            return label
        return torch.cat([label, one_hot(number, len(self.slices)).to(label.dtype)], 1)

    def classification(self, logits: Tensor, label: Tensor, number: Tensor) -> Tensor:
        """Return the mean over samples: cross-entropy of exclusive domains, binary ones summed over attributes."""
        total = logits.new_zeros(len(logits), dtype=torch.float32)
        for part, exclusive, mine in self._sets(number):
            seen, truth = logits[:, part].float(), label[:, part]
            if exclusive:
                loss = cross_entropy(seen, truth.argmax(1), reduction="none")
            else:
                loss = binary_cross_entropy_with_logits(seen, truth, reduction="none").sum(1)
            total = total + loss * mine
        return total.mean()

    def penalty(self, critic: Callable[..., Verdict], real: Sample, label: Tensor, number: Tensor) -> Tensor:
        """Return the mean squared norm of the gradient, at real pictures, of how clearly they have their labels.

        That is the sum of logits times what the labels are above chance: y - 1/C for one of C exclusive domains,
        y - 1/2 for an attribute. R1 does so for the scores (Mescheder et al. 2018, eq. 9). Pictures are not augmented.
        """
        image = precise(real.image.detach()).requires_grad_()
        with torch.autocast(image.device.type, enabled=False):
            logits = critic(image, *real.cond).aux["domains"]
            clearly = logits.new_zeros(len(logits))
            for part, exclusive, mine in self._sets(number):
                chance = 1 / (part.stop - part.start) if exclusive else 0.5
                clearly = clearly + (logits[:, part] * (label[:, part] - chance)).sum(1) * mine
            return joined_gradient(clearly, image).square().sum(1).mean()

    def others(self, label: Tensor, number: Tensor, rng: StepRandom) -> Tensor:
        """Return labels that the pictures don't have: another domain, or one attribute turned over, drawn uniformly."""
        others = label.clone()
        for part, exclusive, mine in self._sets(number):
            count, own = part.stop - part.start, label[:, part]
            if exclusive:
                other = one_hot((own.argmax(1) + 1 + rng.integers(count - 1)) % count, count)
            else:
                other = (own - one_hot(rng.integers(count), count)).abs()
            others[:, part] = torch.where(mine[:, None], other.to(label.dtype), own)
        return others

    def _sets(self, number: Tensor) -> Iterator[tuple[slice, bool, Tensor]]:
        """Go through the sets: the place of its labels, whether they are exclusive, and which samples are its own."""
        for i, (part, kind) in enumerate(zip(self.slices, self.kinds, strict=True)):
            yield part, kind == "exclusive", number == i
