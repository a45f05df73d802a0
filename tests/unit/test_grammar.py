"""Objectives in words."""

import pytest

from gantools.config import RunConfig
from gantools.errors import GanToolsError
from gantools.objectives import Constraint, Loss, Needs, Penalty, Recipe
from gantools.objectives.constraints import SpectralNorm, WeightClipping
from gantools.objectives.grammar import build_objective, find_recipe, parse
from gantools.objectives.losses import Hinge, LeastSquares, Wasserstein
from gantools.objectives.penalties import R1, GradientPenalty
from gantools.plugins import manager

KINDS = {"loss": Loss, "penalty": Penalty, "constraint": Constraint}


def built(**settings):
    return build_objective(RunConfig(**settings))


def test_words_become_objects_with_typed_options():
    objective = built(
        objective="lsgan:a=-1,b=1,c=0",
        penalty=["gp:weight=2.5,every=4", "r1"],
        constraint=["weight-clipping:c=0.5"],
        spectral_norm=True,
        augment="color,cutout",
    )
    assert objective.loss == LeastSquares(a=-1, b=1, c=0)
    assert objective.penalties == {"gp": GradientPenalty(2.5, 4), "r1": R1()}
    assert objective.constraints == [WeightClipping(0.5), SpectralNorm()]
    assert isinstance(objective.penalties["gp"].every, int)
    assert objective.augment is not None
    assert objective.needs == Needs(norm="per-sample")


def test_an_objective_without_extras_has_none():
    objective = built(objective="hinge")
    assert objective.loss == Hinge()
    assert (objective.penalties, objective.constraints, objective.augment) == ({}, [], None)
    assert objective.needs == Needs()


def test_a_penalty_given_explicitly_replaces_the_recipes():
    assert built(objective="wgan-gp").penalties == {"gp": GradientPenalty(10)}
    objective = built(objective="wgan-gp", penalty=["gp:weight=1", "r1"])
    assert objective.loss == Wasserstein()
    assert objective.penalties == {"gp": GradientPenalty(1), "r1": R1()}


def test_spectral_norm_asked_for_twice_is_applied_once():
    assert built(constraint=["spectral-norm"], spectral_norm=True).constraints == [SpectralNorm()]


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
        ({"penalty": ["r2"]}, "unknown penalty `r2`", "known: gp, "),
        ({"objective": "gp"}, "`gp` is a penalty, not a loss", "--penalty instead of --objective"),
        ({"penalty": ["hinge"]}, "`hinge` is a loss, not a penalty", "--objective instead of --penalty"),
        ({"penalty": ["wgan-gp"]}, "`wgan-gp` is a recipe, not a penalty", "--objective instead of --penalty"),
        ({"constraint": ["r1"]}, "`r1` is a penalty, not a constraint", "--penalty instead of --constraint"),
        ({"penalty": ["spectral-norm"]}, "`spectral-norm` is a constraint", "--constraint instead of --penalty"),
        ({"penalty": ["gp:weight"]}, "`weight` in `gp:weight` is not key=value", "gp:weight=10"),
        ({"penalty": ["gp:wieght=1"]}, "`gp` has no option `wieght`", "`weight`"),
        ({"objective": "hinge:margin=2"}, "`hinge` has no option `margin`", "known: none"),
        ({"penalty": ["gp:weight=much"]}, "`gp:weight=much`: weight: input should be a valid number", ""),
        ({"penalty": ["gp:every=0"]}, "`gp:every=0`: every: input should be greater than or equal to 1", ""),
        ({"penalty": ["gp:every=1.5"]}, "every: input should be a valid integer", ""),
        ({"constraint": ["weight-clipping:c=-1"]}, "c: input should be greater than 0", ""),
        (
            {"objective": "wgan-gp:weight=1"},
            "the recipe `wgan-gp` takes no options",
            "--objective wgan, --penalty gp:weight=10",
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
    assert thing.formula_d
    assert entry.kind != "loss" or thing.formula_g
    option = {"loss": {"objective": entry.name}}.get(entry.kind, {entry.kind: [entry.name]})
    objective = built(**option)
    found = {"loss": [objective.loss], "penalty": objective.penalties.values(), "constraint": objective.constraints}
    assert [type(part) for part in found[entry.kind]] == [thing]
