"""From words to objectives: ``NAME[:key=value,…]``, the same on the command line, in YAML and in Python."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from gantools.errors import GanToolsError
from gantools.objectives.augment import DiffAugment
from gantools.objectives.base import Constraint, Loss, Penalty, Recipe
from gantools.objectives.objective import Objective
from gantools.plugins import manager
from gantools.registry import suggestion

if TYPE_CHECKING:
    from gantools.config import RunConfig


def build_objective(config: RunConfig) -> Objective:
    """Build the objective a configuration asks for; GanToolsError says what is unknown or does not fit."""
    loss, penalties, constraints = config.objective, list(config.penalty), config.constraints
    recipe = find_recipe(config.objective)
    if recipe is not None:
        loss = recipe.loss
        penalties = [*recipe.penalties, *penalties]
        constraints = [*recipe.constraints, *constraints]
    return Objective(
        loss=_build(loss, Loss, "--objective"),
        penalties={_name(spec): _build(spec, Penalty, "--penalty") for spec in penalties},
        constraints=[_build(spec, Constraint, "--constraint") for spec in dict.fromkeys(constraints)],
        augment=DiffAugment(config.augment) if config.augment else None,
    )


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
