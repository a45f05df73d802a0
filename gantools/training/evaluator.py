"""Evaluation during training: figures in the log, and the best weights so far."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from gantools.config import RunConfig, repeatable
from gantools.data.comparison import Comparison, Picture
from gantools.errors import GanToolsError
from gantools.inference.evaluation import check_metrics, comparisons_for, evaluate, figure_name, pick_metrics
from gantools.inference.model import Model
from gantools.task import Networks, Task
from gantools.training.run import Run
from gantools.weights.header import Header

_WARNINGS = (
    (
        "diversity",
        0.5,
        "the pictures are more alike than real ones ({:.2f} of their distances): the outputs may be collapsing; look "
        "at the sheets, and try another --objective or a lower --lr-g",
    ),
    (
        "nearest",
        0.5,
        "the pictures lie nearer to those trained on than real ones do ({:.2f} of the distance): they may be learned "
        "by heart; use more pictures, --augment color,translation, or fewer --steps",
    ),
)
_LEARNED = 2000  # training pictures that outputs are compared with: at 30 ms each they cost a minute, once


class Evaluator:
    """Measures the averaged generators every ``--eval-every`` steps on ``--eval-data``.

    ``best`` is the best value of ``--best-metric`` so far and its step. Nothing here draws from a generator that
    training uses: a run has the same weights with and without it.
    """

    def __init__(self, run: Run, task: Task[Any]) -> None:
        config = run.config
        self.run, self.task, self.every = run, task, config.eval_every
        self.best: dict[str, Any] = {}
        self._said: set[str] = set()
        if self.every is None:
            return
        names = [name.strip() for name in config.eval_metrics.split(",") if name.strip()]
        self.names = list(dict.fromkeys([config.best_metric, *names]))
        best = pick_metrics(self.names)[config.best_metric]
        self._best_name = f"eval/{figure_name(config.best_metric, best)}"
        self._better = best.better
        if self._better is None:
            raise GanToolsError(f"--best-metric {config.best_metric}: neither high nor low is good", "give kid or l1")
        self.comparisons = comparisons_for(run.task, config, data_of(config))
        self.training = learned_from(comparisons_for(run.task, config, {}))
        check_metrics(self.names, self.comparisons, training=True)

    def due(self, step: int, last: bool) -> bool:
        """Whether this step is one to evaluate at."""
        return self.every is not None and (last or step % self.every == 0)

    def measure(self, networks: Networks, header: Header, device: torch.device) -> tuple[dict[str, float], bool]:
        """Return each metric's mean over all comparisons, as ``eval/NAME``, and whether they are the best so far."""
        model = Model(self.run.task, header, networks, self.task, device, self.run.weights)
        place = self.run.folder / "evaluation"
        rows = evaluate(model, self.comparisons, place, self.names, training=self.training)
        values: dict[str, list[float]] = {}
        for row in rows:
            for name, value in row.made.items():
                values.setdefault(f"eval/{name}", []).append(value.value)
        means = {name: sum(some) / len(some) for name, some in values.items()}
        return means, self._is_best(header.step, means)

    def warning(self, values: dict[str, float]) -> str | None:
        """Return what the figures say in plain words where something is wrong, each thing once."""
        for word, least, message in _WARNINGS:
            value = min((value for name, value in values.items() if f"/{word}" in name), default=1.0)
            if value < least and word not in self._said:
                self._said.add(word)
                return message.format(value)
        return None

    def _is_best(self, step: int, values: dict[str, float]) -> bool:
        value = values.get(self._best_name)
        sign = -1 if self._better == "lower" else 1
        if value is None or (self.best and sign * value <= sign * self.best["value"]):
            return False
        self.best = {"step": step, "value": value}
        return True


def learned_from(comparisons: Sequence[Comparison]) -> list[Picture]:
    """Return the pictures that a run learns to make, evenly chosen where there are more than 2,000."""
    pictures = list(dict.fromkeys(picture for row in comparisons for picture in row.real))
    return pictures[:: -(-len(pictures) // _LEARNED)] if pictures else []


def data_of(config: RunConfig) -> dict[str, Any]:
    """Return the data settings that --eval-data stands for: one folder is --data, two are --a and --b."""
    folders: list[Path] = config.eval_data
    if len(folders) == 2:
        return {"a": folders[0], "b": folders[1], "data": None}
    data: dict[str, Any] = {"data": folders if repeatable(type(config), "data") else folders[0]}
    return data | {name: None for name in ("a", "b") if name in type(config).model_fields}
