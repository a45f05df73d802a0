"""Objectives beside each other: the same task and budget, several seeds (after Lucic et al. 2018)."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

import gantools
from gantools.api import configure
from gantools.config import Settings
from gantools.errors import GanToolsError
from gantools.objectives.grammar import build_objective

_RESULT = "result.json"


@dataclass(frozen=True)
class Contender:
    """What is compared: an objective with its settings, under the words it was given by."""

    words: str
    settings: Settings

    @property
    def folder(self) -> str:
        """A name for its runs' folder."""
        return re.sub(r"[^\w.=-]+", "_", self.words).strip("_-")


@dataclass(frozen=True)
class Result:
    """What one run came to; ``measured`` is what `measures` makes of its log."""

    contender: str
    seed: int
    folder: str
    seconds: float
    measured: dict[str, float]


@dataclass(frozen=True)
class Summary:
    """Mean, standard deviation over seeds (0 for a single one), and the extremes, of one measure."""

    mean: float
    std: float
    least: float
    most: float


def run_all(
    task: str, contenders: Sequence[Contender], seeds: Sequence[int], shared: Settings, out: Path
) -> Iterator[Result]:
    """Train every contender with every seed, seed by seed, and yield what each run came to; a signal ends it.

    Runs that are done already are not made again, and one that was interrupted is resumed. GanToolsError if settings
    make no sense, before anything is trained, or if a folder holds runs made with others.
    """
    for contender in contenders:
        build_objective(configure(task, **shared, **contender.settings))
    for seed in seeds:
        for contender in contenders:
            result = _one(task, contender, seed, shared, out / contender.folder / f"seed-{seed}")
            if result is None:
                return
            yield result


def _one(task: str, contender: Contender, seed: int, shared: Settings, folder: Path) -> Result | None:
    wanted = {"task": task, **{name: str(value) for name, value in (shared | contender.settings).items()}}
    done = folder / _RESULT
    if done.is_file():
        saved = json.loads(done.read_text(encoding="utf-8"))
        if saved.pop("settings") != wanted:
            raise GanToolsError(f"{folder} holds a run made with other settings", "give another folder with --out")
        return Result(**saved)
    if (folder / "checkpoints").is_dir():
        trained = gantools.resume(folder, quiet=True)
    else:
        trained = gantools.train(task, quiet=True, **shared, **contender.settings, seed=seed, out=folder)
    if trained.outcome == "interrupted":
        return None
    rows = trained.log()
    result = Result(contender.words, seed, str(folder), rows[-1]["seconds"], measures(rows))
    done.write_text(json.dumps({**vars(result), "settings": wanted}, indent=1), encoding="utf-8")
    return result


def measures(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the last value of what the task measured, or of all losses if it measures nothing.

    Further: the median norm of the generator's gradient, and where the task measures a Wasserstein distance, the
    correlation of the critic's value (minus its loss) with it over the run.
    """
    last = rows[-1]
    found = {name.removeprefix("eval/"): value for name, value in last.items() if name.startswith("eval/")}
    found = found or {name: value for name, value in last.items() if "/" in name}
    norms = [row["g/gradient_norm"] for row in rows if "g/gradient_norm" in row]
    if norms:
        found["g_gradient"] = median(norms)
    pairs = [(-row["d/adv"], row["eval/wasserstein"]) for row in rows if {"d/adv", "eval/wasserstein"} <= row.keys()]
    correlation = _correlation(pairs)
    return found if correlation is None else {**found, "critic_vs_w": correlation}


def read_log(result: Result) -> list[dict[str, Any]]:
    """Return the log rows of a run."""
    lines = (Path(result.folder) / "log.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def summarise(results: Sequence[Result]) -> dict[str, dict[str, Summary]]:
    """Return mean and spread over seeds of each measure, contender by contender."""
    table: dict[str, dict[str, Summary]] = {}
    for words in dict.fromkeys(result.contender for result in results):
        runs = [result for result in results if result.contender == words]
        names = [n for n in runs[0].measured if all(n in run.measured for run in runs)]
        columns = {name: [run.measured[name] for run in runs] for name in names}
        columns["seconds"] = [run.seconds for run in runs]
        table[words] = {name: _summary(values) for name, values in columns.items()}
    return table


def read_contenders(specs: Sequence[str], parse: Any) -> list[Contender]:
    """Read ``"hinge --spectral-norm"`` and the like; ``parse`` turns the words after the objective into settings."""
    contenders = []
    for spec in specs:
        words = shlex.split(spec)
        if not words or words[0].startswith("-"):
            raise GanToolsError(
                f"`{spec}` does not begin with an objective", 'write for example "hinge --spectral-norm"'
            )
        contenders.append(Contender(shlex.join(words), {"objective": words[0], **parse(words[1:])}))
    if len({contender.folder for contender in contenders}) < len(contenders):
        raise GanToolsError("an objective is given twice", "give each once; --seeds says how often each is trained")
    return contenders


def _summary(values: Sequence[float]) -> Summary:
    return Summary(fmean(values), stdev(values) if len(values) > 1 else 0.0, min(values), max(values))


def _correlation(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Pearson's correlation, or None where one side does not vary."""
    import numpy as np

    values = np.array(pairs, dtype=float).reshape(-1, 2)
    if len(values) < 3 or min(values.std(0)) < 1e-12:
        return None
    return float(np.corrcoef(values.T)[0, 1])
