"""`gantools plugins new`: what it writes is used at once, in this process; .ci/run installs it and runs its tests."""

import importlib
import sys
from pathlib import Path

import pytest

from gantools.plugins import manager
from gantools.registry import PluginRecord
from gantools.scaffold import KINDS
from gantools.testing import conformance
from gantools.testing.metric import evidence


@pytest.fixture
def written(gantools_cli, tmp_path, monkeypatch):
    """Return a function that writes a plugin of a kind, imports and registers it, and returns the folder."""

    def write(kind):
        assert gantools_cli("plugins", "new", "line-drawing", "--kind", kind, "-o", "new").exit_code == 0
        monkeypatch.syspath_prepend(tmp_path / "new")
        module = importlib.import_module("gantools_line_drawing")
        manager().register(module, PluginRecord("line-drawing", "gantools-line-drawing", "0.1.0"))
        return tmp_path / "new"

    yield write
    manager().unregister("line-drawing")
    for name in [name for name in sys.modules if name.partition(".")[0] == "gantools_line_drawing"]:
        del sys.modules[name]


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_short_and_registers_without_a_complaint(kind, written):
    folder = written(kind)
    assert manager().records["line-drawing"].error is None
    lines = [line for path in folder.glob("gantools_*/*.py") for line in path.read_text().splitlines()]
    assert 0 < len(lines) < 60
    assert "$" not in "".join(
        path.read_text() for path in folder.rglob("*.*") if path.suffix in {".py", ".toml", ".md"}
    )


def test_a_task_trains_and_translates(written, gantools_cli, gantools_pictures):
    written("task")
    a, b = gantools_pictures("a"), gantools_pictures("b")
    tiny = ["--size", 32, "--width", 4, "--blocks", 1, "--batch-size", 2, "--steps", 2, "--device", "cpu", "--quiet"]
    trained = gantools_cli("train", "line-drawing", "--a", a, "--b", b, *tiny, "-o", "run")
    assert trained.exit_code == 0, trained.stderr
    assert gantools_cli("translate", a / "0.png", "--weights", "run", "-o", "out.png").exit_code == 0


def test_an_objective_passes_its_suite(written):
    written("objective")
    suite = conformance("line-drawing")()
    for name in [name for name in dir(suite) if name.startswith("test_") and "every_task" not in name]:
        getattr(suite, name)()


def test_a_metric_passes_its_suite(written, tmp_path):
    written("metric")
    suite, seen = conformance("line-drawing")(), evidence(tmp_path)
    suite.test_its_figure_is_finite_and_the_same_again(seen)
    suite.test_noise_is_not_better_than_the_truth(seen, tmp_path)


def test_a_command_is_run(written, gantools_cli, gantools_pictures):
    written("command")
    assert gantools_cli("line-drawing", gantools_pictures(count=3)).stdout.startswith("3 pictures")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cyclegan"], "brings the task `cyclegan` already"),
        (["kid"], "brings the metric `kid` already"),
        (["Line_Drawing"], "is no name for a plugin"),
        (["line-drawing", "-o", "full"], "full is not empty"),
    ],
)
def test_what_cannot_be_written_is_one_line(words, message, gantools_cli, gantools_pictures):
    gantools_pictures("full")
    result = gantools_cli("plugins", "new", *words)
    assert result.exit_code == 1
    assert message in result.stderr


def test_install_says_what_it_does_and_asks(gantools_cli):
    Path("somewhere").mkdir()
    result = gantools_cli("plugins", "install", "./somewhere")
    assert result.exit_code == 1
    assert "which will run whenever gantools does" in result.stderr
    assert "--yes" in result.stderr


def test_what_is_not_there_is_not_installed(gantools_cli):
    result = gantools_cli("plugins", "install", "./nowhere", "--yes")
    assert result.exit_code == 1
    assert "there is no ./nowhere" in result.stderr


def test_what_is_not_a_plugin_is_not_uninstalled(gantools_cli):
    assert "part of gantools" in gantools_cli("plugins", "uninstall", "pix2pix", "--yes").stderr
    assert "did you mean" in gantools_cli("plugins", "uninstall", "pix2pixx", "--yes").stderr
    assert gantools_cli("plugins", "uninstall", "torch", "--yes").exit_code == 1
