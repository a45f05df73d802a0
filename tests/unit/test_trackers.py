"""TensorBoard, the example of another tracker, and what is said of time and memory."""

import csv
import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

import gantools
from gantools import api
from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.registry import PluginRecord
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
    run = api.resume(first.folder, steps=2, quiet=True)
    events = accumulator.EventAccumulator(str(run.folder / "tensorboard")).Reload()
    kept = [(event.step, pytest.approx(event.value)) for event in events.Scalars("g/cycle_a")]
    assert [(row["step"], row["g/cycle_a"]) for row in run.log()] == kept
    assert events.Images("samples")


def test_tensorboard_that_is_not_there_is_named_before_training(tiny, monkeypatch):
    monkeypatch.setattr("gantools.config.find_spec", lambda name: None if name == "tensorboard" else find_spec(name))
    with pytest.raises(GanToolsError, match="pip install"):
        api.configure("cyclegan", **tiny, tensorboard=True)


def test_a_long_run_is_told_its_time_from_measured_steps():
    forecast = Forecast(100, torch.device("cpu"))
    said = {step: forecast.after_step(step, 1107, now=2.0 * step) for step in range(101, 120)}
    assert [step for step, text in said.items() if text] == [107]
    assert "33 minutes for the rest, 2 seconds a step" in said[107]
    short = Forecast(0, torch.device("cpu"))
    assert not any(short.after_step(step, 30, now=2.0 * step) for step in range(1, 20))
