"""The vocabulary of the objective layer, and what an author of a loss, penalty or constraint has to know.

Throughout, a higher score means "more real", a score may be a map of patches, and a sample's score is the mean over
its map.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple, Protocol

import torch
from pydantic import Field
from torch import Tensor, nn

if TYPE_CHECKING:
    from gantools.randomness import StepRandom

Losses = dict[str, Tensor]


class Sample(NamedTuple):
    """What a critic judges: images [N, C, H, W] in [-1, 1], and what they are judged with (a picture, an embedding)."""

    image: Tensor
    cond: tuple[Tensor, ...] = ()


class Verdict(NamedTuple):
    """What a critic says: scores [N, …], the features it looked at, and whatever else its heads give."""

    score: Tensor
    features: tuple[Tensor, ...] = ()
    aux: dict[str, Tensor] = {}  # noqa: RUF012  (a NamedTuple's default; never written to)


class Judged(NamedTuple):
    """A sample and its verdict: what losses and penalties are functions of."""

    sample: Sample
    verdict: Verdict

    @property
    def score(self) -> Tensor:
        """The verdict's scores [N, …]."""
        return self.verdict.score


class Critic(Protocol):
    """A discriminator: called with images and conditions, it returns scores or a Verdict."""

    def __call__(self, image: Tensor, *cond: Tensor) -> Tensor | Verdict:
        """Judge images [N, C, H, W]."""
        ...


@dataclass(frozen=True)
class Needs:
    """What an objective asks of the critic and of the generator's phase.

    ``critic``: "scores", or "autoencoder" where the energy is a reconstruction error. ``norm``: "any", or "per-sample"
    where a penalty takes gradients sample by sample, which batch statistics would mix. ``real_in_g``: the generator's
    loss looks at real samples too. ``features``: it looks at the critic's features. ``min_batch``: samples it needs.
    """

    critic: Literal["scores", "autoencoder"] = "scores"
    norm: Literal["any", "per-sample"] = "any"
    dropout: bool = False
    features: bool = False
    real_in_g: bool = False
    min_batch: int = 1

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            critic="autoencoder" if "autoencoder" in {self.critic, other.critic} else "scores",
            norm="per-sample" if "per-sample" in {self.norm, other.norm} else "any",
            dropout=self.dropout or other.dropout,
            features=self.features or other.features,
            real_in_g=self.real_in_g or other.real_in_g,
            min_batch=max(self.min_batch, other.min_batch),
        )


class Loss:
    """An adversarial loss: what each player minimises, as a mean over scores.

    Subclasses are dataclasses whose fields are the options of the grammar (``lsgan:a=-1``).
    """

    needs: ClassVar[Needs] = Needs()
    paper: ClassVar[str] = ""
    formula_d: ClassVar[str] = ""
    formula_g: ClassVar[str] = ""

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return what the discriminator minimises, a scalar."""
        raise TypeError(f"{type(self).__name__} defines no d_loss")

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return what the generator minimises, a scalar. ``real`` is given where ``needs.real_in_g``."""
        raise TypeError(f"{type(self).__name__} defines no g_loss")


@dataclass(frozen=True)
class Penalty:
    """A term of the discriminator's loss, ``weight`` times; ``every=N`` takes each N-th update only, N times as strong.

    ``differentiates`` names the samples whose image gradient the penalty takes from the scores it is given: the layer
    then judges those apart, in float32, with gradients to the image.
    """

    weight: float = 1.0
    every: Annotated[int, Field(ge=1)] = 1

    needs: ClassVar[Needs] = Needs()
    paper: ClassVar[str] = ""
    formula_d: ClassVar[str] = ""
    differentiates: ClassVar[frozenset[Literal["real", "fake"]]] = frozenset()

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the unweighted penalty, a scalar with gradients to the critic's parameters."""
        raise TypeError(f"{type(self).__name__} computes nothing")


class Constraint:
    """A change to the critic itself: when it is built, and around each of its updates."""

    paper: ClassVar[str] = ""
    formula_d: ClassVar[str] = ""

    def apply(self, d: nn.Module) -> None:
        """Change a newly built discriminator in place."""

    def before_d_update(self, d: nn.Module) -> None:
        """Prepare the discriminator for one update."""

    def after_d_update(self, d: nn.Module) -> None:
        """Correct the discriminator after the optimizer's step."""


@dataclass(frozen=True)
class Recipe:
    """A combination under one name: loss, penalties, constraints, and settings such as optimizer and n_critic."""

    loss: str
    penalties: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    paper: str = ""


def sample_scores(score: Tensor) -> Tensor:
    """Return one score a sample, [N]: the mean over its map, in float32."""
    return score.float().reshape(len(score), -1).mean(1)


def input_gradient(score: Tensor, image: Tensor) -> Tensor:
    """Return the gradient of each sample's score with respect to its image, [N, C, H, W], itself differentiable."""
    (gradient,) = torch.autograd.grad(sample_scores(score).sum(), image, create_graph=True)
    return gradient
