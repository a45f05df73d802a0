"""D is the critic's score, before any activation and higher for what looks real; x is real, G(z) generated."""

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field
from torch import expm1
from torch.nn.functional import logsigmoid, relu

from gantools.objectives import Loss

CUTOFF = 20.0


@dataclass(frozen=True)
class AlphaLoss(Loss):
    """A guess that is right with probability p costs α/(α - 1) (1 - p^((α - 1)/α)), and -log p where α is 1."""

    alpha: Annotated[float, Field(ge=0.5, description="the smaller, the more a confident mistake costs")] = 1.0

    paper: ClassVar[str] = "Kurri et al. 2021, Realizing GANs via a Tunable Loss Function"
    formula_d: ClassVar[str] = "E l(σ(D(x))) + E l(1 - σ(D(G(z)))),  l(p) = α/(α - 1) (1 - p^((α - 1)/α))"
    formula_g: ClassVar[str] = "E l(σ(D(G(z))))"
    use: ClassVar[str] = "to see how strict a critic should be; alpha=1 is nonsaturating"

    def d_loss(self, real, fake):
        return self._cost(real.score).mean() + self._cost(-fake.score).mean()

    def g_loss(self, fake, real):
        return self._cost(fake.score).mean()

    def _cost(self, score):
        """Return l(σ(score)); for scores below -CUTOFF it goes on as a straight line, so that no power overflows."""
        power, below = 1 - 1 / self.alpha, relu(-CUTOFF - score)
        log_p = logsigmoid(score + below)
        cost = -expm1(power * log_p) / power if power else -log_p
        return cost + math.exp(-CUTOFF * power) * below
