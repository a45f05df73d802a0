"""Penalties on the generator that look at the critic's last hidden layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch.nn.functional import normalize

from gantools.objectives.base import Critic, Judged, Needs, Penalty, precise

if TYPE_CHECKING:
    from torch import Tensor

    from gantools.randomness import StepRandom


@dataclass(frozen=True)
class FeatureMatching(Penalty):
    """Generated samples have the average features of real ones (Salimans et al. 2016, section 3.1).

    With ``alone`` it takes the place of the generator's adversarial loss, as in the paper; else it is added to it.
    """

    alone: Annotated[bool, Field(description="leave the generator's adversarial loss out")] = False

    player: ClassVar[Literal["d", "g"]] = "g"
    needs: ClassVar[Needs] = Needs(features=True, real_in_g=True)
    paper: ClassVar[str] = "Salimans et al. 2016, Improved Techniques for Training GANs, section 3.1"
    formula_g: ClassVar[str] = "mean (E h(x) - E h(G(z)))²,  h the critic's last hidden layer"
    minimises: ClassVar[str] = "0 where the features of generated and real samples have the same mean"
    use: ClassVar[str] = "where training is restless: the generator gets a goal that moves slowly"
    example: ClassVar[str] = "--objective nonsaturating --penalty feature-matching"

    @property
    def replaces(self) -> bool:
        """Whether the generator's adversarial loss is left out."""
        return self.alone

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean squared difference of the batch's average features."""
        pairs = zip(real.verdict.features, fake.verdict.features, strict=True)
        return torch.stack([(precise(h).mean(0) - precise(g).mean(0)).square().mean() for h, g in pairs]).sum()


@dataclass(frozen=True)
class PullAway(Penalty):
    """Generated samples point into different directions of the feature space (Zhao et al. 2017, eq. 3)."""

    weight: Annotated[float, Field(ge=0, description="weight of the term")] = 0.1

    player: ClassVar[Literal["d", "g"]] = "g"
    needs: ClassVar[Needs] = Needs(features=True, min_batch=2)
    paper: ClassVar[str] = "Zhao et al. 2017, Energy-based Generative Adversarial Networks, eq. 3"
    formula_g: ClassVar[str] = (
        "1/(N (N - 1)) Σ_i Σ_{j ≠ i} cos²(h(G(z_i)), h(G(z_j))),  h the critic's last hidden layer"
    )
    minimises: ClassVar[str] = "0 where the features of different samples are orthogonal"
    use: ClassVar[str] = "with ebgan (recipe ebgan-pt) or any critic, against outputs that are all alike"
    example: ClassVar[str] = "--objective ebgan --penalty pull-away"

    def __call__(self, critic: Critic, real: Judged, fake: Judged, rng: StepRandom) -> Tensor:
        """Return the mean squared cosine over all pairs of different samples."""
        directions = normalize(precise(fake.verdict.features[-1]).flatten(1), dim=1)
        cosines = (directions @ directions.T).square()
        n = len(directions)
        return (cosines.sum() - cosines.diagonal().sum()) / (n * (n - 1))
