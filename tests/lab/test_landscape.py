"""The figures of `gantools lab landscape` rest on numbers that theory knows."""

import math

import pytest
import torch

from gantools_lab.distributions import Normal, parse_distribution
from gantools_lab.landscape import divergences, fit_normal, generator_pull


def test_without_overlap_only_wasserstein_moves(tmp_path):
    numbers = divergences(tmp_path / "figure.png")
    assert numbers["at_distance_3"] == {
        "wasserstein": pytest.approx(3), "f-jensen-shannon": pytest.approx(2 * math.log(2)),
        "f-total-variation": pytest.approx(1), "f-squared-hellinger": pytest.approx(2), "f-kl": None,
    }  # fmt: skip
    assert numbers["slope_of_wasserstein"] == pytest.approx(1)
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_kl_matches_moments_and_reverse_kl_takes_the_heavier_mode():
    p = parse_distribution("mixture:0.65*normal:-2,0.6+0.35*normal:2,0.6")
    covering, _ = fit_normal("f-kl", p)
    assert covering.mean == pytest.approx(-0.6, abs=1e-3)
    assert covering.std == pytest.approx(math.sqrt(0.36 + 16 * 0.65 * 0.35), abs=1e-3)
    dropping, value = fit_normal("f-reverse-kl", p)
    assert dropping.mean == pytest.approx(-2, abs=0.02)
    assert value == pytest.approx(-math.log(0.65), abs=0.01)  # all of q within one mode of weight 0.65


def test_the_generators_pull_is_the_derivative_of_its_loss():
    x = torch.tensor([[-1.0], [0.5], [3.0]])
    pulls = {name: generator_pull(name, lambda x: 2 * x[:, 0], x) for name in ("minimax", "nonsaturating", "wgan")}
    rise = torch.sigmoid(2 * x[:, 0])
    torch.testing.assert_close(pulls["minimax"], 2 * rise)
    torch.testing.assert_close(pulls["nonsaturating"], 2 * (1 - rise))
    torch.testing.assert_close(pulls["wgan"], torch.full((3,), 2.0))


def test_a_single_normal_is_its_own_best_fit():
    best, value = fit_normal("f-jensen-shannon", Normal(1.0, 0.7))
    assert (best.mean, best.std) == (pytest.approx(1.0, abs=1e-3), pytest.approx(0.7, abs=1e-3))
    assert value == pytest.approx(0, abs=1e-6)
