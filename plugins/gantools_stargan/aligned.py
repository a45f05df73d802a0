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

    ``exact`` [N] says for which the end is known to the pixel. ``far`` [N] is how far these translations are from
    their twins, or in a third domain from what the twins become, through which no gradient passes; 0 for the others.
    """

    start: Tensor
    labels: Tensor
    end: Tensor
    exact: Tensor
    far: Tensor


class Aligned:
    """Two domains: the first has drawings with their outlines, the second the same ones without.

    What a picture of the one should be in the other is known to the pixel: it is its twin. Into a third domain a
    drawing goes without its outlines, so it should keep what its twin shows (`source`), and become what that does
    (`back`).
    """

    def __init__(self, labels: Labels, first: str, second: str) -> None:
        self.labels = labels
        self.first, self.second = labels.names.index(first), labels.names.index(second)

    def between(self, batch: Batch) -> Tensor:
        """Return which samples [N] go from one of the two domains into the other."""
        change = (batch["target"] - batch["label"])[:, [self.first, self.second]]
        return change.abs().sum(1) == 2

    def source(self, batch: Batch) -> Tensor:
        """Return what translations are to keep [N, 3, H, W]: the twin where outlines come or go, else the picture."""
        changes = batch["label"][:, self.first] != batch["target"][:, self.first]
        return torch.where(maps(changes), batch["twin"], batch["image"])

    def by_way(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return how another generator best makes translations: of which pictures, into which domain [N, C] at first.

        A drawing it is shown as its twin. Into the first domain it goes by way of the second: the last value [N] says
        which samples then go on.
        """
        label, target = batch["label"], batch["target"]
        goes_on = (target[:, self.first] > 0) & (label[:, [self.first, self.second]].sum(1) == 0)
        second = torch.zeros_like(target)
        second[:, self.second] = 1
        leaves = (label[:, self.first] > 0) & (target[:, self.first] == 0)
        shown = torch.where(maps(leaves), batch["twin"], batch["image"])
        return shown, torch.where(goes_on[:, None], second, target), goes_on

    def back(self, nets: Networks, batch: Batch, fake: Tensor) -> Back:
        """Return where the way back begins and ends, so that nothing hidden in a translation tells of outlines.

        Between the two domains it begins at the twin. What went into a third goes back to the drawing with outlines,
        from what the one without became: a real target for what was made (back-translation, Sennrich et al. 2016).
        """
        image, twin, label = batch["image"], batch["twin"], batch["label"]
        twinned, outlined = batch["twinned"] > 0, label[:, self.first] > 0
        between = self.between(batch) & twinned
        third = twinned & (batch["target"][:, [self.first, self.second]].sum(1) == 0)
        rows, fake = torch.nonzero(third).flatten(), precise(fake)
        with_outlines, without = self._translated(nets, batch, fake, rows)
        first = torch.zeros_like(label)
        first[:, self.first] = 1
        return Back(
            start=torch.where(maps(between), twin, fake).index_copy(0, rows, without),
            labels=self.labels.told(torch.where(third[:, None], first, label), batch["set"]),
            end=torch.where(maps(third & ~outlined), twin, image),
            exact=between | third,
            far=(between * _distance(fake, twin)).index_copy(0, rows, _distance(with_outlines, without)),
        )

    def _translated(self, nets: Networks, batch: Batch, fake: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the drawings of these rows become with their outlines, and without, as what is to be reached."""
        made = twins = fake[rows]
        if len(rows):  # an instance norm takes no empty batch
            told = self.labels.told(batch["target"][rows], batch["set"][rows])
            twins = precise(nets["g"](batch["twin"][rows], told))
        outlined = maps(batch["label"][rows, self.first] > 0)
        return torch.where(outlined, made, twins), torch.where(outlined, twins, made).detach()


def maps(values: Tensor) -> Tensor:
    """Return values [N] as [N, 1, 1, 1]."""
    return values[:, None, None, None]


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).abs().mean((1, 2, 3))
