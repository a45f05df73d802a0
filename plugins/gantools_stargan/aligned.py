"""Two domains of which pictures of the same name lie exactly on each other: drawings, and the same without lines."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from gantools.task import Batch, Networks
from gantools_stargan.labels import Labels


class Aligned:
    """What is learned from drawings that there are with lines, the first domain, and without, the second.

    What a picture of the first should be in the second, and the reverse, is known to the pixel (`between`). Into any
    other domain it goes without its lines, so it is compared with its picture in the second (`source`). And it should
    become what that one becomes (`detour`): what is learned of pictures without lines, which is easier, serves both.
    """

    def __init__(self, labels: Labels, first: str, second: str) -> None:
        self.labels = labels
        self.first, self.second = labels.names.index(first), labels.names.index(second)

    def between(self, batch: Batch) -> Tensor:
        """Return which samples [N] go from one of the two domains into the other."""
        change = (batch["target"] - batch["label"])[:, [self.first, self.second]]
        return change.abs().sum(1) == 2

    def source(self, batch: Batch) -> Tensor:
        """Return what translations [N, 3, H, W] are to keep: twins, but of what goes into the first domain itself."""
        stays = batch["target"][:, self.first, None, None, None] > 0
        return torch.where(stays, batch["image"], batch["twin"])

    def detour(self, nets: Networks, batch: Batch, fake: Tensor) -> Tensor:
        """Return the mean absolute difference of pictures made and those made by way of the second domain.

        Only translations from or into the first count, not those between the two; the others add 0 to the mean. Twins
        that are known are not made. Nothing is learned by way: the direct translation has to follow.
        """
        changes = (batch["target"] != batch["label"])[:, self.first]
        rows = torch.nonzero(changes & ~self.between(batch)).flatten()
        if not len(rows):
            return fake[rows].sum()
        with torch.no_grad():
            aim = self._by_way(nets, {key: value[rows] for key, value in batch.items()})
        return (fake[rows] - aim).abs().sum() / fake.numel()

    def _by_way(self, nets: Networks, batch: Batch) -> Tensor:
        """Translate into the second domain, where that picture is not known, and from there to the target."""
        number, target = batch["set"], batch["target"]
        second = one_hot(torch.full_like(number, self.second), len(self.labels.names)).to(target.dtype)
        twins: Tensor = nets["g"](batch["image"], self.labels.told(second, number))
        twins = torch.where(batch["twinned"][:, None, None, None] > 0, batch["twin"], twins)
        made: Tensor = nets["g"](twins, self.labels.told(target, number))
        return made
