"""Objectives in words, and the words for what makes no sense."""

import logging

import pytest
from torch import nn

from gantools.config import RunConfig
from gantools.errors import GanToolsError
from gantools.networks import PatchGAN
from gantools.objectives import Constraint, Loss, Needs, Objective, Penalty, Recipe
from gantools.objectives.constraints import HistoricalAveraging, SpectralNorm, WeightClipping
from gantools.objectives.grammar import build_objective, find_recipe, parse
from gantools.objectives.losses import Hinge, LeastSquares, Minimax, Wasserstein
from gantools.objectives.matching import FeatureMatching
from gantools.objectives.penalties import R1, GradientPenalty, OneSidedGradientPenalty
from gantools.plugins import manager

KINDS = {"loss": Loss, "penalty": Penalty, "constraint": Constraint}


def built(**settings):
    return build_objective(RunConfig(**settings))


def test_words_become_objects_with_typed_options():
    objective = built(
        objective="lsgan:a=-1,b=1,c=0",
        penalty=["gp:weight=2.5,every=4", "r1"],
        constraint=["historical-averaging:weight=0.5"],
        spectral_norm=True,
        augment="color,cutout",
    )
    assert objective.loss == LeastSquares(a=-1, b=1, c=0)
    assert objective.penalties == {"gp": GradientPenalty(2.5, 4), "r1": R1()}
    assert objective.constraints == {"historical-averaging": HistoricalAveraging(0.5), "spectral-norm": SpectralNorm()}
    assert isinstance(objective.penalties["gp"].every, int)
    assert objective.augment is not None
    assert objective.needs == Needs(norm="per-sample")


def test_an_objective_without_extras_has_none():
    objective = built(objective="hinge")
    assert objective.loss == Hinge()
    assert (objective.penalties, objective.constraints, objective.augment) == ({}, {}, None)
    assert objective.needs == Needs()


def test_a_penalty_given_explicitly_replaces_the_recipes():
    assert built(objective="wgan-gp").penalties == {"gp": GradientPenalty(10)}
    objective = built(objective="wgan-gp", penalty=["gp:weight=1", "r1"])
    assert objective.loss == Wasserstein()
    assert objective.penalties == {"gp": GradientPenalty(1), "r1": R1()}


def test_spectral_norm_asked_for_twice_is_applied_once():
    assert built(constraint=["spectral-norm"], spectral_norm=True).constraints == {"spectral-norm": SpectralNorm()}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("hinge", ("hinge", {})),
        ("gp:weight=1,every=4", ("gp", {"weight": "1", "every": "4"})),
        (" gp : weight = 1 ", ("gp", {"weight": "1"})),
        ("x:a-b=c=d", ("x", {"a_b": "c=d"})),
    ],
)
def test_specifications_are_taken_apart(spec, expected):
    assert parse(spec) == expected


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"objective": "hing"}, "unknown objective `hing`", "`hinge`"),
        ({"objective": ""}, "unknown objective ``", "known: "),
        ({"penalty": ["r5"]}, "unknown penalty `r5`", "known: consistency, dragan, "),
        ({"objective": "gp"}, "`gp` is a penalty, not a loss", "--penalty instead of --objective"),
        ({"penalty": ["hinge"]}, "`hinge` is a loss, not a penalty", "--objective instead of --penalty"),
        ({"penalty": ["wgan-gp"]}, "`wgan-gp` is a recipe, not a penalty", "--objective instead of --penalty"),
        ({"constraint": ["r1"]}, "`r1` is a penalty, not a constraint", "--penalty instead of --constraint"),
        ({"penalty": ["spectral-norm"]}, "`spectral-norm` is a constraint", "--constraint instead of --penalty"),
        ({"penalty": ["gp:weight"]}, "`weight` in `gp:weight` is not key=value", "gp:weight=10"),
        ({"penalty": ["gp:wieght=1"]}, "`gp` has no option `wieght`", "`weight`"),
        ({"objective": "hinge:margin=2"}, "`hinge` has no option `margin`", "takes no options"),
        ({"penalty": ["gp:weight=much"]}, "`gp:weight=much`: weight: input should be a valid number", ""),
        ({"penalty": ["gp:every=0"]}, "`gp:every=0`: every: input should be greater than or equal to 1", ""),
        ({"penalty": ["gp:every=1.5"]}, "every: input should be a valid integer", ""),
        ({"constraint": ["weight-clipping:c=-1"]}, "c: input should be greater than 0", ""),
        (
            {"objective": "wgan-gp:weight=1"},
            "the recipe `wgan-gp` takes no options",
            "give its parts anew with other options: --penalty gp:weight=10",
        ),
        ({"objective": "lsgan:a=0,a=1"}, "gives a twice", "once"),
        ({"objective": "lsgan:a=inf"}, "not a finite number", "objectives show lsgan"),
        ({"penalty": ["gp", "gp:weight=3"]}, "`gp` is given twice", "once"),
        ({"objective": "wgan:smoothing=0.1"}, "`wgan` has no option `smoothing`", "takes no options"),
        ({"objective": "minimax:smoothing=1"}, "smoothing: input should be less than 1", ""),
        ({"objective": "f-weighted-jensen-shannon:pi=1"}, "pi: input should be less than 1", ""),
        ({"objective": "f-weighted-jensen-shannon:pi=0"}, "pi: input should be greater than 0", ""),
        ({"objective": "f-kl:generator=alternative"}, "generator: input should be 'saddle' or 'nonsaturating'", ""),
        ({"objective": "f-kl:pi=0.5"}, "`f-kl` has no option `pi`", "known: generator"),
        ({"objective": "ebgan:margin=0"}, "margin: input should be greater than 0", ""),
        ({"penalty": ["matching-aware:p=1"]}, "p: input should be greater than 1", ""),
        ({"penalty": ["consistency:dropout=1"]}, "dropout: input should be less than 1", ""),
        ({"constraint": ["spectral-norm:on=g"]}, "on: input should be 'd' or 'both'", ""),
        (
            {"batch_size": 1, "penalty": ["pull-away"]},
            "pull-away compares the samples of a pass, and a pass has 1",
            "-",
        ),
        (
            {"batch_size": 4, "accumulate": 4, "constraint": ["minibatch-stddev"]},
            "minibatch-stddev compares the samples of a pass, and a pass has 1",
            "a smaller --accumulate",
        ),
        (
            {"constraint": ["weight-clipping"], "spectral_norm": True},
            "weight-clipping has no effect under spectral-norm",
            "one of the two",
        ),
        (
            {"objective": "wgan-clip", "constraint": ["spectral-norm"]},
            "weight-clipping has no effect under spectral-norm",
            "one of the two",
        ),
        (
            {"penalty": ["feature-matching:alone=true,every=2"]},
            "feature-matching replaces the adversarial loss, and with every=2 there are updates without both",
            "leave out `every`",
        ),
        ({"augment": "colour"}, "unknown augmentation `colour`", "`color`"),
    ],
)
def test_mistakes_are_told_with_what_to_do(settings, message, hint):
    with pytest.raises(GanToolsError) as caught:
        built(**settings)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize("entry", list(manager().objectives), ids=lambda entry: entry.name)
def test_every_registered_entry_can_be_built_from_its_name_and_cites_its_source(entry):
    thing = entry.load()
    assert entry.summary
    if entry.kind == "recipe":
        assert isinstance(find_recipe(entry.name), Recipe)
        assert thing.paper
        built(objective=entry.name, **thing.settings)
        return
    assert issubclass(thing, KINDS[entry.kind])
    assert thing.paper
    assert thing.use
    generators = entry.kind == "penalty" and thing.player == "g"
    assert thing.formula_g if generators else thing.formula_d
    assert entry.kind != "loss" or (thing.formula_g and thing.minimises)
    option = {"loss": {"objective": entry.name}}.get(entry.kind, {entry.kind: [entry.name]})
    objective = built(**option)
    found = {
        "loss": [objective.loss],
        "penalty": objective.penalties.values(),
        "constraint": objective.constraints.values(),
    }
    assert [type(part) for part in found[entry.kind]] == [thing]


def test_options_have_their_types():
    assert built(objective="minimax:smoothing=0.1").loss == Minimax(smoothing=0.1)
    objective = built(penalty=["gp-one-sided:squared=false", "feature-matching:alone=yes"])
    assert objective.penalties == {
        "gp-one-sided": OneSidedGradientPenalty(squared=False),
        "feature-matching": FeatureMatching(alone=True),
    }
    assert built(constraint=["spectral-norm:on=both"]).constraints == {"spectral-norm": SpectralNorm(on="both")}
    assert built(objective="wgan-clip").constraints == {"weight-clipping": WeightClipping(0.01)}


@pytest.mark.parametrize(
    ("settings", "warned"),
    [
        ({}, True),
        ({"penalty": ["consistency"]}, True),
        ({"penalty": ["pull-away"]}, True),
        ({"constraint": ["minibatch-stddev"]}, True),
        ({"penalty": ["gp"]}, False),
        ({"penalty": ["gp-one-sided"]}, False),
        ({"penalty": ["r1"]}, True),  # at real samples alone
        ({"penalty": ["gp:weight=0"]}, True),
        ({"spectral_norm": True}, False),
        ({"constraint": ["weight-clipping"]}, False),
    ],
)
def test_wgan_warns_without_anything_that_bounds_it(settings, warned, caplog):
    with caplog.at_level(logging.WARNING, "gantools"):
        built(objective="wgan", **settings)
    assert [record.message.partition(";")[0] for record in caplog.records] == (
        ["wgan has no bound without a Lipschitz critic"] if warned else []
    )
    caplog.clear()
    built(objective="hinge")
    assert not caplog.records


@pytest.mark.parametrize("spec", ["gp", "gp-one-sided", "dragan", "r1", "r2", "matching-aware"])
def test_a_plugins_critic_with_batch_norm_is_refused_under_a_per_sample_penalty(spec):
    objective = built(penalty=[spec, "pull-away"])
    critics = nn.ModuleDict({"d_b": PatchGAN(width=4, layers=2, norm="batch")})  # built without a look at needs.norm
    with pytest.raises(GanToolsError) as caught:
        objective.prepare(critics, "d")
    assert caught.value.message == (
        f"{spec} takes each sample's gradient by itself, and batch norm in `d_b` mixes the batch's samples"
    )
    assert "virtual-batch-norm" in caught.value.hint
    built(penalty=[spec], constraint=["virtual-batch-norm"]).prepare(critics, "d")
    objective.prepare(nn.ModuleDict({"g": PatchGAN(width=4, layers=2, norm="batch")}), "g")  # a generator may have it
    built(penalty=["pull-away"]).prepare(nn.ModuleDict({"d": PatchGAN(width=4, layers=2, norm="batch")}), "d")


def test_needs_are_those_of_all_parts_together():
    assert built(objective="ebgan", penalty=["gp", "consistency:dropout=0.3", "pull-away"]).needs == Needs(
        critic="autoencoder", norm="per-sample", dropout=0.3, features=True, min_batch=2
    )
    assert Objective(Hinge(), {"a": FeatureMatching()}).needs == Needs(features=True, real_in_g=True)
