"""What runs came to, read from their folders: settings, figures on pictures, measures over the steps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isclose, isfinite
from pathlib import Path
from typing import Any, NamedTuple

from gantools.config import Settings, read_yaml
from gantools.errors import GanToolsError
from gantools.metrics.signs import signs
from gantools.registry import folder_suggestion
from gantools.sweep.plan import FILE, Sweep, read_sweep, sweep_folders
from gantools.sweep.running import METRICS, finished, read_failures
from gantools.training.log import read_log
from gantools.weights.header import read_header
from gantools.weights.places import NAME, run_folders

DURING = "during training"  # the heading of the last "eval/…" values


class Measured(NamedTuple):
    """One row of an evaluation: figures by metric with their numbers of pictures, those of the untouched sources.

    ``pictures`` says what was compared, by a hash or by its folders, if that is known.
    """

    made: dict[str, float]
    numbers: dict[str, int]
    untranslated: dict[str, float]
    pictures: str | None = None

    def same_pictures(self, other: Measured) -> bool:
        """Whether figures can be compared: by what is known of them, or else by what the untouched pictures have."""
        if self.pictures and other.pictures:
            return self.pictures == other.pictures
        common = self.untranslated.keys() & other.untranslated.keys()
        counts = self.numbers.keys() & other.numbers.keys()
        return all(self.numbers[key] == other.numbers[key] for key in counts) and all(
            isclose(self.untranslated[key], other.untranslated[key], rel_tol=1e-3, abs_tol=1e-6) for key in common
        )


@dataclass(frozen=True)
class RunResult:
    """What one run came to. ``planned`` steps may not have been reached; ``courses`` hold "eval/…" over the steps."""

    folder: Path
    task: str
    settings: Settings
    step: int
    planned: int | None
    seconds_per_step: float
    rows: dict[str, Measured] = field(default_factory=dict)
    courses: dict[str, list[tuple[int, float]]] = field(default_factory=dict)

    @property
    def seed(self) -> int:
        """The run's seed."""
        return int(self.settings.get("seed", 0))


class Found(NamedTuple):
    """The runs that were asked for, which keys a sweep varied, and what has to be said of the runs."""

    runs: list[RunResult]
    varied: list[str]
    notes: list[str]


def find_runs(folders: Sequence[Path]) -> Found:
    """Read runs and the runs of sweeps; GanToolsError if there are none, or of different tasks.

    A run of a sweep that failed, is not finished or is damaged is left out, with a note; nobody named it.
    """
    runs: dict[Path, RunResult] = {}
    varied: list[str] = []
    notes: list[str] = []
    for folder in folders:
        if (folder / FILE).is_file():
            sweep = read_sweep(folder)
            varied += [key for key in sweep.vary if key not in varied]
            runs |= {place: run for place, run in _runs_of(sweep, folder, notes).items() if place not in runs}
        elif (folder / "config.yaml").is_file():
            runs.setdefault(folder.resolve(), read_run(folder))
        else:
            known = [*run_folders(beside=folder), *sweep_folders()]
            hint = folder_suggestion(str(folder), known, "runs and sweeps here")
            raise GanToolsError(f"{folder} is no folder of a run or a sweep", hint)
    if not runs:
        raise GanToolsError("there are no finished runs to compare", "; ".join(notes) or None)
    tasks = {run.task: run.folder for run in reversed(runs.values())}
    if len(tasks) > 1:
        listed = ", ".join(f"{folder} ({task})" for task, folder in tasks.items())
        raise GanToolsError(f"runs of different tasks: {listed}", "compare those of one task")
    found = list(runs.values())
    return Found(told_apart(found, notes), varied, notes + _remarks(found))


def _runs_of(sweep: Sweep, folder: Path, notes: list[str]) -> dict[Path, RunResult]:
    """Return the runs of a sweep that can be read, by their places, and note why others cannot."""
    failures = read_failures(folder)
    found = {}
    for planned in sweep.runs:
        place = folder / planned.name
        if planned.name in failures:
            notes.append(f"left out, failed: {planned.name}: {failures[planned.name]}")
        elif not finished(place):
            notes.append(f"left out, not finished: {planned.name}")
        else:
            try:
                found[place.resolve()] = read_run(place)
            except GanToolsError as error:
                notes.append(f"left out: {error.message}")
    return found


def read_run(folder: Path) -> RunResult:
    """Read a run folder; GanToolsError if it has nothing to compare yet."""
    settings = read_yaml(folder / "config.yaml")
    log = folder / "log.jsonl"
    rows = [row for row in read_log(log) if row.get("step")] if log.is_file() else []
    if not rows or not (folder / NAME).is_file():
        raise GanToolsError(f"{folder} has saved nothing yet", "wait for its first checkpoint, or leave it out")
    header = read_header(folder / NAME)
    courses: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for name, value in row.items():
            if name.startswith("eval/") and isinstance(value, int | float) and isfinite(value):
                courses.setdefault(name.removeprefix("eval/"), []).append((row["step"], value))
    timed = next((row for row in reversed(rows) if "seconds" in row), {"seconds": 0.0, "step": 1})
    measured = _evaluation(folder / METRICS, header.step)
    if courses:
        last = {name: points[-1][1] for name, points in courses.items() if points[-1][0] == rows[-1]["step"]}
        measured[DURING] = Measured(last, {}, {}, " ".join(settings.get("eval_data") or ["the training data"]))
    return RunResult(
        folder,
        str(settings.pop("task", header.task)),
        settings,
        header.step,
        header.steps,
        timed["seconds"] / timed["step"],
        measured,
        courses,
    )


def told_apart(runs: Sequence[RunResult], notes: list[str]) -> list[RunResult]:
    """Return the runs with rows of other pictures under titles of their own, which are noted."""
    kinds: dict[str, list[Measured]] = {}
    again: list[RunResult] = []
    for run in runs:
        rows = {}
        for title, row in run.rows.items():
            known = kinds.setdefault(title, [])
            place = next((i for i, other in enumerate(known) if other.same_pictures(row)), len(known))
            if place == len(known):
                known.append(row)
            name = title if place == 0 else f"{title}, pictures {place + 1}"
            rows[name] = row
            if place:
                notes.append(f"{run.folder} was evaluated on other pictures: its figures stand under `{name}`")
        again.append(RunResult(**{**vars(run), "rows": rows}))
    return again


def _evaluation(path: Path, step: int) -> dict[str, Measured]:
    """Return the rows of metrics.json if it is of these weights, and whole."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["step"] != step:
            return {}
        pictures = content.get("pictures", {})
        return {title: _measured(row, pictures.get(title)) for title, row in content["rows"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # not there, or not as it was written
        return {}


def _measured(row: Mapping[str, Any], pictures: str | None) -> Measured:
    made = row.get("made", {})
    return Measured(_values(made), {key: item["n"] for key, item in made.items()}, _values(row.get("untranslated", {})),
                    pictures)  # fmt: skip


def _values(part: Mapping[str, Any]) -> dict[str, float]:
    values = {key: float(item["value"]) for key, item in part.items()}
    return {key: value for key, value in values.items() if isfinite(value)}


def _remarks(runs: Iterable[RunResult]) -> list[str]:
    """Say which runs stopped early, which have bad figures, and which were not evaluated though others were."""
    runs = list(runs)
    notes = [
        f"{run.folder} stopped at step {run.step:,}" + (f" of {run.planned:,}" if run.planned else "")
        for run in runs
        if run.planned is None or run.step < run.planned
    ]
    notes += [
        f"{run.folder}, {title}: {message}"
        for run in runs
        for title, row in run.rows.items()
        for message in signs(row.made).values()
    ]
    bare = [run for run in runs if not run.rows.keys() - {DURING}]
    if 0 < len(bare) < len(runs):
        notes += [f"{run.folder} has no figures in {METRICS} of these weights" for run in bare]
    return notes
