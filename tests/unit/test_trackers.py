"""TensorBoard, the example of another tracker, and what is said of time and memory."""

import csv
import importlib
import sys
from pathlib import Path

import pytest
import torch

import gantools
from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.registry import PluginRecord
from gantools.report import write_report
from gantools.training.forecast import Forecast
from tests.conftest import EXAMPLES


@pytest.fixture
def csv_tracker(monkeypatch):
    """The example plugin, imported from where it lies and registered."""
    monkeypatch.syspath_prepend(str(EXAMPLES / "gantools-csv"))
    manager().register(importlib.import_module("gantools_csv"), PluginRecord("csv", "gantools-csv", "0.1.0"))
    yield
    manager().unregister("csv")
    del sys.modules["gantools_csv"]


def test_the_example_tracker_has_what_the_log_has(tiny, csv_tracker):
    run = gantools.train("cyclegan", **tiny | {"steps": 3}, quiet=True)
    rows = list(csv.DictReader(Path("figures.csv").read_text(encoding="utf-8").splitlines()))
    logged = {(row["step"], name): value for row in run.log() for name, value in row.items() if name != "step"}
    assert {(int(r["step"]), r["name"]): float(r["value"]) for r in rows if r["step"]} == logged
    assert rows[-1]["value"] == "finished"


def test_tensorboard_has_what_the_log_has_also_after_a_resume(tiny):
    pytest.importorskip("tensorboard")
    accumulator = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    first = gantools.train("cyclegan", **tiny | {"steps": 2, "tensorboard": True}, quiet=True)
    run = gantools.resume(first.folder, steps=2, quiet=True)
    events = accumulator.EventAccumulator(str(run.folder / "tensorboard")).Reload()
    kept = [(event.step, pytest.approx(event.value)) for event in events.Scalars("g/cycle_a")]
    assert [(row["step"], row["g/cycle_a"]) for row in run.log()] == kept
    assert events.Images("samples")


def test_without_tensorboard_a_run_with_it_cannot_begin_but_is_looked_at(tiny, monkeypatch):
    run = gantools.train("cyclegan", **tiny | {"steps": 1}, quiet=True)
    monkeypatch.setattr("gantools.training.tensorboard.find_spec", lambda name: None)
    config = run.folder / "config.yaml"
    config.write_text(config.read_text().replace("tensorboard: false", "tensorboard: true"))
    assert write_report(run.folder).is_file()
    with pytest.raises(GanToolsError, match="needs TensorBoard"):
        gantools.resume(run.folder, steps=1, quiet=True)


def test_a_long_run_is_told_its_time_from_measured_steps():
    forecast = Forecast(100, torch.device("cpu"))
    said = {step: forecast.after_step(step, 1107, now=2.0 * step) for step in range(101, 120)}
    assert [step for step, text in said.items() if text] == [107]
    assert "33 minutes for the rest, 2 seconds a step" in said[107]
    short = Forecast(0, torch.device("cpu"))
    assert not any(short.after_step(step, 30, now=2.0 * step) for step in range(1, 20))
