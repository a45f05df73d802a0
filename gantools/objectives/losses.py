"""Adversarial losses. D is the critic's score before any activation, x is real, G(z) generated, σ the logistic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch.nn.functional import relu, softplus

from gantools.objectives.base import Judged, Loss

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Minimax(Loss):
    """The original zero-sum game (Goodfellow et al. 2014, eq. 1), with -log σ(s) = softplus(-s)."""

    paper: ClassVar[str] = "Goodfellow et al. 2014, Generative Adversarial Nets, eq. 1"
    formula_d: ClassVar[str] = "-E log σ(D(x)) - E log(1 - σ(D(G(z))))"
    formula_g: ClassVar[str] = "E log(1 - σ(D(G(z))))"

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return the binary cross-entropy of telling real from generated."""
        return softplus(-real.score).mean() + softplus(fake.score).mean()

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the negative of the discriminator's term: its gradient vanishes where the discriminator is sure."""
        return -softplus(fake.score).mean()


@dataclass(frozen=True)
class NonSaturating(Minimax):
    """Minimax whose generator maximises log σ(D(G(z))) instead (Goodfellow et al. 2014, section 3)."""

    paper: ClassVar[str] = "Goodfellow et al. 2014, Generative Adversarial Nets, section 3"
    formula_g: ClassVar[str] = "-E log σ(D(G(z)))"

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the cross-entropy of passing for real."""
        return softplus(-fake.score).mean()


@dataclass(frozen=True)
class LeastSquares(Loss):
    """Least squares to target scores, with the factor 1/2 for both players (Mao et al. 2017, eq. 2 and 9).

    ``a`` is the target of generated, ``b`` of real samples, ``c`` what the generator wants of its own.
    """

    a: float = 0.0
    b: float = 1.0
    c: float = 1.0

    paper: ClassVar[str] = "Mao et al. 2017, Least Squares Generative Adversarial Networks, eq. 2"
    formula_d: ClassVar[str] = "1/2 E (D(x) - b)² + 1/2 E (D(G(z)) - a)²"
    formula_g: ClassVar[str] = "1/2 E (D(G(z)) - c)²"

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return the squared distance of real scores to b and of generated ones to a, halved."""
        return 0.5 * ((real.score - self.b).square().mean() + (fake.score - self.a).square().mean())

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the squared distance of generated scores to c, halved."""
        return 0.5 * (fake.score - self.c).square().mean()


@dataclass(frozen=True)
class Hinge(Loss):
    """A margin of 1 on either side for the critic (Lim and Ye 2017; Miyato et al. 2018, eq. 16 and 17)."""

    paper: ClassVar[str] = "Lim and Ye 2017, Geometric GAN; Miyato et al. 2018, eq. 16 and 17"
    formula_d: ClassVar[str] = "E max(0, 1 - D(x)) + E max(0, 1 + D(G(z)))"
    formula_g: ClassVar[str] = "-E D(G(z))"

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

    def d_loss(self, real: Judged, fake: Judged) -> Tensor:
        """Return the negative difference of mean scores."""
        return fake.score.mean() - real.score.mean()

    def g_loss(self, fake: Judged, real: Judged | None) -> Tensor:
        """Return the negative mean score of generated samples."""
        return -fake.score.mean()
