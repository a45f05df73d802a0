"""From words to objectives: ``NAME[:key=value,…]``, the same on the command line, in YAML and in Python."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from gantools.errors import GanToolsError
from gantools.objectives.augment import DiffAugment
from gantools.objectives.base import Constraint, Loss, Penalty, Recipe
from gantools.objectives.losses import Wasserstein
from gantools.objectives.objective import Objective
from gantools.plugins import manager
from gantools.registry import suggestion

if TYPE_CHECKING:
    from gantools.config import RunConfig

log = logging.getLogger("gantools")


def build_objective(config: RunConfig) -> Objective:
    """Build the objective a configuration asks for; GanToolsError says what is unknown or does not fit."""
    loss, penalties, constraints = config.objective, list(config.penalty), config.constraints
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
    _check(objective, config.batch_size // config.accumulate)
    return objective


def _check(objective: Objective, samples: int) -> None:
    """Raise GanToolsError for what makes no sense together, and warn of what has no bound."""
    if samples < objective.needs.min_batch:
        parts = {"the loss": objective.loss, **objective.penalties, **objective.constraints}
        name = next(n for n, part in parts.items() if part.needs.min_batch > samples)
        raise GanToolsError(
            f"{name} compares the samples of a pass, and a pass has {samples}",
            "give a larger --batch-size, or a smaller --accumulate",
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
        penalty.player == "d" and penalty.needs.norm == "per-sample" for penalty in objective.penalties.values()
    )
    if isinstance(objective.loss, Wasserstein) and not bounded:
        log.warning("wgan has no bound without a Lipschitz critic; add --penalty gp-one-sided or --spectral-norm")


def find_recipe(spec: str) -> Recipe | None:
    """Return the recipe of that name, or None if ``spec`` names a loss."""
    name, options = parse(spec)
    entry = manager().objectives.get(name)
    if entry.kind != "recipe":
        return None
    recipe: Recipe = entry.load()
    if options:
        parts = ", ".join([f"--objective {recipe.loss}", *(f"--penalty {p}" for p in recipe.penalties)])
        raise GanToolsError(f"the recipe `{name}` takes no options", f"put it together yourself: {parts}")
    return recipe


def parse(spec: str) -> tuple[str, dict[str, str]]:
    """Split ``"gp:weight=1,every=4"`` into ``("gp", {"weight": "1", "every": "4"})``."""
    name, _, rest = spec.partition(":")
    options = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise GanToolsError(f"`{part}` in `{spec}` is not key=value", "write for example `gp:weight=10,every=4`")
        options[key.strip().replace("-", "_")] = value.strip()
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
            raise GanToolsError(f"`{name}` has no option `{key}`", suggestion(key, fields))
    try:
        return TypeAdapter(cls).validate_python(options) if fields else cls()
    except ValidationError as error:
        detail = error.errors()[0]
        raise GanToolsError(
            f"`{spec}`: {detail['loc'][0]}: {detail['msg'].lower()}", "see the option's type in the docs"
        ) from None
