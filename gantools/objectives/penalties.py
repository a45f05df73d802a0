"""Gradient penalties: terms of the discriminator's loss, in float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch

from gantools.objectives.base import Critic, Judged, Needs, Penalty, input_gradient
from gantools.objectives.judge import judge

if TYPE_CHECKING:
    from torch import Tensor

    from gantools.randomness import StepRandom


@dataclass(frozen=True)
class GradientPenalty(Penalty):
    """The two-sided gradient penalty of WGAN-GP (Gulrajani et al. 2017, eq. 3).

    One point a sample is drawn uniformly on the line between a real and a generated picture; a sample's score is the
    mean over its map. Conditions are those of the real sample.
    """

    weight: float = 10.0

    needs: ClassVar[Needs] = Needs(norm="per-sample")
    paper: ClassVar[str] = "Gulrajani et al. 2017, Improved Training of Wasserstein GANs, eq. 3"
    formula_d: ClassVar[str] = "E (‖∇D(u x + (1 - u) G(z))‖₂ - 1)²,  u ~ U[0, 1]"

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean squared distance of the gradient's norm from 1."""
        mix = rng.uniform(1, 1, 1)
        points = torch.lerp(fake.sample.image.detach().float(), real.sample.image.detach().float(), mix)
        sample = real.sample._replace(image=points.requires_grad_(True))
        gradient = input_gradient(judge(critic, sample).score, points)
        norm: Tensor = torch.linalg.vector_norm(gradient.flatten(1), dim=1)
        return (norm - 1).square().mean()


@dataclass(frozen=True)
class R1(Penalty):
    """The zero-centred gradient penalty at real samples (Mescheder et al. 2018, eq. 9): weight γ/2, here γ = 10."""

    weight: float = 5.0

    needs: ClassVar[Needs] = Needs(norm="per-sample")
    paper: ClassVar[str] = "Mescheder et al. 2018, Which Training Methods for GANs do actually Converge?, eq. 9"
    formula_d: ClassVar[str] = "E ‖∇D(x)‖₂²"
    differentiates: ClassVar[frozenset[Literal["real", "fake"]]] = frozenset({"real"})

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean squared norm of the gradient at real samples, taken from the scores already there."""
        return input_gradient(real.score, real.sample.image).square().flatten(1).sum(1).mean()
