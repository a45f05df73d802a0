"""Verifying shipped weights: that the files are the recorded ones, and still do what is recorded of them."""

from __future__ import annotations

import tempfile
from hashlib import file_digest
from pathlib import Path
from typing import Any

from gantools.config import Settings
from gantools.inference.evaluation import comparisons_for, evaluate
from gantools.inference.model import load_model
from gantools.weights.find import Found, find_weights
from gantools.weights.places import examples_folder, shipped_folder, shipped_index

METRICS = ("l1", "lpips")
_RELATIVE, _ABSOLUTE = 0.01, 1e-4  # what another processor's rounding may do
Figures = dict[str, dict[str, float]]


def verify(name: str) -> list[str]:
    """Return what is wrong with shipped weights: nothing, if hash and figures are those of weights/index.json.

    The figures are L1 and LPIPS-like distance on the few example pictures that come with gantools.
    """
    entry = shipped_index()["weights"][name]
    path = shipped_folder() / entry["file"]
    if not path.is_file():
        return [f"{path} is missing"]
    with path.open("rb") as file:
        if file_digest(file, "sha256").hexdigest() != entry["sha256"]:
            return ["its SHA-256 is not the recorded one"]
    found = check(find_weights(path), entry["check"]["data"])
    return [
        f"{title}: {metric} is {found.get(title, {}).get(metric, float('nan')):.4g} instead of {value:.4g}"
        for title, row in entry["check"]["metrics"].items()
        for metric, value in row.items()
        if not _close(found.get(title, {}).get(metric), value)
    ]


def check(found: Found, data: Settings) -> Figures:
    """Return the figures of weights on example pictures, named by data settings whose folders are below examples/."""
    model = load_model(found, "cpu")
    with tempfile.TemporaryDirectory() as folder:
        comparisons = comparisons_for(model.info, model.task.config, _below(data))
        rows = evaluate(model, comparisons, Path(folder), METRICS)
    return {row.title: {name: value.value for name, value in row.made.items()} for row in rows}


def _below(data: Settings) -> dict[str, Any]:
    """Return data settings with their folders as they lie here."""
    root = examples_folder()
    place = {"a", "b", "data"}
    return {
        name: value
        if name not in place
        else [root / each for each in value]
        if isinstance(value, list)
        else root / value
        for name, value in data.items()
    }


def _close(found: float | None, expected: float) -> bool:
    return found is not None and abs(found - expected) <= _RELATIVE * abs(expected) + _ABSOLUTE
