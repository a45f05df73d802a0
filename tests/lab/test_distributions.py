"""Known distributions: what they are written as, their samples, densities and moments beside each other."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from gantools.errors import GanToolsError
from gantools.randomness import StepRandom
from gantools_lab.distributions import Line, Mixture, Normal, Uniform, parse_distribution

N = 200_000
SPECS = [
    "normal:1,2",
    "uniform:-1,3",
    "mixture:0.5*normal:-2,0.5+0.5*normal:2,0.5",
    "mixture:0.2*uniform:0,1+0.8*normal:1e+0,3",
]


def draw(distribution, seed=0):
    return distribution.sample(StepRandom(seed, "test", rows=slice(0, N), total=N, device="cpu")).double().numpy()


def test_words_become_distributions():
    assert parse_distribution("normal:-1,2.5") == Normal(-1, 2.5)
    assert parse_distribution(" uniform:0,1 ") == Uniform(0, 1)
    assert parse_distribution("line:0.5") == Line(0.5)
    mixture = parse_distribution("mixture:0.25*normal:1e+1,+2+0.75*uniform:-1,+1")
    assert mixture == Mixture((0.25, 0.75), (Normal(10, 2), Uniform(-1, 1)))
    thirds = parse_distribution("mixture:0.3333333*normal:0,1+0.3333333*normal:1,1+0.3333334*normal:2,1")
    assert math.fsum(thirds.weights) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("spec", SPECS)
def test_samples_follow_the_cumulative_distribution_and_the_moments(spec):
    distribution = parse_distribution(spec)
    x = np.sort(draw(distribution)[:, 0])
    ranks = (np.arange(N) + 0.5) / N
    assert np.abs(distribution.cumulative(x) - ranks).max() < 1.95 / math.sqrt(N)  # Kolmogorov and Smirnov, p = 0.001
    assert x.mean() == pytest.approx(distribution.mean, abs=4 * distribution.std / math.sqrt(N))
    assert x.std() == pytest.approx(distribution.std, rel=0.01)


@pytest.mark.parametrize("spec", SPECS)
def test_the_density_is_the_derivative_of_the_cumulative_distribution(spec):
    distribution = parse_distribution(spec)
    for low, high in ((-1.9, 0.5), (0.5, 0.9), (1.1, 2.8)):
        edges = [edge for edge in distribution.edges if low < edge < high]
        mass, _ = quad(lambda x: float(np.exp(distribution.log_density(np.array(x)))), low, high, points=edges or None)
        assert mass == pytest.approx(float(np.diff(distribution.cumulative(np.array([low, high])))[0]), abs=1e-8)


def test_lines_stand_upright_in_the_plane():
    points = draw(Line(2))
    assert (points[:, 0] == 2).all()
    heights = np.sort(points[:, 1])
    assert np.abs(heights - (np.arange(N) + 0.5) / N).max() < 1.95 / math.sqrt(N)
    assert Line(2).centre == (2, 0.5)
    assert Line(2).spread == (0, pytest.approx(heights.std(), rel=0.01))


@pytest.mark.parametrize(
    ("spec", "message", "hint"),
    [
        ("normal:0,0", "`normal:0,0` has no positive standard deviation: 0", "normal:0,1"),
        ("normal:0,-1", "no positive standard deviation: -1", "normal:0,1"),
        ("uniform:2,1", "2 is not below 1", "write uniform:1,2"),
        ("uniform:1,1", "1 is not below 1", "uniform:0,1"),
        ("nromal:0,1", "unknown distribution `nromal`", "did you mean `normal`?"),
        ("", "unknown distribution ``", "known: line, mixture, normal, uniform"),
        ("normal:0", "`0` in `normal:0` is not 2 numbers", "MEAN,STD"),
        ("normal:0,one", "`0,one` in `normal:0,one` is not 2 numbers", "MEAN,STD"),
        ("uniform:0,inf", "`0,inf` in `uniform:0,inf` is not 2 numbers", "LOW,HIGH"),
        ("line:", "is not a number", "line:1"),
        ("mixture:0.5*normal:0,1+0.4*normal:1,1", "sum to 0.9, not to 1", "write 0.555556, 0.444444"),
        ("mixture:1.5*normal:0,1+-0.5*normal:1,1", "has a weight of -0.5", "above 0"),
        ("mixture:normal:0,1", "`normal:0,1` in `mixture:normal:0,1` is not WEIGHT*SPEC", "mixture:0.5*normal:-2,1"),
        ("mixture:x*normal:0,1", "`x` in", "mixture:0.5*"),
        ("mixture:1*line:0", "`line:0` cannot be part of a mixture", "normal and uniform"),
        ("mixture:0.5*normal:0,1+0.5*unifrom:1,2", "unknown distribution `unifrom`", "`uniform`"),
        ("mixture:0.5*normal:0,1+0.5*normal:1,0", "`normal:1,0` has no positive", "normal:0,1"),
    ],
)
def test_mistakes_are_told_with_what_to_do(spec, message, hint):
    with pytest.raises(GanToolsError) as caught:
        parse_distribution(spec)
    assert message in caught.value.message
    assert hint in caught.value.hint
