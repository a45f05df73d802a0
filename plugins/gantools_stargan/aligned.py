"""Two domains of which pictures of the same name lie exactly on each other: drawings with and without outlines."""

from __future__ import annotations

import torch
from torch import Tensor

from gantools.task import Batch
from gantools_stargan.labels import Labels


class Aligned:
    """Two domains: the first has drawings with their outlines, the second the same ones without.

    What a picture of the first should be in the second, and the reverse, is known to the pixel (`between`). Into any
    other domain it goes without its outlines, so it is compared with its picture in the second, its twin (`source`).
    """

    def __init__(self, labels: Labels, first: str, second: str) -> None:
        self.first, self.second = labels.names.index(first), labels.names.index(second)

    def between(self, batch: Batch) -> Tensor:
        """Return which samples [N] go from one of the two domains into the other."""
        change = (batch["target"] - batch["label"])[:, [self.first, self.second]]
        return change.abs().sum(1) == 2

    def source(self, batch: Batch) -> Tensor:
        """Return what translations are to keep [N, 3, H, W]: the twin, or into the first domain the picture itself."""
        stays = batch["target"][:, self.first, None, None, None] > 0
        return torch.where(stays, batch["image"], batch["twin"])
