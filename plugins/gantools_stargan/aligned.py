"""Two domains of which pictures of the same name lie exactly on each other: drawings with and without outlines."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from gantools.objectives.base import precise
from gantools.task import Batch, Networks
from gantools_stargan.labels import Labels


class Back(NamedTuple):
    """The way back of N translations: from ``start`` [N, 3, H, W], told ``labels`` [N, C], to ``end`` [N, 3, H, W].

    ``exact`` [N] says for which the end is known to the pixel. ``far`` [N] is how far a drawing's translation is from
    its twin, or in a third domain from the twin's translation; 0 for other samples.
    """

    start: Tensor
    labels: Tensor
    end: Tensor
    exact: Tensor
    far: Tensor


class Aligned:
    """Two domains: the first has drawings with their outlines, the second the same ones without.

    What a picture of the first should be in the second, and the reverse, is known to the pixel (`between`). Into any
    other domain it goes without its outlines, so it is compared with its picture in the second, its twin (`source`),
    and should become what the twin does; the way back leads from there (`back`).
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

    def back(self, nets: Networks, batch: Batch, fake: Tensor) -> Back:
        """Return where the way back begins and ends, so that nothing hidden in a translation tells where outlines were.

        Between the two domains it begins at the twin. From a third it begins at what the picture without outlines
        becomes there, and leads to the one with them: a real target for what was made (back-translation, Sennrich et
        al. 2016).
        """
        image, twin, label = batch["image"], batch["twin"], batch["label"]
        known = (twin != image).flatten(1).any(1)  # what has no twin comes with itself
        wanted = batch["target"][:, [self.first, self.second]].sum(1) > 0
        between, outlined = self.between(batch) & known, label[:, self.first, None, None, None] > 0
        rows = torch.nonzero(known & ~wanted).flatten()
        drawn, bare = self._both(nets, batch, fake := precise(fake), rows)
        labels = label.index_fill(0, rows, 0).index_put((rows, torch.full_like(rows, self.first)), label.new_ones(()))
        return Back(
            torch.where(between[:, None, None, None], twin, fake).index_copy(0, rows, bare),
            self.labels.told(labels, batch["set"]),
            image.index_copy(0, rows, torch.where(outlined, image, twin)[rows]),
            between.index_fill(0, rows, True),
            (between * _distance(fake, twin)).index_copy(0, rows, _distance(drawn, bare)),
        )

    def _both(self, nets: Networks, batch: Batch, fake: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return what becomes of drawings with outlines in these rows [M, 3, H, W], and of those without: the aim."""
        made = other = fake[rows]
        if len(rows):
            other = precise(nets["g"](batch["twin"][rows], self.labels.told(batch["target"][rows], batch["set"][rows])))
        outlined = batch["label"][rows, self.first][:, None, None, None] > 0
        return torch.where(outlined, made, other), torch.where(outlined, other, made).detach()


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs().mean((1, 2, 3))
