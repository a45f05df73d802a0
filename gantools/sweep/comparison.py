"""The arithmetic of a comparison: runs grouped by what differs in their settings, means and spreads over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.registry import suggestion
from gantools.sweep.results import RunResult

_ASIDE = {
    "seed", "out", "device", "devices", "threads", "workers", "cache_mb", "log_every", "sample_every",
    "checkpoint_every", "eval_every", "eval_data", "eval_metrics", "best_metric",
}  # fmt: skip
_SIGNIFICANT = 0.05
_FIRST = ("objective", "penalty", "constraint", "spectral_norm", "augment", "preset")


class Column(NamedTuple):
    """A figure: the row of the evaluation that it is of, and the metric's key."""

    title: str
    key: str

    def __str__(self) -> str:
        return f"{self.title} {self.key}"


class Summary(NamedTuple):
    """Mean and standard deviation over ``n`` seeds; the latter is None for a single one."""

    mean: float
    spread: float | None
    n: int


class Best(NamedTuple):
    """Which group is best, and whether it leads ``beyond`` chance; None if no spread is known."""

    group: int
    beyond: bool | None


@dataclass(frozen=True)
class Group:
    """Runs whose settings are the same but for the seed; ``label`` holds the values of the comparison's keys."""

    label: tuple[str, ...]
    runs: list[RunResult]

    def values(self, column: Column) -> list[float]:
        """Return a figure of each run that has it."""
        rows = [run.rows[column.title].made for run in self.runs if column.title in run.rows]
        return [made[column.key] for made in rows if column.key in made]

    def summary(self, column: Column) -> Summary | None:
        """Return mean and spread of a figure, or None if no run has it."""
        return summarise(self.values(column))

    @property
    def name(self) -> str:
        """The label in one line, of paths their last part."""
        words = [Path(word).name if word.startswith("/") else word for word in self.label]
        return ", ".join(words) or "all runs"

    @property
    def seconds_per_step(self) -> float:
        """The mean over the runs."""
        return fmean(run.seconds_per_step for run in self.runs)

    @property
    def steps(self) -> tuple[int, int]:
        """The least and the most that a run came to."""
        return min(run.step for run in self.runs), max(run.step for run in self.runs)


@dataclass(frozen=True)
class Comparison:
    """Groups, the ``keys`` that tell them apart, the settings that differ along with these, and all figures."""

    task: str
    keys: list[str]
    along: list[str]
    groups: list[Group]
    columns: list[Column]

    def best(self, column: Column) -> Best | None:
        """Return the best group; None where nobody knows which way is good, or only one group has the figure.

        It leads beyond chance if Welch's t-test tells it from the next at 5 %. Where all groups are the same, a lead is
        called that in about 5 % of figures with two groups of equally many seeds, and in fewer with more groups; with
        two seeds in one group and five in the other in up to 10 %.
        """
        found = [(i, s) for i, group in enumerate(self.groups) if (s := group.summary(column)) is not None]
        better = better_way(column)
        if better is None or len(found) < 2:
            return None
        (first, one), (second, next_) = sorted(found, key=lambda pair: pair[1].mean, reverse=better == "higher")[:2]
        if one.spread is None or next_.spread is None:
            return Best(first, None)
        return Best(first, tells_apart(self.groups[first].values(column), self.groups[second].values(column)))

    @property
    def leader(self) -> Group:
        """The group that is first by most figures, within the spread or not."""
        firsts = [best.group for column in self.columns if (best := self.best(column)) is not None]
        return self.groups[max(range(len(self.groups)), key=firsts.count)]

    def untranslated(self, column: Column) -> float | None:
        """Return the figure of the untouched sources, or None."""
        rows = [run.rows[column.title] for group in self.groups for run in group.runs if column.title in run.rows]
        return next((row.untranslated[column.key] for row in rows if column.key in row.untranslated), None)

    def as_json(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return {
            "task": self.task,
            "keys": self.keys,
            "along": self.along,
            "groups": [self._group_json(group) for group in self.groups],
            "best": [self._best_json(column) for column in self.columns],
        }

    def _group_json(self, group: Group) -> dict[str, Any]:
        figures: dict[str, dict[str, Any]] = {}
        for column in self.columns:
            summary = group.summary(column)
            if summary is not None:
                figures.setdefault(column.title, {})[column.key] = {
                    **summary._asdict(), "values": group.values(column),
                }  # fmt: skip
        return {
            "settings": {key: group.runs[0].settings.get(key) for key in self.keys},
            "seeds": [run.seed for run in group.runs],
            "runs": [str(run.folder) for run in group.runs],
            "steps": list(group.steps),
            "seconds_per_step": group.seconds_per_step,
            "figures": figures,
        }

    def _best_json(self, column: Column) -> dict[str, Any]:
        best = self.best(column)
        named = {"group": best.group, "beyond_chance": best.beyond} if best else {"group": None, "beyond_chance": None}
        return {**column._asdict(), "better": better_way(column), **named}


def compare(runs: Sequence[RunResult], varied: Sequence[str] = (), metrics: Sequence[str] = ()) -> Comparison:
    """Group runs of one task; of keys that tell them apart equally well, ``varied`` ones are named.

    ``metrics`` chooses figures by metric or key. GanToolsError if there is none of a name, or if two runs of equal
    settings have the same seed.
    """
    keys, along = telling_keys([run.settings for run in runs], varied)
    grouped: dict[tuple[str, ...], list[RunResult]] = {}
    for run in runs:
        grouped.setdefault(tuple(spell(run.settings.get(key)) for key in keys), []).append(run)
    for members in grouped.values():
        seeds: dict[int, Path] = {}
        for run in members:
            if run.seed in seeds:
                raise GanToolsError(
                    f"{seeds[run.seed]} and {run.folder} have the same settings and seed",
                    "leave one of them out: between them there is nothing to compare",
                )
            seeds[run.seed] = run.folder
    groups = [Group(label, sorted(members, key=lambda run: run.seed)) for label, members in grouped.items()]
    return Comparison(runs[0].task, keys, along, groups, _columns(runs, metrics))


def telling_keys(settings: Sequence[dict[str, Any]], varied: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Return the fewest keys that tell settings apart, and those that differ along with them."""
    names = dict.fromkeys(name for one in settings for name in one if name not in _ASIDE or name in varied)
    differing = [name for name in names if len({spell(one.get(name)) for one in settings}) > 1]
    first = [*varied, *_FIRST]
    differing.sort(key=lambda name: first.index(name) if name in first else len(first))
    keys = list(differing)
    for name in reversed(differing):
        fewer = [key for key in keys if key != name]
        if name not in varied and _parts(settings, fewer) == _parts(settings, keys):
            keys = fewer
    return keys, [name for name in differing if name not in keys]


def spell(value: Any) -> str:
    """Return a setting in a word or two."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return " ".join(map(spell, value)) or "none"
    text = "" if value is None else str(value)
    return text or "none"


def summarise(values: Sequence[float]) -> Summary | None:
    """Return the mean of values and their standard deviation, or None if there are none."""
    if not values:
        return None
    return Summary(fmean(values), stdev(values) if len(values) > 1 else None, len(values))


def tells_apart(x: Sequence[float], y: Sequence[float]) -> bool:
    """Whether the means of two samples differ by Welch's t-test at 5 %; without any spread, if at all."""
    from scipy.stats import ttest_ind

    if len({*x}) == len({*y}) == 1:
        return x[0] != y[0]
    return bool(ttest_ind(x, y, equal_var=False).pvalue < _SIGNIFICANT)


def better_way(column: Column) -> str | None:
    """Return "lower", "higher", or None where it is not known."""
    metric = metric_of(column)
    return None if metric is None else metric.better


def decimals(column: Column) -> int | None:
    """Return how many decimals a figure is shown with, or None if the metric is not known."""
    metric = metric_of(column)
    return None if metric is None else int(metric.decimals)


def metric_of(column: Column) -> Any:
    """Return the class of a registered metric, or None."""
    name = _registered(column.key)
    return None if name is None else manager().metrics.get(name).load()


def _registered(key: str) -> str | None:
    """Return the registered name of a key such as ``fid_lite0``."""
    names = manager().metrics.names()
    return next((name for name in (key, key.rpartition("_")[0]) if name in names), None)


def _columns(runs: Iterable[RunResult], metrics: Sequence[str]) -> list[Column]:
    found = dict.fromkeys(Column(title, key) for run in runs for title, row in run.rows.items() for key in row.made)
    titles = dict.fromkeys(column.title for column in found)
    columns = [column for title in titles for column in found if column.title == title]
    if not metrics:
        return columns
    known = {name for column in columns for name in (column.key, _registered(column.key)) if name}
    for name in metrics:
        if name not in known:
            raise GanToolsError(f"no run has a figure `{name}`", suggestion(name, sorted(known)))
    return [column for column in columns if {column.key, _registered(column.key)} & set(metrics)]


def _parts(settings: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[int]:
    """Return for each settings the number of the group that it is in."""
    seen: dict[tuple[str, ...], int] = {}
    return [seen.setdefault(tuple(spell(one.get(key)) for key in keys), len(seen)) for one in settings]
