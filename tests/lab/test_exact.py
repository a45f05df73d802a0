"""Exact values against closed forms, published numbers, and brute force that shares no formula with them."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from gantools_lab.distributions import parse_distribution
from gantools_lab.exact import exact_value

NEAR = ("normal:0,1", "normal:1,1")
APART = ("mixture:0.9*normal:0,1+0.1*normal:3,1", "mixture:0.5*normal:0,1+0.5*normal:3,1")
LOG2 = math.log(2)

# Nowozin et al. 2016, table 6 and the f of each entry: f, f(0), f'(∞).
F = {
    "f-total-variation": (lambda u: abs(u - 1) / 2, 0.5, 0.5),
    "f-kl": (lambda u: u * math.log(u), 0, math.inf),
    "f-reverse-kl": (lambda u: -math.log(u), math.inf, 0),
    "f-pearson": (lambda u: (u - 1) ** 2, 1, math.inf),
    "f-neyman": (lambda u: (1 - u) ** 2 / u, math.inf, 1),
    "f-squared-hellinger": (lambda u: (math.sqrt(u) - 1) ** 2, 1, 1),
    "f-jeffrey": (lambda u: (u - 1) * math.log(u), math.inf, math.inf),
    "f-jensen-shannon": (lambda u: u * math.log(u) - (u + 1) * math.log((u + 1) / 2), LOG2, LOG2),
    "f-weighted-jensen-shannon": (
        lambda u: 0.3 * u * math.log(u) - (0.7 + 0.3 * u) * math.log(0.7 + 0.3 * u),
        -0.7 * math.log(0.7),
        -0.3 * math.log(0.3),
    ),
    "f-gan": (lambda u: u * math.log(u) - (u + 1) * math.log(u + 1), 0, 0),
}


def exact(name, p, q, **options):
    defaults = {"pi": 0.3, "a": 0.0, "b": 1.0, "smoothing": 0.0}
    return exact_value(name, defaults | options, parse_distribution(p), parse_distribution(q))


@pytest.mark.parametrize(
    ("name", "pair", "value"),
    [
        ("f-kl", NEAR, 0.5),
        ("f-reverse-kl", NEAR, 0.5),
        ("f-pearson", NEAR, math.e - 1),
        ("f-neyman", NEAR, math.e - 1),
        ("f-squared-hellinger", NEAR, 2 - 2 * math.exp(-1 / 8)),
        ("f-jeffrey", NEAR, 1.0),
        ("f-total-variation", NEAR, math.erf(1 / math.sqrt(8))),
        ("f-jensen-shannon", NEAR, "0.2228"),
        ("f-weighted-jensen-shannon", NEAR, "0.0949"),
        ("f-gan", NEAR, "-1.1635"),
        ("hinge", NEAR, 2 * math.erf(1 / math.sqrt(8)) - 2),
        ("wgan", NEAR, 1.0),
        ("f-kl", APART, "0.2910"),
        ("f-reverse-kl", APART, "0.3892"),
        ("f-pearson", APART, "0.5138"),
        ("f-neyman", APART, "1.2761"),
        ("f-weighted-jensen-shannon", APART, "0.0640"),
        ("wgan", APART, 1.2),
        ("f-kl", ("normal:0,1", "normal:0,2"), math.log(2) - 3 / 8),
        ("f-reverse-kl", ("normal:0,1", "normal:0,2"), 1.5 - math.log(2)),
        ("f-pearson", ("normal:0,1", "normal:0,2"), 4 / math.sqrt(7) - 1),
        ("f-pearson", ("normal:0,1.4142", "normal:0,1"), 1 / (1.4142 * math.sqrt(2 - 1.4142**2)) - 1),
        ("wgan", ("normal:0,1", "normal:0,2"), math.sqrt(2 / math.pi)),
        ("wgan", ("mixture:0.5*normal:-2,0.5+0.5*normal:2,0.5", "normal:0,1"), "1.2022"),
        ("wgan", ("uniform:0,1", "uniform:0.5,1.5"), 0.5),
        ("wgan", ("uniform:0,1", "uniform:0,3"), 1.0),
        ("wgan", ("line:0", "line:-2"), 2.0),
        ("f-kl", ("normal:0,0.001", "normal:0.001,0.001"), 0.5),
        ("f-kl", ("normal:1000,1", "normal:1001,1"), 0.5),
        ("f-kl", ("uniform:0,1", "uniform:0,4"), math.log(4)),
        ("f-kl", ("uniform:0,1", "normal:0,1"), math.log(2 * math.pi) / 2 + 1 / 6),
    ],
)
def test_published_numbers_and_closed_forms(name, pair, value):
    known = exact(name, *pair)
    assert f"{known.value:.4f}" in known.text
    if isinstance(value, str):
        assert f"{known.value:.4f}" == value
    else:
        assert known.value == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("name", F)
@pytest.mark.parametrize("pair", [NEAR, APART, ("uniform:0,1", "uniform:-1,3")])
def test_each_divergence_is_the_integral_of_its_f(name, pair):
    f, at_zero, _ = F[name]
    p, q = map(parse_distribution, pair)

    def density(x):
        lp, lq = (float(d.log_density(np.array(x))) for d in (p, q))
        return math.exp(lq) * (at_zero if math.isinf(lp) else f(math.exp(lp - lq)))

    inside = pair[0].startswith("uniform")
    ends = [-1, 0, 1, 3] if inside else [-12, 0.5, 2, 4, 16]
    value = exact(name, *pair).value
    if inside and math.isinf(at_zero):
        assert value is None
        return
    brute = sum(quad(density, low, high, limit=200)[0] for low, high in pairwise(ends))
    assert value == pytest.approx(brute, rel=2e-6)


@pytest.mark.parametrize("name", F)
@pytest.mark.parametrize("pair", [("line:0", "line:1"), ("uniform:0,1", "uniform:2,3")])
def test_distributions_that_share_nothing_cost_both_ends_of_f(name, pair):
    _, at_zero, slope = F[name]
    known = exact(name, *pair)
    if math.isinf(at_zero + slope):
        assert known.value is None
        assert "infinite" in known.text
    else:
        assert known.value == pytest.approx(at_zero + slope, abs=1e-12)


def test_partly_shared_supports_cost_what_sticks_out():
    half = ("uniform:0,1", "uniform:0.5,1.5")
    assert exact("f-total-variation", *half).value == pytest.approx(0.5)
    assert exact("minimax", *half).value == pytest.approx(-LOG2)
    assert exact("f-kl", *half).value is None
    inner = ("uniform:0,1", "mixture:0.5*uniform:0,1+0.5*uniform:2,3")
    assert exact("f-kl", *inner).value == pytest.approx(LOG2)  # q may lie outside p
    assert exact("f-reverse-kl", *inner).value is None


@pytest.mark.parametrize("s", [1.4143, 1.5, 3])
def test_a_chi_squared_integral_with_heavy_tails_is_infinite(s):
    wide = (f"normal:0,{s}", "normal:0,1")
    assert exact("f-pearson", *wide).value is None
    assert "infinite" in exact("f-pearson", *wide).text
    assert exact("f-neyman", *wide[::-1]).value is None
    assert exact("f-pearson", *wide[::-1]).value == pytest.approx(s**2 / math.sqrt(2 * s**2 - 1) - 1)
    assert exact("f-pearson", "normal:1,2", "mixture:0.5*normal:0,1+0.5*normal:0,2").value < 2


def test_a_finite_value_too_large_for_a_float_is_not_called_infinite():
    known = exact("f-pearson", "normal:0,1", "normal:40,1")  # exp(1600) - 1
    assert known.value is None
    assert "infinite" not in known.text
    assert exact("f-pearson", "normal:0,1", "normal:20,1").value == pytest.approx(math.exp(400), rel=1e-9)


@pytest.mark.parametrize("name", [*F, "wgan", "minimax", "hinge", "lsgan"])
def test_equal_distributions(name):
    expected = {"f-gan": -2 * LOG2, "minimax": -2 * LOG2, "hinge": -2, "lsgan": -0.25}.get(name, 0)
    for same in ("normal:0,1", "line:1"):
        known = exact(name, same, same).value
        assert known == pytest.approx(expected, abs=1e-12)
        assert expected or known == 0  # a relative error would be of rounding alone


def log_sigmoid(d):
    return -np.logaddexp(0, -d)


@pytest.mark.parametrize(
    ("name", "options", "loss_real", "loss_fake"),
    [
        ("minimax", {}, lambda d: -log_sigmoid(d), lambda d: -log_sigmoid(-d)),
        ("nonsaturating", {}, lambda d: -log_sigmoid(d), lambda d: -log_sigmoid(-d)),
        (
            "minimax",
            {"smoothing": 0.1},
            lambda d: -0.9 * log_sigmoid(d) - 0.1 * log_sigmoid(-d),
            lambda d: -log_sigmoid(-d),
        ),
        ("hinge", {}, lambda d: np.maximum(0, 1 - d), lambda d: np.maximum(0, 1 + d)),
        ("lsgan", {"a": 0.5, "b": 3.0}, lambda d: (d - 3) ** 2 / 2, lambda d: (d - 0.5) ** 2 / 2),
        ("lsgan-pearson", {"a": -1.0, "b": 1.0}, lambda d: (d - 1) ** 2 / 2, lambda d: (d + 1) ** 2 / 2),
    ],
)
def test_the_exact_value_is_that_of_the_best_critic_found_by_trying_all(name, options, loss_real, loss_fake):
    p, q = map(parse_distribution, APART)
    x, d = np.linspace(-9, 12, 2101), np.linspace(-8, 8, 1601)
    here_p, here_q = (np.exp(dist.log_density(x))[:, None] for dist in (p, q))
    best = (here_p * loss_real(d) + here_q * loss_fake(d)).min(1)
    assert exact(name, *APART, **options).value == pytest.approx(-best.sum() * (x[1] - x[0]), abs=1e-4)


def test_smoothed_labels_of_distributions_apart():
    entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert exact("minimax", "line:0", "line:1", smoothing=0.1).value == pytest.approx(-entropy)


@pytest.mark.parametrize("name", ["relativistic-average", "loss-sensitive", "a-plugins-own"])
def test_others_have_none_and_say_so(name):
    known = exact(name, *NEAR)
    assert known.value is None
    assert known.text == "no closed form is known"
