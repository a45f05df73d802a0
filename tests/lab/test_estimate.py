"""`gantools lab estimate`: what critics find through the real objective layer, beside what there is to find."""

import json
import math
import shlex
import subprocess
import sys

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from gantools.cli.app import app
from gantools.config import RunConfig
from gantools.errors import GanToolsError
from gantools.objectives.base import Judged, Sample, Verdict
from gantools.objectives.grammar import build_objective
from gantools_lab import estimate as module
from gantools_lab.distributions import Normal
from gantools_lab.estimate import Estimate, default_penalty, estimate
from gantools_lab.exact import exact_value

NEAR = ("normal:0,1", "normal:1,1")
WIDE = ("normal:0,1", "normal:0,2")
APART = ("mixture:0.9*normal:0,1+0.1*normal:3,1", "mixture:0.5*normal:0,1+0.5*normal:3,1")
BOTH_SIDES = ("mixture:0.5*normal:-2,0.5+0.5*normal:2,0.5", "normal:0,1")
F = [
    "f-kl", "f-reverse-kl", "f-pearson", "f-neyman", "f-squared-hellinger", "f-jeffrey", "f-total-variation",
    "f-jensen-shannon", "f-weighted-jensen-shannon:pi=0.3", "f-gan",
]  # fmt: skip
KEYS = [
    "objective", "estimate", "exact", "exact_text", "absolute_error", "relative_error", "seconds", "details",
]  # fmt: skip


@pytest.fixture
def few_samples(monkeypatch):
    """Measure on 100,000 samples instead of a million."""
    monkeypatch.setattr(module, "_CHUNKS", 5)


def gantools(command):
    return CliRunner().invoke(app, ["lab", "estimate", *shlex.split(command)])


@pytest.mark.usefixtures("few_samples")
def test_a_short_training_comes_near_a_divergence():
    found = estimate("f-kl", *NEAR, steps=200)
    assert found.exact == pytest.approx(0.5)
    assert found.relative_error < 0.06
    assert found.absolute_error == pytest.approx(abs(found.estimate - 0.5))
    assert abs(found.estimate - 0.5) < 0.01 + 4 * found.details["std_error"]


@pytest.mark.usefixtures("few_samples")
def test_a_discriminator_is_the_share_of_p():
    found = estimate("minimax", *NEAR, steps=200)
    assert found.details["jensen_shannon"] == pytest.approx((found.estimate + math.log(4)) / 2)
    assert found.details["jensen_shannon"] == pytest.approx(0.1114, rel=0.06)
    assert found.details["largest_gap"] < 0.05


@pytest.mark.usefixtures("few_samples")
def test_a_clipped_critic_estimates_a_multiple_that_its_slope_takes_out():
    found = estimate("wgan-clip", *NEAR, steps=100)
    assert found.estimate < 0.01
    assert found.parts == ("weight-clipping",)
    assert found.details["per_gradient_norm"] == pytest.approx(found.estimate / found.details["gradient_norm"])
    assert found.details["per_gradient_norm"] == pytest.approx(1, rel=0.15)


@pytest.mark.usefixtures("few_samples")
def test_normalised_weights_estimate_the_wasserstein_distance_itself():
    found = estimate("wgan", "line:0", "line:-2", spectral_norm=True, steps=100)
    assert found.exact == 2
    assert found.parts == ("spectral-norm",)
    assert found.estimate == pytest.approx(2 * found.details["gradient_norm"], rel=0.02)
    assert found.estimate == pytest.approx(2, rel=0.2)
    assert found.details["gradient_norm"] <= 1.001


@pytest.mark.usefixtures("few_samples")
def test_a_critic_that_begins_at_0_turns_to_the_right_side_before_a_penalty_holds_it():
    assert estimate("wgan-gp", *NEAR, steps=60).estimate > 0.5
    assert estimate("wgan-gp", *NEAR, steps=60, start="random").estimate < 0


@pytest.mark.usefixtures("few_samples")
def test_an_estimate_follows_from_its_arguments_and_touches_nothing_else():
    torch.manual_seed(3)
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    one, same, other = (estimate("ct-gan", *NEAR, steps=4, seed=s, threads=1) for s in (7, 7, 8))
    assert (one.estimate, one.details) == (same.estimate, same.details)
    assert one.estimate != other.estimate
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


@pytest.mark.usefixtures("few_samples")
@pytest.mark.parametrize(
    ("objective", "settings"),
    [
        ("loss-sensitive", {}),
        ("relativistic-average", {"constraint": ["historical-averaging"]}),
        ("f-gan", {"penalty": ["r1:every=2", "r2", "consistency"]}),
        ("minimax:smoothing=0.1", {"penalty": ["matching-aware"]}),
        ("dragan-gan", {}),
        ("sngan", {}),
    ],
)
def test_whatever_trains_a_critic_can_be_measured(objective, settings):
    found = estimate(objective, *NEAR, steps=3, **settings)
    assert math.isfinite(found.estimate)
    assert ("jensen_shannon" in found.details) == (objective in {"f-gan", "dragan-gan"})


def d_loss(loss, real, fake):
    """Return the discriminator's loss where all real samples score ``real`` and all generated ones ``fake``."""
    scores = (torch.full((1,), float(score), dtype=torch.float64) for score in (real, fake))
    return float(loss.d_loss(*(Judged(Sample(torch.zeros(1, 1)), Verdict(score)) for score in scores)))


@pytest.mark.parametrize("name", F)
@pytest.mark.parametrize("score", [-1e6, -30, -5, 5, 30, 1e6])
def test_no_critic_finds_more_than_there_is(name, score):
    loss = build_objective(RunConfig(objective=name)).loss
    p, q = Normal(0, 1), Normal(1, 1)
    exact = exact_value(name.partition(":")[0], {"pi": 0.3}, p, q).value
    base, as_real, as_fake = (d_loss(loss, *scores) for scores in ((0, 0), (score, 0), (0, score)))
    for log_ratio in range(5):  # the critic scores 0 but where a sample is exp(log_ratio) times as likely of one kind
        x = np.array(0.5 - log_ratio if score > 0 else 0.5 + log_ratio)
        below_p, below_q = float(p.cumulative(x)), float(q.cumulative(x))
        there_p, there_q = (below_p, below_q) if score > 0 else (1 - below_p, 1 - below_q)
        value = -base - there_p * (as_real - base) - there_q * (as_fake - base)
        assert value <= exact + 1e-6


def test_a_bare_wgan_gets_a_one_sided_penalty_in_the_units_of_its_distributions():
    def penalty(objective, q, penalties=(), constraints=()):
        return default_penalty(objective, penalties, constraints, Normal(0, 1), Normal(*q))

    assert penalty("wgan", (1, 1)) == ["gp-one-sided:weight=100"]
    assert penalty("wgan", (100, 1)) == ["gp-one-sided:weight=5000"]
    assert penalty("wgan", (1, 1), ["gp"]) == penalty("wgan", (1, 1), [], ["spectral-norm"]) == []
    assert penalty("hinge", (1, 1)) == penalty("wgan-gp", (1, 1)) == []


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        ("--objective f-kl --p line:0", "one distribution lies in the plane", "two lines"),
        ("--objective f-kl --p normal:0,-1", "no positive standard deviation", "normal:0,1"),
        ("--objective f-kll", "unknown objective `f-kll`", "`f-kl`"),
        ("--objective ebgan", "an auto-encoder", "--objective hinge"),
        ("--objective ebgan-pt", "an auto-encoder", "--objective hinge"),
        ("--objective hinge --penalty pull-away", "`pull-away` is a term of the generator's loss", "leave it out"),
        ("--objective hinge --constraint minibatch-stddev", "tells batches apart", "leave it out"),
        ("--objective hinge --constraint virtual-batch-norm", "has none", "leave the constraint out"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_the_reason(command, message, hint):
    result = gantools(command)
    assert result.exit_code == 1
    assert message in result.stderr
    assert hint in result.stderr
    assert not result.stdout


def test_a_critic_that_breaks_down_is_an_error(monkeypatch):
    monkeypatch.setattr(module._Trial, "_value", lambda self: (math.nan, 0.0))
    with pytest.raises(GanToolsError, match="broke down"):
        estimate("f-kl", *NEAR, steps=1)


@pytest.mark.usefixtures("few_samples")
def test_json_has_the_keys_that_others_rely_on():
    result = gantools("--objective f-pearson --p normal:0,2 --q normal:0,1 --steps 5 --seed 3 --json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert list(found) == KEYS
    assert found["objective"] == "f-pearson"
    assert [found[key] for key in ("exact", "absolute_error", "relative_error")] == [None] * 3
    assert "infinite" in found["exact_text"]
    found = json.loads(gantools("--objective wgan --q normal:0,1 --steps 5 --json").stdout)
    assert (found["exact"], found["relative_error"]) == (0, None)
    assert found["absolute_error"] == abs(found["estimate"])
    assert {"gradient_norm", "per_gradient_norm"} <= found["details"].keys()


@pytest.mark.usefixtures("few_samples")
def test_a_person_is_told_what_it_means_and_what_to_type_next():
    result = gantools(f"--objective wgan --p '{BOTH_SIDES[0]}' --q normal:0,1 --steps 5")
    assert result.exit_code == 0, result.stderr
    assert "using --penalty gp-one-sided:weight=200" in result.stderr
    assert "The estimate is K W₁" in result.stderr
    assert f"try: gantools lab estimate --objective wgan-gp --p '{BOTH_SIDES[0]}'" in result.stderr
    assert "W₁(p, q) = 1.2022" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    result = gantools("--objective sngan --steps 5")
    assert "spectral-norm may hold the critic back" in result.stderr


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from typer.testing import CliRunner; from gantools.cli.app import app; "
        "assert CliRunner().invoke(app, ['lab', 'estimate', '--help']).exit_code == 0; "
        "print(sorted({'torch', 'scipy', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def within(found: Estimate, share: float, shift: float = 0.0) -> bool:
    return abs(found.estimate - found.exact) <= share * abs(found.exact + shift)


@pytest.mark.slow
@pytest.mark.parametrize("objective", F)
def test_f_divergences_of_two_normal_distributions(objective):
    found = estimate(objective, *NEAR)
    share = 0.05 if objective in {"f-pearson", "f-neyman"} else 0.03
    assert within(found, share, math.log(4) if objective == "f-gan" else 0.0)
    assert found.seconds < 60


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective", ["f-kl", "f-reverse-kl", "f-pearson", "f-neyman", "f-weighted-jensen-shannon:pi=0.3"]
)
def test_f_divergences_that_tell_directions_apart(objective):
    assert within(estimate(objective, *APART), 0.05 if objective in {"f-pearson", "f-neyman"} else 0.03)


@pytest.mark.slow
@pytest.mark.parametrize("objective", ["hinge", "lsgan:a=-1,b=1", "lsgan-pearson", "nonsaturating"])
def test_other_losses_reach_their_best_values(objective):
    assert within(estimate(objective, *NEAR), 0.01)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_the_gradient_penalty_overshoots_as_theory_says(seed):
    found = estimate("wgan-gp", *NEAR, seed=seed)
    assert found.estimate == pytest.approx(1.0545, rel=0.02)
    assert found.details["gradient_norm"] == pytest.approx(1.05, abs=0.02)
    assert found.details["per_gradient_norm"] == pytest.approx(1, rel=0.02)


@pytest.mark.slow
def test_the_slope_takes_the_lipschitz_constant_out():
    found = estimate("wgan", *NEAR, spectral_norm=True)
    assert found.details["per_gradient_norm"] == pytest.approx(1, rel=0.02)
    assert estimate("wgan-clip", *NEAR).estimate == pytest.approx(0.003, abs=0.001)


@pytest.mark.slow
@pytest.mark.parametrize("pair", [WIDE, BOTH_SIDES])
def test_where_the_critic_has_to_turn_a_one_sided_penalty_lets_it(pair):
    assert estimate("wgan", *pair).relative_error < 0.05
    as_in_training = estimate("wgan", *pair, penalty=["gp-one-sided"], start="random")
    assert as_in_training.details["per_gradient_norm"] == pytest.approx(as_in_training.exact, rel=0.05)
    # From random weights, two-sided with weight 10 holds it to slope 1 all along, as it holds trainings.
    stuck = estimate("wgan-gp", *pair, start="random")
    assert stuck.relative_error > 0.8
    assert stuck.details["gradient_norm"] == pytest.approx(1, abs=0.02)


@pytest.mark.slow
def test_a_discriminator_at_its_best_is_the_share_of_p():
    same = estimate("minimax", "normal:0,1", "normal:0,1")
    assert same.estimate == pytest.approx(-math.log(4), abs=0.002)
    assert estimate("minimax", *NEAR).details["largest_gap"] < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("theta", [0.5, 1, 2])
def test_parallel_lines(theta):
    lines = ("line:0", f"line:{theta}")
    assert estimate("minimax", *lines).details["jensen_shannon"] == pytest.approx(math.log(2), rel=0.01)
    assert estimate("wgan", *lines).details["per_gradient_norm"] == pytest.approx(theta, rel=0.02)
