"""Training and evaluating a sweep's runs, one after another; what is done already is not done again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from gantools.api import TrainedRun, fit, load, resume_with
from gantools.config import RunConfig
from gantools.data.comparison import Comparison, readable
from gantools.errors import GanToolsError, in_words
from gantools.inference.evaluation import asked, check_metrics, comparisons_for, evaluate, pick_metrics, save_rows
from gantools.storage import write_atomically
from gantools.sweep.plan import Planned, Sweep
from gantools.training.checkpoint import list_checkpoints
from gantools.training.evaluator import data_of
from gantools.training.run import new_run, open_run
from gantools.weights.header import Header, read_header
from gantools.weights.places import NAME

if TYPE_CHECKING:
    from gantools.inference.evaluation import Report
    from gantools.training.display import Display

FAILED = "failed.json"
METRICS = Path("evaluation", "metrics.json")


@dataclass(frozen=True)
class Outcome:
    """How one run ended: "finished", "failed" or "interrupted".

    ``earlier`` says that it had ended so before, ``trouble`` what went wrong (in evaluating, if it finished), and
    ``signal`` the number of the signal that interrupted it.
    """

    name: str
    outcome: str
    step: int = 0
    minutes: float = 0.0
    earlier: bool = False
    trouble: str = ""
    signal: int | None = None


@dataclass(frozen=True)
class Runner:
    """Makes a sweep's runs below ``folder``; with ``retry`` it tries failed ones again.

    ``display`` gives what shows a training, ``bar`` what shows an evaluation.
    """

    sweep: Sweep
    folder: Path
    display: Callable[[], Display]
    bar: Callable[[], AbstractContextManager[Report]] = lambda: nullcontext(lambda what, done, total: None)
    retry: bool = False

    def run_all(self) -> Iterator[Outcome]:
        """Yield how every run ended; an interrupted one is the last."""
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise GanToolsError(f"{self.folder} is in use by another process", "wait for it") from None
        try:
            for planned in self.sweep.runs:
                outcome = self._one(planned)
                yield outcome
                if outcome.outcome == "interrupted":
                    return
        finally:
            lock.release()
            Path(lock.lock_file).unlink(missing_ok=True)

    def _one(self, planned: Planned) -> Outcome:
        """Bring one run to its end; whatever goes wrong is kept, and told by the outcome."""
        failures = read_failures(self.folder)
        folder = self.folder / planned.name
        if planned.name in failures and not self.retry:
            return Outcome(planned.name, "failed", earlier=True, trouble=failures[planned.name])
        began = perf_counter()
        header = finished(folder)
        try:
            trained = None if header else self._train(planned, folder)
        except Exception as error:  # whatever a task, torch or the machine raises
            trouble = in_words(error)
            self._keep_failures({**failures, planned.name: trouble})
            return Outcome(planned.name, "failed", minutes=(perf_counter() - began) / 60, trouble=trouble)
        if planned.name in failures:
            self._keep_failures({name: trouble for name, trouble in failures.items() if name != planned.name})
        step = trained.step if trained else header.step if header else 0
        if trained and trained.signal is not None:  # in its last step, too: then it is evaluated another time
            minutes = (perf_counter() - began) / 60
            return Outcome(planned.name, "interrupted", step, minutes, signal=trained.signal)
        evaluated = trained is None and self._measured(folder, step)
        trouble = "" if evaluated else self._evaluate(planned, folder)
        minutes = (perf_counter() - began) / 60
        earlier = trained is None and (evaluated or not self.sweep.can_be_evaluated)
        return Outcome(planned.name, "finished", step, minutes, earlier, trouble)

    def _train(self, planned: Planned, folder: Path) -> TrainedRun:
        if list_checkpoints(folder / "checkpoints"):
            return resume_with(self.display(), folder, None, {})
        with suppress(OSError):
            (folder / ".lock").unlink()  # of a process that was killed: nobody else is here, the sweep is ours
        return fit(new_run(self.sweep.info, self.sweep.config(planned, folder)), self.display())

    def _evaluate(self, planned: Planned, folder: Path) -> str:
        """Write evaluation/metrics.json, and return what went wrong, or nothing."""
        if not self.sweep.can_be_evaluated:
            return ""
        try:
            config = open_run(folder).config
            model = load(folder, config.device)
            comparisons = _comparisons(self.sweep, config)
            place = folder / METRICS
            with self.bar() as report:
                rows = evaluate(model, comparisons, place.parent, self.sweep.metrics, report=report)
            save_rows(model, rows, place, asked(self.sweep.metrics))
        except Exception as error:  # as in training: the other runs go on
            return f"not evaluated: {in_words(error)}"
        return ""

    def _measured(self, folder: Path, step: int) -> bool:
        """Whether a run has the sweep's own figures: of these weights, these metrics and these pictures."""
        try:
            found = json.loads((folder / METRICS).read_text(encoding="utf-8"))
            if (found["step"], found["asked"]) != (step, asked(self.sweep.metrics)):
                return False
            comparisons = readable(_comparisons(self.sweep, open_run(folder).config))
            return bool(found["pictures"] == {one.title: one.fingerprint() for one in comparisons})
        except (GanToolsError, OSError, ValueError, TypeError, KeyError):
            return False

    def _keep_failures(self, failures: dict[str, str]) -> None:
        if failures:
            _write_json(self.folder / FAILED, failures)
        else:
            (self.folder / FAILED).unlink(missing_ok=True)


def check_evaluation(sweep: Sweep) -> None:
    """Raise GanToolsError if the first run could not be evaluated on its --eval-data, or there are no such metrics."""
    pick_metrics(sweep.metrics)  # a mistake in a name
    config = sweep.config(sweep.runs[0])
    if config.eval_data and not sweep.can_be_evaluated:
        raise GanToolsError(f"the task {sweep.task} cannot be evaluated on pictures", "leave --eval-data out")
    if not sweep.can_be_evaluated:
        return
    check_metrics(sweep.metrics, _comparisons(sweep, config))


def _comparisons(sweep: Sweep, config: RunConfig) -> list[Comparison]:
    """Return what to evaluate on: the run's --eval-data, or else what it was trained on."""
    return comparisons_for(sweep.info, config, data_of(config) if config.eval_data else {})


def finished(folder: Path) -> Header | None:
    """Return the header of a run's weights if it has come to its end."""
    with suppress(GanToolsError):
        header = read_header(folder / NAME) if (folder / NAME).is_file() else None
        return header if header and header.complete else None
    return None


def read_failures(folder: Path) -> dict[str, str]:
    """Return what went wrong, by the run's name."""
    with suppress(OSError, ValueError):
        found: dict[str, str] = json.loads((folder / FAILED).read_text(encoding="utf-8"))
        return found
    return {}


def minutes_left(outcomes: Sequence[Outcome], total: int) -> float | None:
    """Return how long the remaining runs take if they take as long as those made now, or None if none was."""
    made = [outcome.minutes for outcome in outcomes if outcome.outcome == "finished" and not outcome.earlier]
    return sum(made) / len(made) * (total - len(outcomes)) if made else None


def _write_json(path: Path, content: Any) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
