"""Data sets that `gantools data get` knows by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

from gantools.errors import GanToolsError
from gantools.registry import suggestion


@dataclass(frozen=True)
class KnownSet:
    """A data set: ``size`` in bytes and ``sha256`` are those of the zip archive at ``url``.

    Without an address it is built from public packages, by ``examples/build_datasets.py``.
    """

    name: str
    summary: str
    url: str = ""
    size: int = 0
    sha256: str = ""


def known_sets() -> list[KnownSet]:
    """Return all data sets, those that are built first."""
    text = (files("gantools.datasets") / "catalogue.json").read_text(encoding="utf-8")
    return [KnownSet(**entry) for entry in json.loads(text)["sets"]]


def known_set(name: str) -> KnownSet:
    """Return the data set of that name, or raise GanToolsError with the nearest names."""
    found = {one.name: one for one in known_sets()}
    if name not in found:
        raise GanToolsError(f"unknown data set `{name}`", suggestion(name, list(found)))
    return found[name]
