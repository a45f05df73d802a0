"""Adversarial losses. D is the critic's score before any activation, x is real, G(z) generated, σ the logistic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field
from torch.nn.functional import logsigmoid, relu, softplus

from gantools.objectives.base import Judged, Loss, Needs

if TYPE_CHECKING:
    from torch import Tensor

Smoothing = Annotated[
    float, Field(ge=0, lt=1, description="one-sided label smoothing: the real label is 1 less this (Salimans 2016)")
]


@dataclass(frozen=True)
class Minimax(Loss):
    """The original zero-sum game (Goodfellow et al. 2014, eq. 1), with -log σ(s) = softplus(-s).

    ``smoothing`` lowers the label of real samples, and of those alone (Salimans et al. 2016, section 3.4).
    """

    smoothing: Smoothing = 0.0

    paper: ClassVar[str] = "Goodfellow et al. 2014, Generative Adversarial Nets, eq. 1"
    formula_d: ClassVar[str] = "-E log σ(D(x)) - E log(1 - σ(D(G(z))))"
    formula_g: ClassVar[str] = "E log(1 - σ(D(G(z))))"
    minimises: ClassVar[str] = "2 JS(data, generated) - log 4"
    use: ClassVar[str] = "to study the game; its generator stops learning where the critic is sure: use nonsaturating"

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return the binary cross-entropy of telling real from generated."""
        missed = softplus(-real.score).mean()
        if self.smoothing:
            missed = (1 - self.smoothing) * missed + self.smoothing * softplus(real.score).mean()
        return missed + softplus(fake.score).mean()

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the negative of the discriminator's term: its gradient vanishes where the discriminator is sure."""
        return -softplus(fake.score).mean()


@dataclass(frozen=True)
class NonSaturating(Minimax):
    """Minimax whose generator maximises log σ(D(G(z))) instead (Goodfellow et al. 2014, section 3)."""

    paper: ClassVar[str] = "Goodfellow et al. 2014, Generative Adversarial Nets, section 3"
    formula_g: ClassVar[str] = "-E log σ(D(G(z)))"
    minimises: ClassVar[str] = "KL(generated ‖ data) - 2 JS(data, generated), by its gradient at the best critic"
    use: ClassVar[str] = "the usual choice where a probability is wanted; steadier with --penalty r1 or --spectral-norm"

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the cross-entropy of passing for real."""
        return softplus(-fake.score).mean()


@dataclass(frozen=True)
class LeastSquares(Loss):
    """Least squares to target scores, with the factor 1/2 for both players (Mao et al. 2017, eq. 2 and 9).

    ``a`` is the target of generated, ``b`` of real samples, ``c`` what the generator wants of its own; ``b=0.9`` is
    one-sided label smoothing.
    """

    a: Annotated[float, Field(description="target score of generated samples")] = 0.0
    b: Annotated[float, Field(description="target score of real samples; 0.9 smooths the label")] = 1.0
    c: Annotated[float, Field(description="score that the generator aims at")] = 1.0

    paper: ClassVar[str] = "Mao et al. 2017, Least Squares Generative Adversarial Networks, eq. 2"
    formula_d: ClassVar[str] = "1/2 E (D(x) - b)² + 1/2 E (D(G(z)) - a)²"
    formula_g: ClassVar[str] = "1/2 E (D(G(z)) - c)²"
    minimises: ClassVar[str] = "least squares; a Pearson χ² where b - c = 1 and b - a = 2, see lsgan-pearson"
    use: ClassVar[str] = "CycleGAN's loss, and a calm default for image translation"

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return the squared distance of real scores to b and of generated ones to a, halved."""
        return 0.5 * ((real.score - self.b).square().mean() + (fake.score - self.a).square().mean())

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the squared distance of generated scores to c, halved."""
        return 0.5 * (fake.score - self.c).square().mean()


@dataclass(frozen=True)
class LeastSquaresPearson(LeastSquares):
    """Least squares with b - c = 1 and b - a = 2 (Mao et al. 2017, section 3.2 and eq. 8)."""

    a: Annotated[float, Field(description="target score of generated samples")] = -1.0
    b: Annotated[float, Field(description="target score of real samples")] = 1.0
    c: Annotated[float, Field(description="score that the generator aims at")] = 0.0

    paper: ClassVar[str] = "Mao et al. 2017, Least Squares Generative Adversarial Networks, eq. 6 to 8"
    minimises: ClassVar[str] = "1/2 ∫ (p - q)² / (p + q), half a Pearson χ², p the data and q generated"
    use: ClassVar[str] = "least squares with a divergence behind it; like lsgan in practice"


@dataclass(frozen=True)
class Hinge(Loss):
    """A margin of 1 on either side for the critic (Lim and Ye 2017; Miyato et al. 2018, eq. 16 and 17)."""

    paper: ClassVar[str] = "Lim and Ye 2017, Geometric GAN; Miyato et al. 2018, eq. 16 and 17"
    formula_d: ClassVar[str] = "E max(0, 1 - D(x)) + E max(0, 1 + D(G(z)))"
    formula_g: ClassVar[str] = "-E D(G(z))"
    minimises: ClassVar[str] = "total variation: the best critic's loss is 2 - 2 TV"
    use: ClassVar[str] = "with --spectral-norm, for large and varied data"
    example: ClassVar[str] = "--objective hinge --constraint spectral-norm"

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return how far real scores stay under 1 and generated ones above -1."""
        return relu(1 - real.score).mean() + relu(1 + fake.score).mean()

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the negative mean score of generated samples."""
        return -fake.score.mean()


@dataclass(frozen=True)
class Wasserstein(Loss):
    """The dual of the Wasserstein-1 distance (Arjovsky et al. 2017, eq. 2 and 3); the critic has to be Lipschitz."""

    paper: ClassVar[str] = "Arjovsky et al. 2017, Wasserstein GAN, eq. 2 and 3"
    formula_d: ClassVar[str] = "-E D(x) + E D(G(z))"
    formula_g: ClassVar[str] = "-E D(G(z))"
    minimises: ClassVar[str] = "K W₁(data, generated), K the Lipschitz constant that the critic is held to"
    use: ClassVar[str] = "with --penalty gp or gp-one-sided, or --spectral-norm: without one the loss has no bound"
    example: ClassVar[str] = "--objective wgan --penalty gp-one-sided --n-critic 5"

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return the negative difference of mean scores."""
        return fake.score.mean() - real.score.mean()

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the negative mean score of generated samples."""
        return -fake.score.mean()


@dataclass(frozen=True)
class RelativisticAverage(Loss):
    """Real samples score higher than the average generated one, and the reverse (Jolicoeur-Martineau 2018, RaSGAN)."""

    smoothing: Smoothing = 0.0

    needs: ClassVar[Needs] = Needs(real_in_g=True)
    paper: ClassVar[str] = "Jolicoeur-Martineau 2018, The relativistic discriminator, section 4.2"
    formula_d: ClassVar[str] = "-E log σ(D(x) - E D(G(z))) - E log(1 - σ(D(G(z)) - E D(x)))"
    formula_g: ClassVar[str] = "-E log σ(D(G(z)) - E D(x)) - E log(1 - σ(D(x) - E D(G(z))))"
    minimises: ClassVar[str] = "a divergence of its own (Jolicoeur-Martineau 2019); no closed form in p and q"
    use: ClassVar[str] = "for sharp results, as in ESRGAN; often with --penalty gp or --spectral-norm"

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return the cross-entropy of scores relative to the other kind's average."""
        above = real.score - fake.score.mean()
        missed = -logsigmoid(above).mean()
        if self.smoothing:
            missed = (1 - self.smoothing) * missed - self.smoothing * logsigmoid(-above).mean()
        return missed - logsigmoid(real.score.mean() - fake.score).mean()

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the same with the roles exchanged."""
        assert real is not None  # noqa: S101  (needs.real_in_g)
        above, below = fake.score - real.score.mean(), fake.score.mean() - real.score
        return -logsigmoid(above).mean() - logsigmoid(below).mean()


@dataclass(frozen=True)
class EnergyBased(Loss):
    """The critic is an auto-encoder, its energy the squared reconstruction error (Zhao et al. 2017, eq. 1 and 2).

    The energy is the mean over a sample's pixels, and the score is its negative. Generated samples are pushed up to
    energy ``margin``. For the first ``pretrain`` discriminator updates the auto-encoder learns real samples alone.
    """

    margin: Annotated[float, Field(gt=0, description="m, the energy up to which generated samples are pushed")] = 1.0
    pretrain: Annotated[int, Field(ge=0, description="discriminator updates on real samples alone, first")] = 0

    needs: ClassVar[Needs] = Needs(critic="autoencoder")
    paper: ClassVar[str] = "Zhao et al. 2017, Energy-based Generative Adversarial Networks, eq. 1 and 2"
    formula_d: ClassVar[str] = "E En(x) + E max(0, m - En(G(z))),  En(x) = mean (AE(x) - x)² = -D(x)"
    formula_g: ClassVar[str] = "E En(G(z))"
    minimises: ClassVar[str] = "total variation: the best critic's loss is m (1 - TV)"
    use: ClassVar[str] = (
        "with --penalty pull-away (recipe ebgan-pt) against collapse; set margin near the data's variance"
    )

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return the energy of real samples, and what generated ones lack to the margin."""
        return -real.score.mean() + relu(self.margin + fake.score).mean()

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the energy of generated samples."""
        return -fake.score.mean()

    def pretrain_loss(self, real: Judged) -> Tensor:
        """Return the energy of real samples."""
        return -real.score.mean()


@dataclass(frozen=True)
class LossSensitive(Loss):
    """Real samples have less loss than generated ones, by a margin that grows with their distance (Qi 2017, eq. 6).

    The loss of a sample is L = softplus(-D), as it may not be negative. The margin is the mean absolute difference of
    the two samples' values.
    """

    weight: Annotated[float, Field(gt=0, description="λ, the weight of the margin's term")] = 1.0
    margin: Annotated[float, Field(ge=0, description="times the distance of two samples")] = 1.0

    paper: ClassVar[str] = "Qi 2017, Loss-Sensitive Generative Adversarial Networks on Lipschitz Densities, eq. 6 and 7"
    formula_d: ClassVar[str] = (
        "E L(x) + λ E max(0, Δ(x, G(z)) + L(x) - L(G(z))),  L = softplus(-D),  Δ = margin · mean |x - G(z)|"
    )
    formula_g: ClassVar[str] = "E L(G(z))"
    minimises: ClassVar[str] = (
        "a margin between samples; near the data the demand fades, so good samples are left alone"
    )
    use: ClassVar[str] = "where generated and real samples come in pairs (pix2pix), or against an overeager critic"
    example: ClassVar[str] = "pix2pix --a DIR --b DIR --objective loss-sensitive"

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return the loss of real samples, and what the pairs lack to their margins."""
        loss_real, loss_fake = softplus(-real.score), softplus(-fake.score)
        apart = (real.sample.image - fake.sample.image).detach().to(loss_real.dtype)
        distance = apart.abs().flatten(1).mean(1).view(-1, *[1] * (loss_real.dim() - 1))
        return loss_real.mean() + self.weight * relu(self.margin * distance + loss_real - loss_fake).mean()

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the loss of generated samples."""
        return softplus(-fake.score).mean()
