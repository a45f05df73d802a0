"""Every hook, implemented by a plugin and called by the core: one `test_` and the hook's name each."""

import logging
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import typer
from typer.testing import CliRunner

import gantools
from gantools import hookimpl
from gantools.cli.app import app
from gantools.config import RunConfig
from gantools.errors import GanToolsError
from gantools.inference.evaluation import pick_metrics
from gantools.interchange import Importer
from gantools.metrics import Metric
from gantools.metrics.base import mean_of
from gantools.objectives import Loss
from gantools.objectives.grammar import build_objective
from gantools.plugins import PluginManager, TaskInfo, manager
from gantools.registry import PluginRecord
from gantools.weights.find import find_weights
from gantools.weights.header import Header, save_weights
from gantools.weights.importing import pick_importer

NAME = "test-plugin"


class Absolute(Loss):
    """A loss for the tests."""


class Pictures:
    """A kind of data for the tests."""


@contextmanager
def plugged(**hooks):
    """Install a plugin of these hooks for a while, and hand out its record."""
    plugin = SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()})
    record = PluginRecord(NAME, "gantools-test", "1.0")
    manager().register(plugin, record)
    try:
        yield record
    finally:
        manager().unregister(NAME)


def info(name):
    return TaskInfo(name=name, summary="a task", data="unpaired", config="nowhere:Config", task="nowhere:Task")


def test_gantools_register_tasks():
    def add(register):
        register(info("painting"))

    with plugged(gantools_register_tasks=add) as record:
        assert record.error is None
        assert record.hooks == ["gantools_register_tasks"]
        assert manager().tasks.get("painting").config == "nowhere:Config"
        assert manager().tasks.origin("painting") is record
        assert "painting" in CliRunner().invoke(app, ["train", "--help"]).output
    assert "painting" not in manager().tasks.names()


def test_gantools_register_objectives():
    def add(register):
        register("absolute", "loss", f"{__name__}:Absolute", "a loss")

    with plugged(gantools_register_objectives=add):
        assert type(build_objective(RunConfig(objective="absolute")).loss).__name__ == "Absolute"
    with pytest.raises(GanToolsError, match="unknown objective `absolute`"):
        build_objective(RunConfig(objective="absolute"))


class Brightness(Metric):
    """How bright the pictures are."""

    def __call__(self, seen):
        return mean_of([float(picture.float().mean() / 255) for picture in seen.made])


def test_gantools_register_metrics():
    def add(register):
        register("brightness", f"{__name__}:Brightness", "mean of all pixels")

    with plugged(gantools_register_metrics=add):
        assert type(pick_metrics(["brightness"])["brightness"]).__name__ == "Brightness"
    with pytest.raises(GanToolsError, match="unknown metric `brightness`"):
        pick_metrics(["brightness"])


def test_gantools_register_datasets():
    def add(register):
        register("pictures", f"{__name__}:Pictures", "a kind of data")

    with plugged(gantools_register_datasets=add):
        assert manager().datasets.get("pictures").load().__name__ == "Pictures"
    assert "pictures" not in manager().datasets.names()


class Sketches(Importer):
    """Weights of another program."""

    task = "cyclegan"

    def suits(self, parts):
        return 2 if "sketch" in parts else 0


def test_gantools_register_importers():
    def add(register):
        register("sketches", f"{__name__}:Sketches", "weights of another program")

    parts = {"sketch": {"x": torch.zeros(1)}}
    with plugged(gantools_register_importers=add):
        name, importer = pick_importer(parts)
        assert (name, type(importer).__name__) == ("sketches", "Sketches")
    with pytest.raises(GanToolsError, match="no importer knows these networks: sketch"):
        pick_importer(parts)


def test_gantools_register_commands():
    def add(app):
        @app.command()
        def greet(name: str) -> None:
            """Greet somebody."""
            typer.echo(f"hello {name}")

    with plugged(gantools_register_commands=add):
        assert CliRunner().invoke(app, ["greet", "Ada"]).output == "hello Ada\n"
        assert "Greet somebody." in CliRunner().invoke(app, ["--help"]).output
    assert CliRunner().invoke(app, ["greet", "Ada"]).exit_code == 2


def test_gantools_find_weights(tmp_path):
    path = tmp_path / "found.safetensors"
    header = Header(task="cyclegan", plugin={"distribution": "gantools"}, config={})
    save_weights(path, {"g.weight": torch.zeros(1)}, header)

    def find(reference):
        return path if reference == "shelf://horses" else None

    with plugged(gantools_find_weights=find):
        found = find_weights("shelf://horses")
        assert (found.path, found.header) == (path, header)
        with pytest.raises(GanToolsError, match="no weights `shelf://dogs`"):
            find_weights("shelf://dogs")


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """What the observers' hooks are told of a run of two steps."""
    folder = tmp_path_factory.mktemp("run")
    examples = Path(__file__).parents[2] / "examples"
    heard = {name: [] for name in ("run_started", "step_logged", "run_saved", "run_finished")}

    def started(run):
        heard["run_started"].append(run)

    def logged(run, step, values):
        heard["step_logged"].append((run, step, values))

    def saved(run, step, kind, path):
        heard["run_saved"].append((run, step, kind, path))

    def finished(run, outcome):
        heard["run_finished"].append((run, outcome))

    hooks = {
        "gantools_run_started": started,
        "gantools_step_logged": logged,
        "gantools_run_saved": saved,
        "gantools_run_finished": finished,
    }
    with plugged(**hooks):
        gantools.train(
            "cyclegan", a=examples / "noto", b=examples / "fluent3d", out=folder / "1", steps=2, size=32, width=4,
            blocks=1, d_layers=2, batch_size=2, log_every=1, device="cpu", quiet=True,
        )  # fmt: skip
    return SimpleNamespace(folder=folder / "1", **heard)


def test_gantools_run_started(told):
    (run,) = told.run_started
    assert run.folder == told.folder
    assert run.config.steps == 2
    assert run.task.name == "cyclegan"


def test_gantools_step_logged(told):
    assert [step for _, step, _ in told.step_logged] == [1, 2]
    assert all(run is told.run_started[0] for run, _, _ in told.step_logged)
    assert {"seconds", "images_per_second", "d/adv_a", "g/cycle_a"} <= set(told.step_logged[0][2])


def test_gantools_run_saved(told):
    assert [(step, kind) for _, step, kind, _ in told.run_saved] == [
        (0, "samples"), (2, "samples"), (2, "weights"), (2, "checkpoint"),
    ]  # fmt: skip
    assert all(path.is_file() for _, _, _, path in told.run_saved)


def test_gantools_run_finished(told):
    assert told.run_finished == [(told.run_started[0], "finished")]


def test_a_duplicate_task_names_both_distributions():
    def add(register):
        register(info("painting"))
        register(info("cyclegan"))

    with plugged(gantools_register_tasks=add) as record:
        assert "`cyclegan` (gantools " in record.error
        assert f"`{NAME}` (gantools-test 1.0)" in record.error
        assert manager().tasks.origin("cyclegan").distribution == "gantools"
        assert "painting" not in manager().tasks.names()


def test_a_hook_with_another_argument_is_the_plugins_failure():
    with plugged(gantools_register_tasks=lambda registry: None) as record:
        assert "registry" in record.error


def test_an_observer_that_raises_is_warned_of_once_and_not_asked_again(caplog):
    asked = []

    def started(run):
        asked.append(run)
        raise ValueError("no disk")

    with plugged(gantools_run_started=started) as record, caplog.at_level(logging.WARNING, "gantools"):
        for _ in range(2):
            manager().call("gantools_run_started", run="a run")
        assert asked == ["a run"]
        assert record.error == "ValueError: no disk"
    assert sum("no disk" in message for message in caplog.messages) == 1


def test_a_plugin_that_fails_to_find_weights_breaks_nothing():
    def find(reference):
        raise OSError("no network")

    with plugged(gantools_find_weights=find) as record:
        with pytest.raises(GanToolsError, match="no weights `shelf://dogs`"):
            find_weights("shelf://dogs")
        assert record.error == "OSError: no network"


def test_a_command_that_cannot_be_built_breaks_nothing():
    def add(app):
        @app.command()
        def strange(value: int | str) -> None:
            """Take what Typer makes no flag for."""

    with plugged(gantools_register_commands=add) as record:
        assert CliRunner().invoke(app, ["plugins", "list"]).exit_code == 0
        assert record.error


def test_a_plugins_command_replaces_no_verb():
    def add(app):
        @app.command()
        def train() -> None:
            """Do something else."""
            typer.echo("something else")

    with plugged(gantools_register_commands=add):
        assert "something else" not in CliRunner().invoke(app, ["train"]).output


def test_options_that_cannot_be_imported_leave_the_other_tasks_translating():
    def add(register):
        register(replace(info("painting"), options="nowhere:Options"))

    with plugged(gantools_register_tasks=add):
        assert CliRunner().invoke(app, ["translate", "--help"]).exit_code == 0


def test_two_distributions_may_choose_the_same_name(monkeypatch):
    """The later one does not push out the earlier one."""

    def point(distribution, module):
        origin = SimpleNamespace(name=distribution, version="1.0")
        return SimpleNamespace(name="same", dist=origin, load=lambda: module)

    points = []
    for task in ("first", "second"):
        module = SimpleNamespace(gantools_register_tasks=hookimpl(lambda register, task=task: register(info(task))))
        points.append(point(f"gantools-{task}", module))
    monkeypatch.setattr("gantools.plugins.entry_points", lambda group: points)
    assert PluginManager().load().tasks.names() == ["first", "second"]
