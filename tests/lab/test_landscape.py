"""The figures of `gantools lab landscape` rest on numbers that theory knows."""

import math

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from gantools.cli.app import app
from gantools_lab.distributions import Normal, parse_distribution
from gantools_lab.fit import minima, play
from gantools_lab.landscape import divergences, generator_pull, optimal, saturation

MODES = parse_distribution("mixture:0.65*normal:-2,0.6+0.35*normal:2,0.6")


def test_without_overlap_only_wasserstein_moves(tmp_path):
    drawn = divergences(tmp_path / "figure.png")
    assert drawn.findings["uniforms 3 apart"] == {
        "wasserstein": pytest.approx(3), "squared_hellinger": pytest.approx(2), "total_variation": pytest.approx(1),
        "jensen_shannon": pytest.approx(math.log(2), abs=1e-5), "kl": None, "pearson": None,
    }  # fmt: skip
    distance = np.array(drawn.curves["distance"])
    normals = drawn.curves["normal"]
    np.testing.assert_allclose(normals["wasserstein"], distance, atol=1e-5)
    np.testing.assert_allclose(normals["kl"], distance**2 / (2 * 0.25**2), rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(normals["pearson"], np.expm1(distance**2 / 0.25**2), rtol=1e-5, atol=1e-9)
    assert 10_000 < (tmp_path / "figure.png").stat().st_size < 150_000


def test_kl_matches_moments_and_reverse_kl_has_a_minimum_on_each_mode():
    (covering,) = minima("f-kl", MODES)
    assert covering.q.mean == pytest.approx(-0.6, abs=1e-3)
    assert covering.q.std == pytest.approx(math.sqrt(0.36 + 16 * 0.65 * 0.35), abs=1e-3)
    heavier, lighter = minima("f-reverse-kl", MODES)
    assert (heavier.q.mean, lighter.q.mean) == (pytest.approx(-2, abs=0.02), pytest.approx(2, abs=0.02))
    assert heavier.value == pytest.approx(-math.log(0.65), abs=0.01)  # all of q within one mode of weight 0.65
    assert lighter.value == pytest.approx(-math.log(0.35), abs=0.01)


def test_a_single_normal_is_its_own_best_fit():
    (best,) = minima("f-jensen-shannon", Normal(1.0, 0.7))
    assert (best.q.mean, best.q.std) == (pytest.approx(1.0, abs=1e-3), pytest.approx(0.7, abs=1e-3))
    assert best.value == pytest.approx(0, abs=1e-6)


def test_the_generators_pull_is_the_derivative_of_its_loss():
    x = torch.tensor([[-1.0], [0.5], [3.0]])
    pulls = {name: generator_pull(name, lambda x: 2 * x[:, 0], x) for name in ("minimax", "nonsaturating", "wgan")}
    rise = torch.sigmoid(2 * x[:, 0])
    torch.testing.assert_close(pulls["minimax"], 2 * rise)
    torch.testing.assert_close(pulls["nonsaturating"], 2 * (1 - rise))
    torch.testing.assert_close(pulls["wgan"], torch.full((3,), 2.0))


def test_a_strangers_file_is_left_alone(tmp_path):
    (tmp_path / "fit.png").write_text("mine")
    result = CliRunner().invoke(app, ["lab", "landscape", "-o", str(tmp_path)])
    assert result.exit_code == 1
    assert "fit.png is not from the lab" in "".join(result.stderr.split("\n"))
    assert (tmp_path / "fit.png").read_text() == "mine"
    inside = CliRunner().invoke(app, ["lab", "landscape", "-o", str(tmp_path / "fit.png")])
    assert "cannot make the folder" in inside.stderr


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("objective", ["f-kl", "f-reverse-kl", "f-jensen-shannon"])
def test_games_end_at_a_minimum_of_their_divergence(objective, seed):
    q = play(f"{objective}:generator=saddle", MODES, seed=seed)
    off = [math.hypot(q.mean - found.q.mean, q.std - found.q.std) for found in minima(objective, MODES)]
    assert min(off) < 0.1


@pytest.mark.slow
def test_a_sure_discriminator_teaches_minimax_nothing(tmp_path):
    gradients = saturation(tmp_path / "figure.png").findings["gradient at the generated mean"]
    assert gradients["minimax"] < 1e-4
    assert gradients["nonsaturating"] > 1
    assert gradients["wgan"] == pytest.approx(1 + 4 / (2 * 10), rel=0.03)  # 1 + W / (2 λ)


@pytest.mark.slow
def test_the_trained_discriminator_is_p_over_p_plus_q(tmp_path):
    assert optimal(tmp_path / "figure.png").findings["largest gap"] < 0.02
