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
    where a penalty takes gradients sample by sample, which batch statistics would mix. ``dropout``: the share that the
    critic drops, put in by the layer where the critic has none. ``features``: the critic's last hidden layer is looked
    at. ``real_in_g``: the generator's loss looks at real samples too. ``min_batch``: samples a pass has to hold.

    A task has to heed ``critic`` and ``norm`` when it builds its discriminators; the rest is seen to.
    """

    critic: Literal["scores", "autoencoder"] = "scores"
    norm: Literal["any", "per-sample"] = "any"
    dropout: float = 0.0
    features: bool = False
    real_in_g: bool = False
    min_batch: int = 1

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            critic="autoencoder" if "autoencoder" in {self.critic, other.critic} else "scores",
            norm="per-sample" if "per-sample" in {self.norm, other.norm} else "any",
            dropout=max(self.dropout, other.dropout),
            features=self.features or other.features,
            real_in_g=self.real_in_g or other.real_in_g,
            min_batch=max(self.min_batch, other.min_batch),
        )


class Entry:
    """What a loss, penalty, constraint or recipe says of itself, for `gantools objectives`.

    ``minimises`` says what it comes to where the critic is at its best, ``use`` when to take it. ``example`` has flags
    that show it at work, behind a task and its data where one task alone will do; without, it is shown by itself. A
    clause of a formula stands behind a comma and two spaces.
    """

    needs: ClassVar[Needs] = Needs()
    paper: ClassVar[str] = ""
    formula_d: ClassVar[str] = ""
    formula_g: ClassVar[str] = ""
    minimises: ClassVar[str] = ""
    use: ClassVar[str] = ""
    example: ClassVar[str] = ""


class Loss(Entry):
    """An adversarial loss: what each player minimises, as a mean over scores.

    Subclasses are dataclasses whose fields are the options of the grammar (``lsgan:a=-1``). For the first ``pretrain``
    discriminator updates the generator waits, and the discriminator minimises `pretrain_loss`.
    """

    pretrain: int = 0

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return what the discriminator minimises, a scalar."""
        raise TypeError(f"{type(self).__name__} defines no d_loss")

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return what the generator minimises, a scalar. ``real`` is given where ``needs.real_in_g``."""
        raise TypeError(f"{type(self).__name__} defines no g_loss")

    def pretrain_loss(self, real: Judged) -> Tensor:
        """Return what the discriminator minimises on real samples alone, before the game begins."""
        raise TypeError(f"{type(self).__name__} defines no pretrain_loss")


@dataclass(frozen=True)
class Penalty(Entry):
    """A term of one player's loss, ``weight`` times; ``every=N`` takes each N-th update only, N times as strong.

    ``player`` says whose loss: the discriminator's ("d") or the generator's ("g"). A discriminator's penalty may take
    gradients of the scores it is given, or need all their digits: ``differentiates`` names those samples ("real",
    "fake"), and "cond" where the gradient goes to what they are judged with too. The layer then judges them apart, in
    float32. One that looks at ``real_alone`` is taken once, however many generated samples there are. A generator's
    penalty that ``replaces`` the adversarial loss leaves that out.
    """

    weight: Annotated[float, Field(ge=0, description="strength")] = 1.0
    every: Annotated[int, Field(ge=1, description="apply at each N-th update, N times as strong")] = 1

    player: ClassVar[Literal["d", "g"]] = "d"
    differentiates: ClassVar[frozenset[Literal["real", "fake", "cond"]]] = frozenset()
    real_alone: ClassVar[bool] = False

    @property
    def replaces(self) -> bool:
        """Whether the generator's adversarial loss is left out."""
        return False

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the unweighted penalty, a scalar with gradients to its player's parameters.

        A generator's penalty is given verdicts on real samples only where ``needs.real_in_g``; else ``real`` is
        ``fake``.
        """
        raise TypeError(f"{type(self).__name__} computes nothing")


class Constraint(Entry):
    """A change to a network itself: when it is built, around each of its updates, or by a term of its parameters.

    ``on`` is "d" for discriminators alone, or "both". A constraint that comes ``last`` is applied after all others.
    """

    on: str = "d"
    last: ClassVar[bool] = False

    def apply(self, network: nn.Module) -> None:
        """Change a newly built network in place."""

    def observe(self, d: nn.Module, real: Sample) -> None:
        """Take note of the real samples that a discriminator is about to judge."""

    def before_update(self, network: nn.Module) -> None:
        """Prepare a network for one update."""

    def loss(self, network: nn.Module) -> Tensor | None:
        """Return a term of the loss that is a function of the network's parameters alone, or None."""
        return None

    def after_update(self, network: nn.Module) -> None:
        """Correct a network after the optimizer's step."""

    def state_dict(self) -> list[Any]:
        """Return whatever has to survive a restart, network by network in the order they were built."""
        return []

    def load_state_dict(self, state: list[Any]) -> None:
        """Take back what `state_dict` returned."""


@dataclass(frozen=True)
class Recipe:
    """A combination under one name: loss, penalties, constraints, and settings such as optimizer and n_critic."""

    loss: str
    penalties: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    paper: str = ""
    use: str = ""


def precise(tensor: Tensor) -> Tensor:
    """Return a tensor in float32 at least: differences of means and norms of gradients need the digits."""
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))


def sample_scores(score: Tensor) -> Tensor:
    """Return one score a sample, [N]: the mean over its map."""
    return precise(score).reshape(len(score), -1).mean(1)


def joined_gradient(score: Tensor, *inputs: Tensor) -> Tensor:
    """Return each sample's gradient with respect to all its inputs as one vector [N, …], itself differentiable.

    It is 0 for an input that the score does not depend on.
    """
    total = sample_scores(score).sum()
    gradients = torch.autograd.grad(total, inputs, create_graph=True, materialize_grads=True)
    return torch.cat([gradient.reshape(len(gradient), -1) for gradient in gradients], 1)


def gradient_norms(score: Tensor, *inputs: Tensor) -> Tensor:
    """Return the Euclidean norm of each sample's gradient over all its inputs together, [N]."""
    norms: Tensor = torch.linalg.vector_norm(joined_gradient(score, *inputs), dim=1)
    return norms
