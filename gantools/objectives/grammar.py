"""From words to objectives: ``NAME[:key=value,…]``, the same on the command line, in YAML and in Python."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from gantools.errors import GanToolsError
from gantools.objectives.augment import DiffAugment
from gantools.objectives.base import Constraint, Loss, Penalty, Recipe
from gantools.objectives.losses import Wasserstein
from gantools.objectives.objective import Objective
from gantools.objectives.penalties import GradientPenalty, OneSidedGradientPenalty
from gantools.plugins import manager
from gantools.registry import suggestion

if TYPE_CHECKING:
    from gantools.config import RunConfig

log = logging.getLogger("gantools")


def build_objective(config: RunConfig) -> Objective:
    """Build the objective a configuration asks for; GanToolsError says what is unknown or does not fit."""
    loss, penalties, constraints = config.objective, list(config.penalty), config.constraints
    for specs in (penalties, constraints):
        twice = [name for name, count in Counter(map(_name, dict.fromkeys(specs))).items() if count > 1]
        if twice:
            raise GanToolsError(f"`{twice[0]}` is given twice", "give it once, with the options that are meant")
    recipe = find_recipe(config.objective)
    if recipe is not None:
        loss = recipe.loss
        penalties = [*recipe.penalties, *penalties]
        constraints = [*recipe.constraints, *constraints]
    objective = Objective(
        loss=_build(loss, Loss, "--objective"),
        penalties={_name(spec): _build(spec, Penalty, "--penalty") for spec in penalties},
        constraints={_name(spec): _build(spec, Constraint, "--constraint") for spec in constraints},
        augment=DiffAugment(config.augment) if config.augment else None,
    )
    _check(objective, config.pass_size)
    return objective


def _check(objective: Objective, samples: int) -> None:
    """Raise GanToolsError for what makes no sense together, and warn of what has no bound."""
    if samples < objective.needs.min_batch:
        parts = {"the loss": objective.loss, **objective.penalties, **objective.constraints}
        name = next(n for n, part in parts.items() if part.needs.min_batch > samples)
        raise GanToolsError(
            f"{name} compares the samples of a pass, and a pass has {samples}",
            "give a larger --batch-size, or a smaller --accumulate or --devices",
        )
    if {"weight-clipping", "spectral-norm"} <= objective.constraints.keys():
        raise GanToolsError(
            "weight-clipping has no effect under spectral-norm, which divides every clipped weight by its norm",
            "give one of the two",
        )
    for name, penalty in objective.penalties.items():
        if penalty.replaces and penalty.every > 1:
            raise GanToolsError(
                f"{name} replaces the adversarial loss, and with every={penalty.every} there are updates without both",
                "leave out `every`, or the option that leaves out the adversarial loss",
            )
    bounded = objective.constraints.keys() & {"weight-clipping", "spectral-norm"} or any(
        isinstance(penalty, GradientPenalty | OneSidedGradientPenalty) and penalty.weight > 0
        for penalty in objective.penalties.values()
    )
    if isinstance(objective.loss, Wasserstein) and not bounded:
        log.warning("wgan has no bound without a Lipschitz critic; add --penalty gp-one-sided or --spectral-norm")


def find_recipe(spec: str) -> Recipe | None:
    """Return the recipe of that name, or None if ``spec`` names a loss."""
    name, options = parse(spec)
    if name not in manager().objectives.names():
        fitting = [entry.name for entry in manager().objectives if entry.kind in {"loss", "recipe"}]
        raise GanToolsError(f"unknown objective `{name}`", suggestion(name, fitting))
    entry = manager().objectives.get(name)
    if entry.kind != "recipe":
        return None
    recipe: Recipe = entry.load()
    if options:
        parts = [f"--penalty {p}" for p in recipe.penalties] + [f"--constraint {c}" for c in recipe.constraints]
        other = f", and give its parts anew with other options: {' '.join(parts)}" if parts else ""
        raise GanToolsError(f"the recipe `{name}` takes no options", f"leave them out{other}")
    return recipe


def parse(spec: str) -> tuple[str, dict[str, str]]:
    """Split ``"gp:weight=1,every=4"`` into ``("gp", {"weight": "1", "every": "4"})``."""
    name, _, rest = spec.partition(":")
    options = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise GanToolsError(f"`{part}` in `{spec}` is not key=value", "write for example `gp:weight=10,every=4`")
        key = key.strip().replace("-", "_")
        if key in options:
            raise GanToolsError(f"`{spec}` gives {key} twice", "give it once")
        options[key] = value.strip()
    return name.strip(), options


def _name(spec: str) -> str:
    return parse(spec)[0]


def _build(spec: str, base: type[Any], option: str) -> Any:
    name, options = parse(spec)
    kind = base.__name__.lower()
    if name not in manager().objectives.names():
        fitting = [entry.name for entry in manager().objectives if entry.kind == kind]
        raise GanToolsError(f"unknown {kind} `{name}`", suggestion(name, fitting))
    entry = manager().objectives.get(name)
    if entry.kind != kind:
        right = "--objective" if entry.kind in {"loss", "recipe"} else f"--{entry.kind}"
        raise GanToolsError(f"`{name}` is a {entry.kind}, not a {kind}", f"give it with {right} instead of {option}")
    cls = entry.load()
    fields = [field.name for field in dataclasses.fields(cls)] if dataclasses.is_dataclass(cls) else []
    for key in options:
        if key not in fields:
            hint = suggestion(key, fields) if fields else f"{name} takes no options"
            raise GanToolsError(f"`{name}` has no option `{key}`", hint)
    try:
        built = TypeAdapter(cls).validate_python(options) if fields else cls()
    except ValidationError as error:
        detail = error.errors()[0]
        raise GanToolsError(
            f"`{spec}`: {detail['loc'][0]}: {detail['msg'].lower()}", f"see `gantools objectives show {name}`"
        ) from None
    endless = [
        key for key in options if isinstance(getattr(built, key), float) and not math.isfinite(getattr(built, key))
    ]
    if endless:
        raise GanToolsError(f"`{spec}`: {endless[0]} is not a finite number", f"see `gantools objectives show {name}`")
    return built
