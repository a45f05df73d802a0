"""What the Tab key offers beside files: names of tasks, weights, runs, domains, objectives, data sets.

Nothing here imports torch but the names of domains, which stand in the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import typer

from gantools.errors import GanToolsError
from gantools.plugins import manager

Offers = list[tuple[str, str]]  # a word, and a line about it


def tasks(incomplete: str) -> Offers:
    """Offer the names of tasks."""
    return _beginning(incomplete, ((info.name, info.summary) for info in manager().tasks))


def runs(incomplete: str) -> Offers:
    """Offer the run folders under ./runs."""
    from gantools.weights.places import run_folders

    return _beginning(incomplete, ((folder, "") for folder in run_folders()))


def weights(incomplete: str) -> Offers:
    """Offer the names of weights, and the runs that have some."""
    from gantools.weights.places import NAME, named_weights, run_folders, shipped_index

    known = shipped_index().get("weights", {})
    names = ((path.stem, known.get(path.stem, {}).get("task", "")) for path in named_weights())
    finished = ((folder, "") for folder in run_folders(NAME))
    return _beginning(incomplete, (*names, *finished))


def domains(context: typer.Context, incomplete: str) -> Offers:
    """Offer the domains of the weights that are asked for, or of those that would be used."""
    from gantools.weights.find import default_weights, find_weights

    with suppress(GanToolsError):
        asked = context.params.get("weights")
        found = find_weights(asked) if asked else default_weights("translate", {"to"})
        names = found.header.domains
        return _beginning(incomplete, ((name, "") for name in (*names, *(["all"] if names else []))))
    return []


def objectives(incomplete: str) -> Offers:
    """Offer losses and recipes, whatever may stand behind --objective."""
    return _entries(incomplete, {"loss", "recipe"})


def penalties(incomplete: str) -> Offers:
    """Offer the names of penalties."""
    return _entries(incomplete, {"penalty"})


def constraints(incomplete: str) -> Offers:
    """Offer the names of constraints."""
    return _entries(incomplete, {"constraint"})


def entries(incomplete: str) -> Offers:
    """Offer every entry of the objective layer."""
    return _entries(incomplete, {"loss", "recipe", "penalty", "constraint"})


def data_sets(incomplete: str) -> Offers:
    """Offer the data sets that can be had."""
    from gantools.datasets.catalogue import known_sets

    return _beginning(incomplete, ((one.name, one.summary) for one in known_sets()))


OFFERS: dict[str, Callable[..., Offers]] = {
    "weights": weights, "init": weights, "to": domains, "from_": domains, "objective": objectives,
    "penalty": penalties, "constraint": constraints, "task": tasks,
}  # fmt: skip
"""What to offer for options, by the name of their parameter."""


def _entries(incomplete: str, kinds: set[str]) -> Offers:
    return _beginning(incomplete, ((one.name, one.summary) for one in manager().objectives if one.kind in kinds))


def _beginning(incomplete: str, offers: Iterable[tuple[str, Any]]) -> Offers:
    return [(name, str(line)) for name, line in offers if name.startswith(incomplete)]
