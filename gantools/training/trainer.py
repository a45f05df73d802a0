"""The loop: steps, logs, sheets, checkpoints, and a clean way out at any moment."""

from __future__ import annotations

import logging
import math
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Any

import torch

from gantools.data.loader import ImageData, batches
from gantools.errors import GanToolsError, in_words
from gantools.objectives.constraints import plain_state
from gantools.objectives.grammar import build_objective
from gantools.plugins import manager
from gantools.randomness import derive_seed, seeded
from gantools.task import Batch
from gantools.training.backend import Backend
from gantools.training.breakdown import BreakdownError, breakdown, pictures_of, rolled_back
from gantools.training.checkpoint import save_checkpoint
from gantools.training.clock import Clock
from gantools.training.display import Display
from gantools.training.evaluator import Evaluator
from gantools.training.finetuning import Start
from gantools.training.forecast import Forecast
from gantools.training.log import RunLog, draw_curves, read_log
from gantools.training.processes import Processes
from gantools.training.run import Run, has_paths, load_task, shared_out
from gantools.training.schedule import Schedule
from gantools.training.sheets import draw_sheet
from gantools.training.tensorboard import check_installed
from gantools.training.updates import Updates
from gantools.training.watch import Watch
from gantools.weights.header import Header, environment, plugin_of, save_weights

log = logging.getLogger("gantools")
_DIVERGED = 1e6  # no weight of a network that works comes near it


def train_run(
    run: Run, display: Display, state: dict[str, Any] | None, steps: int | None, processes: Processes
) -> tuple[Trainer, str]:
    """Train a run and return its trainer and the outcome; with ``--on-nan rollback`` a breakdown is undone once."""
    trainer = Trainer(run, display, state, steps, processes)
    try:
        return trainer, trainer.fit()
    except BreakdownError as error:
        if run.config.on_nan == "stop":
            raise
        message, total = error.message, trainer.schedule.total
    run, state = processes.share(rolled_back(run) if processes.leads else (run, None))
    step = state["step"] if state else 0
    rates = f"{run.config.lr_g:g} and {run.config.lr_d:g}"
    display.note(f"{message}; going on from step {step:,} with learning rates of {rates}", warning=True)
    more = total - step if steps is not None and total is not None else None
    trainer = Trainer(run, display, state, more, processes)
    return trainer, trainer.fit()


class Trainer:
    """Trains a run from its beginning or from a checkpoint.

    `fit` returns "finished", or "interrupted" after Ctrl-C or SIGTERM, with a checkpoint saved either way. ``signal``
    then holds the signal's number. Of several processes each has a trainer; the first one's alone writes and talks.
    """

    def __init__(
        self,
        run: Run,
        display: Display,
        state: dict[str, Any] | None = None,
        more_steps: int | None = None,
        processes: Processes | None = None,
    ) -> None:
        self.processes = processes or Processes()
        self.run, self.display, self.config = run, display, shared_out(run.config, self.processes.count)
        state = state or {}
        self._owed = bool(state.get("owed"))  # the last evaluation, before which a finished run was killed
        over = state and state["total"] is not None and state["step"] >= state["total"]
        if over and more_steps is None and not self._owed:
            raise GanToolsError(f"{run.folder} is finished, at step {state['step']:,}", "give --steps MORE to go on")
        if self.config.tensorboard:
            check_installed()
        self.task = load_task(run.task, self.config)
        self.backend = Backend(self.config.device, self.config.precision, self.config.threads, self.processes)
        start = Start.read(Path(self.config.init)) if self.config.init and not state else None
        self.updates = Updates(self.task, build_objective(self.config), self.config, self.backend, start)
        self.origin: dict[str, Any] = state.get("origin", start.origin if start else {})
        self.data: ImageData = manager().datasets.get(run.task.data).load()(self.config, display.reading)
        self.schedule = Schedule(self.config, len(self.data), state.get("total"))
        self.step = 0
        self.signal: int | None = None
        self._asked: int | None = None
        self.clock = Clock(state.get("seconds", 0.0))
        self._logged_at = 0
        if state:
            self._load(state)
        if more_steps is not None:
            self.schedule.total = self.step + more_steps
        self.watch = Watch(self.config.n_critic)
        self.forecast = Forecast(max(self.step, self.config.warm_up), self.backend.device)
        self.evaluator = Evaluator(run, self.task, resumed=bool(state))
        self.evaluator.best = state.get("best", {})

    def fit(self) -> str:
        """Train to the end of the run, or until a signal asks to stop."""
        if not self.processes.leads:
            return self._until_told()
        plugins = manager()
        outcome = "failed"
        try:
            self.run.create()
            self.log = RunLog(self.run.log, up_to=self.step, evaluated=not self._owed)
            self.display.started(self.step, self.schedule.total, self._summary())
            plugins.call("gantools_run_started", run=self.run)
            outcome = self._until_told()
        finally:
            self.display.ended()
            plugins.call("gantools_run_finished", run=self.run, outcome=outcome)
        return outcome

    def _until_told(self) -> str:
        with _signals(self._stop) if self.processes.heeds_signals else nullcontext():
            return self._loop()

    def _loop(self) -> str:
        ahead = self._batches()
        if self.step == 0:
            self._sheet()
        self.processes.wait()
        self.clock.start()
        self.schedule.begin(self.step, self._agree())
        if self._owed and self.schedule.done(self.step) and self.evaluator.due(self.step, last=True):
            with self._pause():
                self._evaluate(last=True)
        while not self.schedule.done(self.step) and self.signal is None:
            self.updates.watching = (self.step + 1) % self._log_every == 0
            self.updates.step(self.step, ahead, self.schedule.factor(self.step))
            self.step += 1
            self.schedule.tick(self.step, self._agree())
            self._after_step()
        self._save()
        return "finished" if self.schedule.done(self.step) else "interrupted"

    def _batches(self) -> Iterator[Batch]:
        config, place = self.config, self.processes.place
        start, pin = self.step * config.batches, self.backend.device.type == "cuda"
        own = (place.rank, place.count, place.local_count)
        return batches(self.data, start, config.batch_size, config.accumulate, config.workers, pin, *own)

    def _agree(self) -> float:
        """Hear of a signal that any process was sent; return the seconds that have passed, the same to all."""
        number, seconds = self.processes.agree(self._asked or 0, self.clock.seconds)
        self.signal = int(number) or None
        return seconds

    def _after_step(self) -> None:
        remaining = self.schedule.remaining(self.step, self.clock.seconds)
        self.display.progress(self.step, self.schedule.total, remaining)
        if self.processes.leads and (said := self.forecast.after_step(self.step, self.schedule.total, perf_counter())):
            self.display.note(said)
        last = self.schedule.done(self.step)
        if self.step % self._log_every == 0 or last:
            self._log()
        if self.step % self._sample_every == 0 or last:
            with self._pause():
                self._sheet()
        if self.evaluator.due(self.step, last):
            with self._pause():
                if last:
                    self._save(owed=True)  # first: whatever becomes of the evaluation, the training is there
                self._evaluate(last)
        if self.step % self.config.checkpoint_every == 0 and not last:
            with self._pause():
                self._save()

    def _log(self) -> None:
        steps = self.step - self._logged_at
        if not steps:
            return
        values = self.updates.averages(steps)
        self._check_finite()
        if self.processes.leads:
            self._tell(values, steps)
        self._logged_at = self.step
        self.clock.next_lap()

    def _tell(self, values: dict[str, float], steps: int) -> None:
        """Write and show the mean losses of the last steps, and what the task measures."""
        values |= self._report()
        rate = steps * self.config.batch_size / self.clock.lap
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        row = {"seconds": round(self.clock.seconds, 3), "images_per_second": round(rate, 3), **finite}
        self.log.write({"step": self.step, **row})
        self.display.logged(self.step, row)
        manager().call("gantools_step_logged", run=self.run, step=self.step, values=row)
        if self.step > self.config.warm_up:  # until then the discriminators have no one against them
            self._warn(self.watch.logged(values))

    def _report(self) -> dict[str, float]:
        """Return what the task measures on the averaged generators."""
        batch = self.updates.to_device(self.data.sheet())
        with torch.inference_mode(), seeded(derive_seed(self.config.seed, "report"), self.backend.device):
            measured = self.task.report(self.updates.averaged, batch)
        return {f"eval/{name}": value for name, value in measured.items()}

    def _sheet(self) -> None:
        if not self.processes.leads:
            return
        batch = self.updates.to_device(self.data.sheet())
        seed = derive_seed(self.config.seed, "sheet")  # the same noise in every sheet
        with torch.inference_mode(), self.backend.autocast(), seeded(seed, self.backend.device):
            columns = self.task.grid(self.updates.averaged, batch)
        path = self.run.sample(self.step)
        draw_sheet(columns, path)
        self._warn(self.watch.sheet(columns) if self.step else None)
        self._saved("samples", path)

    def _evaluate(self, last: bool) -> None:
        """Measure the averaged generators, log it, and keep them if they are the best so far."""
        if not self.processes.leads:
            return
        try:
            self._measure(last)
        except Exception as error:  # of data that are gone, or a folder in the way: no reason to end the training
            self._warn(f"step {self.step}: not evaluated: {in_words(error)}")

    def _measure(self, last: bool) -> None:
        header = self._header()
        values, best, warnings = self.evaluator.measure(self.updates.averaged, header, self.backend.device, last)
        self.log.write({"step": self.step, **values})
        figures = ", ".join(f"{name.removeprefix('eval/')} {value:.4g}" for name, value in values.items())
        self.display.note(f"step {self.step}: {figures}{', the best so far' if best else ''}")
        manager().call("gantools_step_logged", run=self.run, step=self.step, values=values)
        for warning in warnings:
            self._warn(warning)
        if best:
            header = header.model_copy(update={"metrics": values})
            save_weights(self.run.best, plain_state(self.updates.average.networks), header)
            self._saved("weights", self.run.best)

    def _save(self, owed: bool = False) -> None:
        """Write weights, checkpoint and curves, after making sure that they are worth keeping.

        The checkpoint comes after the weights: a run that is killed between them makes them again.
        """
        self._log()
        largest = self.updates.largest_weight()
        if not largest < _DIVERGED:
            raise breakdown(self.run, self.step, f"weights have grown to {largest:.0e}", [])
        state = {
            "step": self.step,
            "total": self.schedule.total,
            "seconds": self.clock.seconds,
            "data": self.data.describe()["fingerprint"],
            "updates": self.updates.state_dict(),
            "best": self.evaluator.best,
            "origin": self.origin,
            "processes": self.processes.count,
            "owed": owed,
        }
        drift = self.updates.drift()
        if not self.processes.leads:
            return
        if drift:
            self._warn(f"the processes' weights have come apart by {drift:.0e}; resuming makes them equal again")
        save_weights(self.run.weights, plain_state(self.updates.average.networks), self._header())
        self._saved("weights", self.run.weights)
        self._saved("checkpoint", save_checkpoint(self.run.checkpoints, self.step, state, self.config.keep))
        draw_curves(read_log(self.run.log), self.run.curves)

    def _check_finite(self) -> None:
        """Raise BreakdownError if a loss was not finite; the norm of a gradient need not be, under 16 bits."""
        found = self.updates.breakdown()
        if found:
            update, names = found
            pictures = pictures_of(self.data, update, self.config) if self.processes.leads else []
            step = update // self.config.batches + 1
            raise breakdown(self.run, step, f"not finite: {', '.join(names)}", pictures)

    def _load(self, state: dict[str, Any]) -> None:
        self.step = self._logged_at = state["step"]
        if state["data"] != self.data.describe()["fingerprint"]:
            log.warning(
                "the pictures have changed since the checkpoint: the run goes on, but not exactly as it would have"
            )
        before, now = state.get("processes", 1), self.processes.count
        if before != now:
            log.warning(
                "the run was trained by %d process%s and goes on with %d: right up to rounding, but not bit for bit",
                before, "es" * (before > 1), now,
            )  # fmt: skip
        self.updates.load_state_dict(state["updates"])

    def _header(self) -> Header:
        config = self.config
        here = {name for name, value in config if has_paths(value)}
        here |= {"device", "devices", "threads", "workers", "tensorboard"}
        here |= {"eval_every", "eval_data", "eval_metrics", "best_metric"}  # they change nothing in the networks
        metadata = self.task.metadata()
        return Header(
            task=self.run.task.name,
            plugin=plugin_of(self.run.task.name),
            config=config.model_dump(mode="json", exclude=here),
            step=self.step,
            steps=self.schedule.total,
            size=getattr(config, "size", None),
            data=self.data.describe(),
            domains=metadata.pop("domains", []),
            extra=metadata | ({"init": self.origin} if self.origin else {}),
            environment=environment() | {"device": self.backend.device.type, "precision": self.backend.precision},
        )

    def _summary(self) -> str:
        backend = self.backend
        threads = f"{backend.threads} thread{'s' * (backend.threads != 1)}"
        machine = threads if backend.device.type == "cpu" else str(backend.device)
        if self.processes.several:
            each = threads if backend.device.type == "cpu" else "a GPU"
            machine = f"{self.processes.count} processes with {each} each"
        length = f"{self.schedule.total:,} steps" if self.schedule.total else f"{self.config.minutes:g} minutes"
        if self.config.warm_up > self.step:
            length += f", the first {self.config.warm_up:,} of the discriminators alone"
        beginning = f", from step {self.step:,}" if self.step else ""
        precision = "float32" if backend.precision == "32" else backend.precision
        if self.origin and not self.step:
            beginning = f", from {self.origin['name']} (step {self.origin['step']:,}) {self._begun_with()}"
        what = f"training {self.run.task.name} for {length}{beginning}"
        return f"{what}, on {machine} in {precision}, into {self.run.folder}"

    def _begun_with(self) -> str:
        """Return in words whose discriminators a run begins with, and what begins anew."""
        new, critics = self.updates.new, list(self.updates.nets.discriminators)
        if new == critics:
            return "with new discriminators"
        kept, step = [name for name in critics if name not in new], self.origin.get("discriminators_step")
        taken = "its " + ("discriminators" if kept == critics else ", ".join(kept)) if kept else ""
        taken += f" of step {step:,}" if kept and step is not None else ""
        return "with " + " and ".join(filter(None, (taken, f"new {', '.join(new)}" if new else "")))

    @property
    def _log_every(self) -> int:
        return self.config.log_every or (10 if self.config.minutes else max(1, min(50, self._total // 100)))

    @property
    def _sample_every(self) -> int:
        return self.config.sample_every or (200 if self.config.minutes else max(50, min(1000, self._total // 20)))

    @property
    def _total(self) -> int:
        return self.schedule.total or 0

    @contextmanager
    def _pause(self) -> Iterator[None]:
        """Leave the time of sheets and checkpoints out of the images per second; all wait for the first process."""
        with self.clock.paused():
            yield
            self.processes.wait()

    def _warn(self, message: str | None) -> None:
        if message:
            self.display.note(message, warning=True)

    def _saved(self, kind: str, path: Path) -> None:
        manager().call("gantools_run_saved", run=self.run, step=self.step, kind=kind, path=path)

    def _stop(self, number: int) -> None:
        if self._asked is not None:
            if self.processes.place.launched:  # which may pass on what was sent to all of them already
                return
            raise KeyboardInterrupt
        self._asked = number
        if not self.processes.several:
            self.signal = number
        self.display.note("stopping after this step; once more to stop at once")


@contextmanager
def _signals(stop: Any) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into a request to stop after the step."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        stop(number)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
