"""The Dirac-GAN against what theory says of each game, step by step."""

import math

import numpy as np
import pytest
from PIL import Image

from gantools import GanToolsError
from gantools_lab.dirac import animate, build_game, draw

LR = 0.1


def course(simultaneous=False, steps=200, **settings):
    return build_game(settings, simultaneous).play(steps, LR)


def test_simultaneous_wgan_spirals_out_by_the_same_factor_every_step():
    places = course(simultaneous=True, objective="wgan").places
    radius = np.hypot(*places.T)
    np.testing.assert_allclose(radius[1:] / radius[:-1], math.sqrt(1 + LR**2), rtol=1e-12)


def test_alternating_wgan_stays_on_one_ellipse():
    theta, psi = course(objective="wgan").places.T
    # ψ' = ψ - hθ, θ' = θ + hψ' keep θ² + ψ² - hθψ as it is.
    np.testing.assert_allclose(theta**2 + psi**2 - LR * theta * psi, 2 - LR, rtol=1e-11)


def test_r1_converges_at_the_rate_of_its_jacobian():
    weight = 0.5
    places = course(objective="nonsaturating", penalty=[f"r1:weight={weight}"], steps=400).places
    # Near 0 softplus has slope 1/2: ψ' = (1 - 2wh) ψ - hθ/2, θ' = θ + hψ'/2; the largest eigenvalue is the rate.
    keep = 1 - 2 * weight * LR
    jacobian = np.array([[keep, -LR / 2], [LR / 2 * keep, 1 - LR**2 / 4]])
    rate = max(abs(np.linalg.eigvals(jacobian)))
    radius = np.hypot(*places.T)
    assert radius[400] / radius[300] == pytest.approx(rate**100, rel=0.02)


def test_constraints_count_and_run_settings_are_refused():
    plain = course(objective="wgan").distance
    assert course(objective="wgan", constraint=["historical-averaging:weight=0.5"]).distance < 0.9 * plain
    assert course(objective="wgan", spectral_norm=True).distance != plain
    clipped = course(objective="wgan", constraint=["weight-clipping:c=0.5"]).places
    assert clipped[1].tolist() == [1 + LR * 0.5, 0.5]  # clipped before the generator moves
    with pytest.raises(GanToolsError, match="--n-critic has no meaning here"):
        build_game({"objective": "wgan", "n_critic": 5})


def test_verdicts_are_what_the_figure_shows(tmp_path):
    specs = [
        ({"objective": "minimax"}, True, "moves away"),
        ({"objective": "minimax"}, False, "circles"),
        ({"objective": "wgan", "constraint": ["weight-clipping:c=0.5"]}, False, "circles"),
        ({"objective": "wgan", "penalty": ["gp:weight=1"]}, False, "stops elsewhere"),
        ({"objective": "nonsaturating", "penalty": ["r1:weight=0.5"]}, False, "converges"),
    ]
    games = [build_game(settings, simultaneous) for settings, simultaneous, _ in specs]
    courses = [game.play(500, LR) for game in games]
    assert [c.verdict for c in courses] == [verdict for _, _, verdict in specs]
    with Image.open(draw(games, courses, tmp_path / "dirac.png")) as figure:
        assert figure.width > 900
    film = animate(games, courses, tmp_path / "dirac.gif")
    with Image.open(film) as animation:
        assert animation.n_frames == 80
    assert film.stat().st_size < 1_500_000
