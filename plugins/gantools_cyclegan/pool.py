"""The history of translations that a discriminator is shown (Shrivastava et al. 2017; Zhu et al. 2017, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from gantools.randomness import StepRandom


class ImagePool:
    """Keeps earlier pictures and hands back old ones half of the time.

    ``capacity`` pictures in all, shared out evenly over the positions of the global batch, so that a position's history
    does not depend on how the batch is split. While a pool fills, it returns what it is given.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._slots: Tensor | None = None
        self._filled: dict[int, int] = {}

    def query(self, images: Tensor, rng: StepRandom) -> Tensor:
        """Return [N, C, H, W]: each picture, or with probability 1/2 an earlier one that it takes the place of."""
        if self.capacity == 0:
            return images
        images = images.detach()
        slots = self._positions(images, rng)
        filled = self._filled.get(rng.rows.start, 0)
        if filled < slots.shape[1]:
            slots[:, filled] = images
            self._filled[rng.rows.start] = filled + 1
            return images
        row = torch.arange(len(images), device=images.device)
        slot = rng.integers(slots.shape[1])
        swap = (rng.uniform() < 0.5)[:, None, None, None]
        old = slots[row, slot]
        slots[row, slot] = torch.where(swap, images, old)
        return torch.where(swap, old, images)

    def state_dict(self) -> dict[str, Any]:
        """Return the pictures kept and how far each part of the pool is filled."""
        return {"slots": self._slots, "filled": self._filled}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self._slots, self._filled = state["slots"], dict(state["filled"])

    def _positions(self, images: Tensor, rng: StepRandom) -> Tensor:
        if self._slots is None:
            depth = -(-self.capacity // rng.total)
            self._slots = torch.zeros(rng.total, depth, *images.shape[1:], dtype=images.dtype)
        self._slots = self._slots.to(images.device)  # a checkpoint's are on the CPU
        return self._slots[rng.rows]
