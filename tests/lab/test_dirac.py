"""The Dirac-GAN against what theory says of each game, step by step."""

import json
import math

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from gantools import GanToolsError
from gantools.cli.app import app
from gantools_lab.dirac import build_game

LR = 0.1
R1 = {"objective": "nonsaturating", "penalty": ["r1:weight=0.5"]}


def course(simultaneous=False, steps=200, lr=LR, start=(1.0, 1.0), **settings):
    return build_game(settings, simultaneous).play(steps, lr, start)


def linearised(weight, lr=LR):
    """Near 0 softplus has slope 1/2: ψ' = (1 - 2wh) ψ - hθ/2, then θ' = θ + hψ'/2."""
    keep = 1 - 2 * weight * lr
    return np.array([[1 - lr**2 / 4, keep * lr / 2], [-lr / 2, keep]])


def test_simultaneous_wgan_spirals_out_by_the_same_factor_every_step():
    places = course(simultaneous=True, objective="wgan").places
    radius = np.hypot(*places.T)
    np.testing.assert_allclose(radius[1:] / radius[:-1], math.sqrt(1 + LR**2), rtol=1e-12)


def test_alternating_wgan_stays_on_one_ellipse():
    theta, psi = course(objective="wgan").places.T
    # ψ' = ψ - hθ, θ' = θ + hψ' keep θ² + ψ² - hθψ as it is.
    np.testing.assert_allclose(theta**2 + psi**2 - LR * theta * psi, 2 - LR, rtol=1e-11)


@pytest.mark.parametrize("weight", [0.0, 0.2, 0.5])
def test_with_r1_both_players_follow_the_jacobian_near_the_equilibrium(weight):
    start = np.array([1e-4, -2e-4])
    places = course(objective="nonsaturating", penalty=[f"r1:weight={weight}"], steps=300, start=tuple(start)).places
    for step in (1, 2, 50, 300):
        expected = np.linalg.matrix_power(linearised(weight), step) @ start
        np.testing.assert_allclose(places[step], expected, rtol=1e-3, atol=1e-9)
    rate = max(abs(np.linalg.eigvals(linearised(weight))))
    if weight == 0.2:  # it spirals in: both eigenvalues have modulus √det
        assert rate == pytest.approx(math.sqrt(1 - 2 * weight * LR))


def test_from_afar_r1_converges_at_the_rate_of_the_largest_eigenvalue():
    radius = np.hypot(*course(steps=400, **R1).places.T)
    rate = max(abs(np.linalg.eigvals(linearised(0.5))))
    assert radius[400] / radius[300] == pytest.approx(rate**100, rel=2e-3)


def test_a_penalty_around_norm_one_circles_or_stops_where_its_kink_is():
    # For ψ > 0: ψ' = ψ - h(θ + 2w(ψ - 1)). From w = 1 on the way to its rest, (2w, 0), does not cross ψ = 0.
    stuck = course(objective="wgan", penalty=["gp:weight=1"], steps=300)
    assert stuck.places[-1] == pytest.approx([2, 0], abs=1e-3)
    assert stuck.verdict == "stops elsewhere"
    assert course(objective="wgan", penalty=["gp:weight=10"], steps=500).verdict == "stays away"
    around = course(objective="wgan", penalty=["gp:weight=0.25"], steps=500)
    assert around.verdict == "circles"
    assert np.hypot(*around.places[-200:].T).min() > 1


def test_constraints_act_where_a_training_applies_them():
    clipped = course(objective="wgan", constraint=["weight-clipping:c=0.5"]).places
    assert clipped[1].tolist() == [1 + LR * 0.5, 0.5]  # clipped before the generator moves
    averaged = course(objective="wgan", constraint=["historical-averaging:weight=0.5"], steps=500)
    assert averaged.verdict in {"comes nearer", "converges"}


def test_the_critic_moves_as_often_as_it_is_told():
    places = course(objective="wgan", n_critic=5, steps=1).places
    assert places[1] == pytest.approx([1 + LR * 0.5, 0.5])
    with pytest.raises(GanToolsError, match="one step each"):
        build_game({"objective": "wgan", "n_critic": 5}, simultaneous=True)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"objective": "ebgan"}, "no auto-encoder"),
        ({"objective": "hinge", "spectral_norm": True}, "one weight"),
        ({"objective": "hinge", "constraint": ["minibatch-stddev"]}, "all alike"),
        ({"objective": "hinge", "constraint": ["virtual-batch-norm"]}, "norm layers"),
        ({"objective": "hinge", "penalty": ["consistency"]}, "dropout"),
        ({"objective": "hinge", "lr_d": 1.0}, "--lr-d has no meaning"),
    ],
)
def test_what_a_critic_of_one_weight_cannot_be_is_refused(settings, reason):
    with pytest.raises(GanToolsError, match=reason):
        build_game(settings)


@pytest.mark.parametrize("penalty", ["dragan", "r2", "gp-one-sided", "matching-aware", "feature-matching"])
def test_other_penalties_play(penalty):
    assert np.isfinite(course(objective="nonsaturating", penalty=[penalty], lr=0.01).places).all()


def test_a_game_that_is_lost_ends_early():
    lost = course(objective="wgan", lr=50.0)
    assert lost.verdict == "moves away"
    assert len(lost.places) < 20


def test_verdicts_and_files(tmp_path):
    games = {
        "minimax --simultaneous": "moves away",
        "minimax": "circles",
        "nonsaturating --penalty r1:weight=0.5": "converges",
    }
    command = ["lab", "dirac", "-o", str(tmp_path), "--json"]
    result = CliRunner().invoke(app, [*command, *games])
    assert {game["game"]: game["verdict"] for game in json.loads(result.stdout)} == games
    with Image.open(tmp_path / "dirac.png") as figure:
        assert figure.width > 900
    with Image.open(tmp_path / "dirac.gif") as film:
        assert film.n_frames == 80
    assert (tmp_path / "dirac.gif").stat().st_size < 1_500_000
    assert CliRunner().invoke(app, [*command, "wgan"]).exit_code == 0  # over its own files
    Image.new("RGB", (8, 8)).save(tmp_path / "dirac.png")
    refused = CliRunner().invoke(app, [*command, "wgan"])
    assert refused.exit_code == 1
    assert "is not from the lab" in refused.stderr


@pytest.mark.parametrize("words", [["wgan", "--lr", "0"], ["--lr", "nan"], ["'wgan"], [""]])
def test_mistakes_get_a_hint(tmp_path, words):
    result = CliRunner().invoke(app, ["lab", "dirac", "-o", str(tmp_path), *words])
    assert result.exit_code == 1
    assert "hint:" in result.stderr
