"""What a metric is, and what it gets to see."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

if TYPE_CHECKING:
    from gantools.metrics.pictures import PictureSet

Need = Literal["set", "features", "pairs", "back", "domains", "prompts", "training"]


class Value(NamedTuple):
    """A figure, its standard error (None where nobody knows one) and the number of pictures it is of.

    ``chance`` is what guessing comes to, where that is not 0 and no untouched sources show it.
    """

    value: float
    std_error: float | None
    n: int
    chance: float | None = None


@dataclass(frozen=True)
class Evidence:
    """What one row of an evaluation is judged by.

    ``made`` are the pictures that are judged, ``real`` those they should be like, as sets; ``truth[i]`` is the index in
    ``real`` of what ``made[i]`` should be, or None. ``source`` and ``back`` are what the pictures were translated from,
    and what they become translated back; ``prompts`` the words of each; ``domains`` real pictures by what they are;
    ``training`` what may have been learned by heart.
    """

    made: PictureSet
    real: PictureSet
    truth: Sequence[int | None] = ()
    source: PictureSet | None = None
    back: PictureSet | None = None
    prompts: Sequence[str] = ()
    domains: Mapping[str, PictureSet] = field(default_factory=dict)
    domain: str | None = None
    training: PictureSet | None = None

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The indices, in ``made`` and ``real``, of the pictures whose truth is known."""
        return [(i, j) for i, j in enumerate(self.truth) if j is not None]

    @property
    def kin(self) -> list[int]:
        """A number for each made picture; those of one truth share it, and are no independent draws."""
        known = len(self.real)
        truth = self.truth or (None,) * len(self.made)
        return [known + i if j is None else j for i, j in enumerate(truth)]

    def has(self, needs: frozenset[Need]) -> bool:
        """Whether everything that a metric needs is there."""
        there = {
            "pairs": bool(self.pairs),
            "back": self.back is not None and self.source is not None,
            "domains": len(self.domains) > 1 and self.domain is not None,
            "prompts": bool(self.prompts),
            "training": self.training is not None,
        }
        return all(there.get(need, True) for need in needs)


class Metric(ABC):
    """A figure about generated pictures. ``needs`` says what it cannot do without, ``better`` which way is good.

    "features" have the backbone's name added to the metric's own, since figures of different backbones cannot be
    compared; "set" needs at least ``fewest`` pictures on both sides.
    """

    needs: ClassVar[frozenset[Need]] = frozenset()
    better: ClassVar[Literal["lower", "higher"] | None] = None
    decimals: ClassVar[int] = 3
    fewest: ClassVar[int] = 10
    paper: ClassVar[str] = ""

    @abstractmethod
    def __call__(self, seen: Evidence) -> Value:
        """Return the figure."""

    def applies(self, seen: Evidence) -> bool:
        """Whether this evidence suffices."""
        enough = "set" not in self.needs or min(len(seen.made), len(seen.real)) >= self.fewest
        return enough and seen.has(self.needs)


def mean_of(values: Sequence[float]) -> Value:
    """Return the mean of a figure for each picture, with its standard error."""
    n = len(values)
    mean = sum(values) / n
    spread = sum((value - mean) ** 2 for value in values) / (n - 1) if n > 1 else None
    return Value(mean, None if spread is None else (spread / n) ** 0.5, n)
