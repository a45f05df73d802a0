"""Penalties on gradients and on consistency: terms of the discriminator's loss, in float32."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch.nn.functional import relu

from gantools.objectives.base import (
    Critic,
    Judged,
    Needs,
    Penalty,
    Sample,
    gradient_norms,
    joined_gradient,
    precise,
    sample_scores,
)
from gantools.objectives.judge import judge

if TYPE_CHECKING:
    from torch import Tensor

    from gantools.randomness import StepRandom

Weight10 = Annotated[float, Field(ge=0, description="λ")]


@dataclass(frozen=True)
class GradientPenalty(Penalty):
    """The two-sided gradient penalty of WGAN-GP (Gulrajani et al. 2017, eq. 3).

    One point a sample is drawn uniformly on the line between a real and a generated one; a sample's score is the mean
    over its map. Conditions are those of the real sample.
    """

    weight: Weight10 = 10.0

    needs: ClassVar[Needs] = Needs(norm="per-sample")
    paper: ClassVar[str] = "Gulrajani et al. 2017, Improved Training of Wasserstein GANs, eq. 3"
    formula_d: ClassVar[str] = "E (‖∇D(u x + (1 - u) G(z))‖₂ - 1)²,  u ~ U[0, 1]"
    minimises: ClassVar[str] = "with wgan, a linear best critic has slope 1 + W₁/(2λ)"
    use: ClassVar[str] = (
        "with wgan. Where the best critic has to turn, a weight of 10 can hold it at the linear one that its first "
        "weights point at, whose gradient has norm 1 everywhere: gp-one-sided lets it turn"
    )
    example: ClassVar[str] = "--objective wgan --penalty gp --n-critic 5"

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean squared distance of the gradient's norm from 1."""
        return (_norms_between(critic, real, fake, rng) - 1).square().mean()


@dataclass(frozen=True)
class OneSidedGradientPenalty(Penalty):
    """The gradient penalty for norms above 1 alone (Gulrajani et al. 2017, section 4; Petzka et al. 2018, eq. 8).

    ``squared`` as Petzka et al. have it; without, the excess counts as it is.
    """

    weight: Weight10 = 10.0
    squared: Annotated[bool, Field(description="square the excess over 1")] = True

    needs: ClassVar[Needs] = Needs(norm="per-sample")
    paper: ClassVar[str] = "Petzka et al. 2018, On the Regularization of Wasserstein GANs, eq. 8"
    formula_d: ClassVar[str] = "E max(0, ‖∇D(u x + (1 - u) G(z))‖₂ - 1)²,  or without the square"
    minimises: ClassVar[str] = "with wgan, a linear best critic has slope 1 + W₁/(2λ); without the square 1, if λ > W₁"
    use: ClassVar[str] = "with wgan: 1-Lipschitz is all that the theory asks of the critic"
    example: ClassVar[str] = "--objective wgan --penalty gp-one-sided --n-critic 5"

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean excess of the gradient's norm over 1, squared or not."""
        excess = relu(_norms_between(critic, real, fake, rng) - 1)
        return (excess.square() if self.squared else excess).mean()


@dataclass(frozen=True)
class Dragan(Penalty):
    """The gradient penalty in the neighbourhood of the data (Kodali et al. 2017, section 2.4).

    Real samples are moved by normal noise of ``noise`` times the standard deviation of the batch.
    """

    weight: Weight10 = 10.0
    noise: Annotated[float, Field(gt=0, description="noise, in standard deviations of the real batch")] = 0.5
    k: Annotated[float, Field(ge=0, description="norm that the gradient is held to")] = 1.0

    needs: ClassVar[Needs] = Needs(norm="per-sample")
    paper: ClassVar[str] = "Kodali et al. 2017, On Convergence and Stability of GANs, section 2.4"
    formula_d: ClassVar[str] = "E (‖∇D(x + δ)‖₂ - k)²,  δ ~ N(0, (noise · std x)²)"
    minimises: ClassVar[str] = "slope k near the data, even where generated and real agree and the best critic is flat"
    use: ClassVar[str] = "with minimax or nonsaturating: smooths the critic near the data, against mode loss"
    example: ClassVar[str] = "--objective nonsaturating --penalty dragan"
    real_alone: ClassVar[bool] = True

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean squared distance of the gradient's norm from k, near real samples."""
        image = precise(real.sample.image.detach())
        points = image + self.noise * image.std() * rng.normal(*image.shape[1:])
        return (_norms_at(critic, real, points) - self.k).square().mean()


@dataclass(frozen=True)
class R1(Penalty):
    """The zero-centred gradient penalty at real samples (Mescheder et al. 2018, eq. 9): weight γ/2, here γ = 10."""

    weight: Annotated[float, Field(ge=0, description="γ/2")] = 5.0

    needs: ClassVar[Needs] = Needs(norm="per-sample")
    paper: ClassVar[str] = "Mescheder et al. 2018, Which Training Methods for GANs do actually Converge?, eq. 9"
    formula_d: ClassVar[str] = "E ‖∇D(x)‖₂²"
    minimises: ClassVar[str] = "0 at the equilibrium: where generated and real agree, the best critic is flat"
    use: ClassVar[str] = "with nonsaturating: training converges where the data lie; every=16 makes it cheap"
    example: ClassVar[str] = "--objective nonsaturating --penalty r1"
    differentiates: ClassVar[frozenset[Literal["real", "fake", "cond"]]] = frozenset({"real"})
    real_alone: ClassVar[bool] = True

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean squared norm of the gradient at real samples, taken from the scores already there."""
        return _squared_norm(real)


@dataclass(frozen=True)
class R2(Penalty):
    """The zero-centred gradient penalty at generated samples (Mescheder et al. 2018, eq. 10): weight γ/2, γ = 10."""

    weight: Annotated[float, Field(ge=0, description="γ/2")] = 5.0

    needs: ClassVar[Needs] = Needs(norm="per-sample")
    paper: ClassVar[str] = "Mescheder et al. 2018, Which Training Methods for GANs do actually Converge?, eq. 10"
    formula_d: ClassVar[str] = "E ‖∇D(G(z))‖₂²"
    minimises: ClassVar[str] = "0 at the equilibrium: where generated and real agree, the best critic is flat"
    use: ClassVar[str] = "beside r1, as R3GAN does with relativistic losses"
    example: ClassVar[str] = "--objective relativistic-average --penalty r1 --penalty r2"
    differentiates: ClassVar[frozenset[Literal["real", "fake", "cond"]]] = frozenset({"fake"})

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean squared norm of the gradient at generated samples, taken from the scores already there."""
        return _squared_norm(fake)


@dataclass(frozen=True)
class MatchingAware(Penalty):
    """Zero-centred at real samples with their own conditions, for both jointly (Tao et al. 2022, eq. 2).

    The norm is that of the gradient with respect to the picture and all that it is judged with together, as in the
    authors' code; the paper's equation adds two norms. ``weight`` is k.
    """

    weight: Annotated[float, Field(ge=0, description="k")] = 2.0
    p: Annotated[float, Field(gt=1, description="power of the norm")] = 6.0

    needs: ClassVar[Needs] = Needs(norm="per-sample")
    paper: ClassVar[str] = "Tao et al. 2022, DF-GAN, eq. 2 (MA-GP), with the joint norm of the authors' code"
    formula_d: ClassVar[str] = "E ‖∇₍ₓ,ₑ₎ D(x, e)‖₂ᵖ,  e what x is judged with"
    minimises: ClassVar[str] = "0 for a critic that is flat at real pairs"
    use: ClassVar[str] = "with hinge, where pictures are judged with a text or another picture"
    example: ClassVar[str] = "pix2pix --a DIR --b DIR --objective hinge --penalty matching-aware"
    differentiates: ClassVar[frozenset[Literal["real", "fake", "cond"]]] = frozenset({"real", "cond"})
    real_alone: ClassVar[bool] = True

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean p-th power of the joint gradient's norm."""
        inputs = [tensor for tensor in (real.sample.image, *real.sample.cond) if tensor.requires_grad]
        return gradient_norms(real.score, *inputs).pow(self.p).mean()


@dataclass(frozen=True)
class Consistency(Penalty):
    """Two passes with different dropout say the same of a real sample (Wei et al. 2018, eq. 4).

    Distances are squared, as in the authors' code; that of the last hidden layer is a mean over its values. A critic
    without dropout gets it, with probability ``dropout`` behind each activation but the first.
    """

    weight: Annotated[float, Field(ge=0, description="λ₂")] = 2.0
    margin: Annotated[float, Field(ge=0, description="M', below which a difference is free")] = 0.0
    dropout: Annotated[float, Field(gt=0, lt=1, description="probability, where the critic has no dropout")] = 0.5

    paper: ClassVar[str] = "Wei et al. 2018, Improving the Improved Training of Wasserstein GANs, eq. 4"
    formula_d: ClassVar[str] = (
        "E max(0, (D(x') - D(x''))² + 0.1 mean (h(x') - h(x''))² - M'),  x' and x'' two passes with dropout,  "
        "h the critic's last hidden layer"
    )
    minimises: ClassVar[str] = "0 for a critic whose dropout makes no difference at real samples"
    use: ClassVar[str] = "beside gp (recipe ct-gan), which says nothing of the critic right at the data"
    example: ClassVar[str] = "--objective wgan --penalty gp --penalty consistency --n-critic 5"
    differentiates: ClassVar[frozenset[Literal["real", "fake", "cond"]]] = frozenset({"real"})  # float32, both passes
    real_alone: ClassVar[bool] = True

    @property
    def needs(self) -> Needs:  # type: ignore[override]
        """Dropout in the critic, and its last hidden layer."""
        return Needs(dropout=self.dropout, features=True)

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean excess over the margin; the second pass is made here."""
        again = judge(critic, real.sample)
        scores = (sample_scores(real.score) - sample_scores(again.score)).square()
        pairs = zip(real.verdict.features, again.verdict.features, strict=True)
        hidden = sum((precise(one) - precise(other)).square().flatten(1).mean(1) for one, other in pairs)
        return relu(scores + 0.1 * hidden - self.margin).mean()


def _norms_between(critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
    """Return the gradient's norm at a random point between each real and generated sample, [N]."""
    image = precise(real.sample.image.detach())
    mix = rng.uniform(*[1] * (image.dim() - 1)).to(image.dtype)
    return _norms_at(critic, real, torch.lerp(precise(fake.sample.image.detach()), image, mix))


def _norms_at(critic: Critic, real: Judged, points: Tensor) -> Tensor:
    points = points.requires_grad_(True)
    cond = tuple(precise(c) if c.is_floating_point() else c for c in real.sample.cond)
    return gradient_norms(judge(critic, Sample(points, cond)).score, points)


def _squared_norm(judged: Judged) -> Tensor:
    return joined_gradient(judged.score, judged.sample.image).square().sum(1).mean()
