"""The history of translations that a discriminator is shown (Shrivastava et al. 2017; Zhu et al. 2017, section 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from gantools.randomness import StepRandom


class ImagePool:
    """Keeps earlier pictures and hands back old ones half of the time.

    ``capacity`` pictures in all, shared out evenly over the positions of the global batch, so that a position's history
    does not depend on how the batch is split. While a pool fills, it returns what it is given. One of several processes
    keeps the history of its own positions.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._slots: Tensor | None = None
        self._filled = torch.zeros(0, dtype=torch.long)  # pictures at each position

    def query(self, images: Tensor, rng: StepRandom) -> Tensor:
        """Return [N, C, H, W]: each picture, or with probability 1/2 an earlier one that it takes the place of."""
        if self.capacity == 0:
            return images
        images = images.detach()
        slots = self._positions(images, rng)
        filled = int(self._filled[rng.rows.start])
        if filled < slots.shape[1]:
            slots[:, filled] = images
            self._filled[rng.rows] += 1
            return images
        row = torch.arange(len(images), device=images.device)
        slot = rng.integers(slots.shape[1])
        swap = (rng.uniform() < 0.5)[:, None, None, None]
        old = slots[row, slot]
        slots[row, slot] = torch.where(swap, images, old)
        return torch.where(swap, old, images)

    def state_dict(self) -> dict[str, Any]:
        """Return the pictures kept and how many there are at each position."""
        return {"slots": self._slots, "filled": self._filled}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self._slots, self._filled = state["slots"], state["filled"]

    def _positions(self, images: Tensor, rng: StepRandom) -> Tensor:
        if self._slots is None:
            depth = -(-self.capacity // rng.total)
            self._slots = torch.zeros(rng.total, depth, *images.shape[1:], dtype=images.dtype)
            self._filled = torch.zeros(rng.total, dtype=torch.long)
        self._slots = self._slots.to(images.device)  # a checkpoint's are on the CPU
        return self._slots[rng.rows]


def join_pools(states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the state of one pool out of those of several processes, of which each had a part of the positions."""
    return {name: _rows_of_each([state[name] for state in states]) for name in states[0]}


def _rows_of_each(tensors: Sequence[Tensor | None]) -> Tensor | None:
    known = [tensor for tensor in tensors if tensor is not None]
    return torch.cat([tensor.chunk(len(known))[i] for i, tensor in enumerate(known)]) if known else None
