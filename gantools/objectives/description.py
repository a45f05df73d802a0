"""What the registered entries say of themselves, as data: for `gantools objectives`, and whoever lists them."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from gantools.config import RunConfig, Settings, flag
from gantools.objectives.base import Needs, Recipe
from gantools.objectives.grammar import build_objective
from gantools.objectives.objective import Objective, Player
from gantools.plugins import Reference, manager
from gantools.registry import load_object

log = logging.getLogger("gantools")
_BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


@dataclass(frozen=True)
class OptionText:
    """An option of the grammar, ``NAME:option=value``: its type in words, its default, and what it does."""

    name: str
    type: str
    default: Any
    help: str


@dataclass(frozen=True)
class Description:
    """All that there is to say of an entry; what does not apply is empty.

    A clause of a formula stands behind a comma and two spaces. A recipe's formulas are those of its loss and penalties
    with their weights, a penalty's are without its weight. ``needs`` is what the critic and the batches have to have.
    ``same_as`` is a recipe in flags, one of them an item, and ``in_tasks`` are the settings that a task has in their
    place. ``examples`` are whole commands.
    """

    name: str
    kind: str
    summary: str
    paper: str = ""
    formula_d: str = ""
    formula_g: str = ""
    options: tuple[OptionText, ...] = ()
    minimises: str = ""
    f: str = ""
    conjugate: str = ""
    activation: str = ""
    use: str = ""
    needs: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()
    in_tasks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    examples: tuple[str, ...] = ()


def describe(entry: Reference) -> Description:
    """Import an entry and return what it says of itself; whatever its module raises comes through."""
    named = Description(entry.name, entry.kind, entry.summary)
    thing = entry.load()
    if isinstance(thing, Recipe):
        return _recipe(named, thing)
    option = "objective" if entry.kind == "loss" else entry.kind
    needs = thing.needs if isinstance(thing.needs, Needs) else thing().needs  # a property where options decide
    return dataclasses.replace(
        named,
        options=options(thing),
        needs=_needs(needs),
        examples=_examples(thing.example or f"--{option} {entry.name}", needs),
        **_texts(thing, "paper", "formula_d", "formula_g", "minimises", "f", "conjugate", "activation", "use"),
    )


def _texts(thing: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(thing, name, "") for name in names}


def options(cls: type[Any]) -> tuple[OptionText, ...]:
    """Return the options of an entry's class: the fields of a dataclass, none of another."""
    if not dataclasses.is_dataclass(cls):
        return ()
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_option(declared, hints[declared.name]) for declared in dataclasses.fields(cls) if declared.init)


def _option(declared: dataclasses.Field[Any], hint: Any) -> OptionText:
    kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
    found = [note for note in notes if isinstance(note, FieldInfo)]
    words = [note.description for note in found if note.description]
    limits = [limit for note in found for limit in note.metadata]
    words += [
        f"{sign} {getattr(limit, bound):g}"
        for limit in limits
        for bound, sign in _BOUNDS.items()
        if hasattr(limit, bound)
    ]
    default = None if declared.default is dataclasses.MISSING else declared.default
    return OptionText(declared.name, _type_name(kind), default, ", ".join(words))


def _type_name(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _recipe(named: Description, recipe: Recipe) -> Description:
    objective = build_objective(RunConfig(objective=named.name, batch_size=1024))
    settings = {"objective": recipe.loss, "penalty": recipe.penalties, "constraint": recipe.constraints}
    return dataclasses.replace(
        named,
        paper=recipe.paper,
        formula_d=_formula(objective, "d"),
        formula_g=_formula(objective, "g"),
        use=recipe.use,
        needs=_needs(objective.needs),
        same_as=as_flags(settings | recipe.settings),
        in_tasks={task: as_flags(own) for task, own in _task_settings(named.name).items()},
        examples=_examples(f"--objective {named.name}", objective.needs),
        **_texts(objective.loss, "minimises", "f", "conjugate", "activation"),
    )


def _formula(objective: Objective, player: Player) -> str:
    """Return what a player minimises under a recipe: terms joined by plus signs, then the clauses of all formulas."""
    name = f"formula_{player}"
    term, *clauses = getattr(objective.loss, name).split(",  ")
    for penalty in objective.penalties.values():
        if penalty.player == player:
            more, *its_clauses = getattr(penalty, name).split(",  ")
            term, clauses = f"{term} + {penalty.weight:g} · {more}", clauses + its_clauses
    clauses += [f"with {getattr(c, name)}" for c in objective.constraints.values() if player == "d" or c.on == "both"]
    return ",  ".join(filter(None, [term, *clauses]))


def _task_settings(recipe: str) -> dict[str, Settings]:
    """Return the settings that tasks have in place of a recipe's, by task."""
    found = {}
    for task in manager().tasks:
        try:
            found[task.name] = load_object(task.config).for_recipe(recipe)
        except Exception:  # a plugin's task that cannot be trained has no say
            log.debug("no settings of task `%s`", task.name, exc_info=True)
    return {task: settings for task, settings in found.items() if settings}


def _examples(words: str, needs: Needs) -> tuple[str, ...]:
    """Return commands that show an entry at work: in the plane, which takes no data, and on pictures."""
    if not words.startswith("--"):
        return (f"gantools train {words}",)
    batch = " --batch-size 8" if needs.min_batch > 1 else ""
    pictures = f"gantools train cyclegan --a DIR --b DIR {words}{batch}"
    return (f"gantools train toy --data ring8 {words}", pictures) if "toy" in manager().tasks.names() else (pictures,)


def as_flags(settings: Settings) -> tuple[str, ...]:
    """Spell settings as flags of `gantools train`; a sequence of texts is a flag that is repeated."""
    flags = []
    for name, value in settings.items():
        if isinstance(value, bool):
            flags.append(flag(name) if value else f"--no-{flag(name)[2:]}")
        elif isinstance(value, tuple | list) and not any(isinstance(item, float | int) for item in value):
            flags += [f"{flag(name)} {item}" for item in value]
        else:
            values = value if isinstance(value, tuple | list) else [value]
            flags.append(" ".join([flag(name), *(f"{v:g}" if isinstance(v, float) else str(v) for v in values)]))
    return tuple(flags)


def _needs(needs: Needs) -> tuple[str, ...]:
    """Say in words what an entry asks of the critic and the batches."""
    said = {
        "an auto-encoder for a critic, which the tasks then build": needs.critic == "autoencoder",
        "a critic without batch norm; the tasks take instance norm in its place": needs.norm == "per-sample",
        "dropout in the critic, put in where there is none": needs.dropout > 0,
        "one more pass of the critic in the generator's update, over real samples": needs.real_in_g,
        f"passes of {needs.min_batch} samples or more": needs.min_batch > 1,
    }
    return tuple(words for words, asked in said.items() if asked)
