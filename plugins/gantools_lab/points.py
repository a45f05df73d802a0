"""The data kind `points`: endless samples of a known distribution in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

import torch

from gantools.randomness import derive_seed
from gantools_lab.config import parse_modes

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from gantools_lab.config import Config

SHOWN = 2500
ROLL_STD = 0.25 / 7.5
_BLOCK = 2**16


class Points:
    """Sample ``k`` is a function of the seed and ``k``, float32 [2] under ``x``; no point comes twice.

    Points are drawn in blocks of 65,536, each with a seed of its own; a block is what is called an epoch.
    """

    cached = True

    def __init__(self, config: Config, report: Callable[[str, int, int], None] | None = None) -> None:
        self.spec, self.seed = config.data, config.seed
        self._block = (-1, torch.empty(0, 2))

    def __len__(self) -> int:
        return _BLOCK

    def __getitem__(self, k: int) -> dict[str, Tensor]:
        number, place = divmod(k, _BLOCK)
        return {"x": self._drawn(number)[place]}

    def batch(self, ks: Sequence[int]) -> dict[str, Tensor]:
        """Return samples ``ks`` together, [N, 2]: what stacking them one by one gives, sooner."""
        first, last = ks[0], ks[-1]
        number, place = divmod(first, _BLOCK)
        if last - first + 1 == len(ks) and place + len(ks) <= _BLOCK:
            return {"x": self._drawn(number)[place : place + len(ks)]}
        return {"x": torch.stack([self[k]["x"] for k in ks])}

    def sheet(self) -> dict[str, Tensor]:
        """Return 2,500 points that no seed of a run changes, [2500, 2]."""
        return {"x": draw(self.spec, SHOWN, torch.Generator().manual_seed(derive_seed("points", "sheet")))}

    def describe(self) -> dict[str, object]:
        """Return the distribution's name, which says all there is to know."""
        fingerprint = blake2b(self.spec.encode(), digest_size=8).hexdigest()
        return {"kind": "points", "domains": [self.spec], "fingerprint": [fingerprint]}

    def _drawn(self, number: int) -> Tensor:
        if self._block[0] != number:
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "points", number))
            self._block = (number, draw(self.spec, _BLOCK, generator))
        return self._block[1]


def draw(data: str, count: int, generator: torch.Generator) -> Tensor:
    """Draw points of the data set of that name, float32 [count, 2]."""
    modes = parse_modes(data)
    noise = torch.randn(count, 2, generator=generator)
    if not modes:
        return roll(torch.rand(count, generator=generator)) + ROLL_STD * noise
    table = torch.tensor(modes)
    which = torch.multinomial(table[:, 0], count, replacement=True, generator=generator)
    return table[which, 1:3] + table[which, 3:] * noise


def roll(u: Tensor) -> Tensor:
    """Return the points of the Swiss roll's curve at u in [0, 1], [N, 2]: (t cos t, t sin t) / 7.5, t = 1.5π (1 + 2u).

    The scale is that of Gulrajani et al. 2017, figure 1; the noise around it has a standard deviation of 0.25 / 7.5.
    """
    t = 1.5 * torch.pi * (1 + 2 * u)
    return torch.stack([t * t.cos(), t * t.sin()], 1) / 7.5


@lru_cache
def centres(data: str) -> tuple[Tensor, Tensor]:
    """Return the points that samples should lie near, [M, 2], and the standard deviation around each, [M].

    They are the centres of the modes; of `swissroll`, points close to each other along its curve.
    """
    modes = parse_modes(data)
    if not modes:
        curve = roll(torch.linspace(0, 1, 1000))
        return curve, torch.full((len(curve),), ROLL_STD)
    table = torch.tensor(modes)
    return table[:, 1:3], table[:, 3]
