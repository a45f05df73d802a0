import math
from collections import namedtuple

import pytest
import torch
from gantools_alpha_loss.loss import AlphaLoss

from gantools.objectives.losses import NonSaturating
from gantools.testing import conformance

TestAlphaLoss = conformance("alpha-loss")

Judged = namedtuple("Judged", "score")
REAL, FAKE = (Judged(torch.tensor(scores)) for scores in ([0.4, -1.3, 2.0], [0.1, 0.9, -0.7]))


def test_alpha_1_is_the_nonsaturating_loss():
    ours, known = AlphaLoss(), NonSaturating()
    assert torch.allclose(ours.d_loss(REAL, FAKE), known.d_loss(REAL, FAKE))
    assert torch.allclose(ours.g_loss(FAKE, REAL), known.g_loss(FAKE, REAL))


def test_alpha_one_half_is_exponential_and_a_large_alpha_is_the_chance_of_a_mistake():
    assert torch.allclose(AlphaLoss(alpha=0.5).g_loss(FAKE, None), FAKE.score.neg().exp().mean())
    assert torch.allclose(AlphaLoss(alpha=1e6).g_loss(FAKE, None), FAKE.score.neg().sigmoid().mean(), rtol=1e-4)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_the_best_score_is_alpha_times_the_log_of_the_ratio_of_densities(alpha):
    p, q = 0.7, 0.2
    score = torch.tensor(alpha * math.log(p / q), dtype=torch.float64, requires_grad=True)
    nothing = Judged(torch.tensor(0.0, dtype=torch.float64))
    loss = p * AlphaLoss(alpha).d_loss(Judged(score), nothing) + q * AlphaLoss(alpha).d_loss(nothing, Judged(score))
    (slope,) = torch.autograd.grad(loss, score)
    assert abs(slope) < 1e-9
