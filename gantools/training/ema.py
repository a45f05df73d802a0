"""The averaged generator: what samples are drawn from and what is saved."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn


class Average:
    """An exponential moving average of networks, with decay min(beta, (1 + t) / (10 + t)) at step t.

    The warm-up lets short runs show the generator instead of its initial noise. ``beta = 0`` follows the networks.
    """

    def __init__(self, networks: nn.ModuleDict, beta: float) -> None:
        self.beta = beta
        self._source = networks
        self.networks = deepcopy(networks).eval().requires_grad_(False)
        self._average: list[Tensor] = list(self.networks.parameters())
        self._current: list[Tensor] = list(networks.parameters())

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the networks after generator update number ``step``, counted from 0."""
        decay = min(self.beta, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._average, self._current, 1 - decay)
        for kept, new in zip(self.networks.buffers(), self._source.buffers(), strict=True):
            kept.copy_(new)
