"""Evaluation during training: figures in the log, the best weights so far, and a word where something is wrong."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gantools.config import RunConfig, repeatable
from gantools.data.comparison import Comparison, Picture, readable, readable_pictures
from gantools.errors import GanToolsError
from gantools.inference.evaluation import Row, check_metrics, comparisons_for, evaluate, figure_name, pick_metrics
from gantools.inference.model import Model
from gantools.metrics.signs import signs
from gantools.task import Networks, Task
from gantools.training.run import Run
from gantools.weights.header import Header

log = logging.getLogger("gantools")
_LEARNED = 2000  # training pictures that outputs are compared with: more take long, and change little


class Measured(NamedTuple):
    """Each metric's mean over all comparisons as ``eval/NAME``, whether they are the best so far, and warnings."""

    values: dict[str, float]
    best: bool
    warnings: list[str]


class Evaluator:
    """Measures the averaged generators every ``--eval-every`` steps on ``--eval-data``.

    ``best`` is the best value of ``--best-metric`` so far and its step. Nothing here draws from a generator that
    training uses: a run has the same weights with and without it.
    """

    def __init__(self, run: Run, task: Task[Any], resumed: bool = False) -> None:
        """Prepare it; GanToolsError if nothing can be evaluated, but for a run that is ``resumed`` a warning."""
        self.run, self.task, self.every = run, task, run.config.eval_every
        self.best: dict[str, Any] = {}
        self._signs = Signs()
        if self.every is None:
            return
        try:
            self._prepare(run.config)
        except GanToolsError as error:
            if not resumed:
                raise
            log.warning("the run goes on without --eval-every: %s", error.message)
            self.every = None

    def _prepare(self, config: RunConfig) -> None:
        run = self.run
        names = [name.strip() for name in config.eval_metrics.split(",") if name.strip()]
        self.names = list(dict.fromkeys([config.best_metric, *names]))
        metrics = pick_metrics(self.names)
        best = metrics[config.best_metric]
        self._best_name = f"eval/{figure_name(config.best_metric, best)}"
        self._better = best.better
        if self._better is None:
            raise GanToolsError(f"--best-metric {config.best_metric}: neither high nor low is good", "give kid or l1")
        self.comparisons = readable(comparisons_for(run.task, config, data_of(config)))
        trained = comparisons_for(run.task, config, {})
        watching = [name for name, metric in metrics.items() if "training" in metric.needs]
        if _the_same(self.comparisons, trained):  # to be copies of these is no fault
            self.names, watching = [name for name in self.names if name not in watching], []
        self.training = readable_pictures(learned_from(trained)) if watching else []
        check_metrics(self.names, self.comparisons, training=self.training, flags="--best-metric and --eval-metrics")

    def due(self, step: int, last: bool) -> bool:
        """Whether this step is one to evaluate at."""
        return self.every is not None and (last or step % self.every == 0)

    def measure(self, networks: Networks, header: Header, device: torch.device, last: bool = False) -> Measured:
        """Return what the networks come to at the header's step; ``last`` says that no evaluation follows."""
        model = Model(self.run.task, header, networks, self.task, device, self.run.weights)
        place = self.run.folder / "evaluation"
        rows = evaluate(model, self.comparisons, place, self.names, training=self.training)
        values: dict[str, list[float]] = {}
        for row in rows:
            for name, value in row.made.items():
                values.setdefault(f"eval/{name}", []).append(value.value)
        means = {name: sum(some) / len(some) for name, some in values.items()}
        return Measured(means, self._is_best(header.step, means), self._signs.of(rows, last))

    def _is_best(self, step: int, values: dict[str, float]) -> bool:
        value = values.get(self._best_name, math.nan)
        sign = -1 if self._better == "lower" else 1
        if not math.isfinite(value) or (self.best and sign * value <= sign * self.best["value"]):
            return False
        self.best = {"step": step, "value": value}
        return True


class Signs:
    """Tells of bad signs that last: seen at two evaluations running, or at the last one; again after a recovery.

    In the first steps of a run pictures are all alike, which means nothing.
    """

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()

    def of(self, rows: Sequence[Row], last: bool) -> list[str]:
        """Return what has to be said, row by row: a direction that works does not speak for one that does not."""
        said = []
        for row in rows:
            found = signs({name: value.value for name, value in row.made.items()})
            for key in [key for key in self._seen if key[0] == row.title and key[1] not in found]:
                del self._seen[key]
            for name, message in found.items():
                self._seen[row.title, name] += 1
                if last or self._seen[row.title, name] == 2:
                    said.append(f"{row.title}: {message}")
        return said


def learned_from(comparisons: Sequence[Comparison]) -> list[Picture]:
    """Return the pictures that a run learns to make, evenly chosen where there are more than 2,000."""
    pictures = list(dict.fromkeys(picture for row in comparisons for picture in row.real))
    return pictures[:: -(-len(pictures) // _LEARNED)] if pictures else []


def data_of(config: RunConfig) -> dict[str, Any]:
    """Return the data settings that --eval-data stands for: folders for --data, or two for --a and --b."""
    folders: list[Path] = config.eval_data
    has = type(config).model_fields
    if len(folders) == 2 and {"a", "b"} <= has.keys():
        return {"a": folders[0], "b": folders[1], "data": None}
    if repeatable(type(config), "data"):
        return {"data": folders}
    if len(folders) > 1:
        raise GanToolsError(
            f"--eval-data is given {len(folders)} times", f"give it {'once or twice' if 'a' in has else 'once'}"
        )
    return {"data": folders[0]} | {name: None for name in ("a", "b") if name in has}


def _the_same(judged: Sequence[Comparison], trained: Sequence[Comparison]) -> bool:
    """Whether half of the pictures to judge by are trained on, too; any are warned of."""
    ours, theirs = (
        {picture.path.resolve() for row in rows for picture in (*row.real, *row.sources)} for rows in (judged, trained)
    )
    both = len(ours & theirs)
    if both:
        log.warning(
            "%s of %s pictures of --eval-data are trained on, too, which flatters", f"{both:,}", f"{len(ours):,}"
        )
    return 2 * both >= len(ours)
