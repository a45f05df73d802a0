"""Two domains of which pictures of the same name lie exactly on each other: drawings with and without outlines."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gantools.task import Batch, Networks
from gantools_stargan.labels import Labels


class Away(NamedTuple):
    """Translations of drawings that leave both domains, with and without outlines: ``rows`` of a batch.

    ``drawn`` is what becomes of the one with outlines, ``bare`` of the other, [M, 3, H, W] each; ``outlined`` [M, 3,
    H, W] and ``labels`` [M, C] are the picture with outlines and its domain.
    """

    rows: Tensor
    drawn: Tensor
    bare: Tensor
    outlined: Tensor
    labels: Tensor


class Aligned:
    """Two domains: the first has drawings with their outlines, the second the same ones without.

    What a picture of the first should be in the second, and the reverse, is known to the pixel (`between`). Into any
    other domain it goes without its outlines, so it is compared with its picture in the second, its twin (`source`),
    and should become what the twin does (`away`).
    """

    def __init__(self, labels: Labels, first: str, second: str) -> None:
        self.first, self.second = labels.names.index(first), labels.names.index(second)
        self.labels = labels

    def between(self, batch: Batch) -> Tensor:
        """Return which samples [N] go from one of the two domains into the other."""
        change = (batch["target"] - batch["label"])[:, [self.first, self.second]]
        return change.abs().sum(1) == 2

    def source(self, batch: Batch) -> Tensor:
        """Return what translations are to keep [N, 3, H, W]: the twin where outlines come or go, else the picture."""
        changes = batch["label"][:, self.first] != batch["target"][:, self.first]
        return torch.where(changes[:, None, None, None], batch["twin"], batch["image"])

    def away(self, nets: Networks, batch: Batch, fake: Tensor) -> Away:
        """Translate the twins of what goes from either domain into a third; without a twin nothing does."""
        label, target, twin = batch["label"], batch["target"], batch["twin"]
        own, wanted = (labels[:, [self.first, self.second]].sum(1) > 0 for labels in (label, target))
        rows = torch.nonzero(own & ~wanted & (twin != batch["image"]).flatten(1).any(1)).flatten()
        made = fake[rows]
        other = nets["g"](twin[rows], self.labels.told(target[rows], batch["set"][rows])) if len(rows) else made
        outlines = label[rows, self.first][:, None, None, None] > 0
        labels = torch.zeros_like(label[rows])
        labels[:, self.first] = 1
        return Away(
            rows,
            torch.where(outlines, made, other),
            torch.where(outlines, other, made).detach(),
            torch.where(outlines, batch["image"][rows], twin[rows]),
            self.labels.told(labels, batch["set"][rows]),
        )
