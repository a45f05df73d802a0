"""A task from somebody else's distribution, built and installed with pip, beside two plugins that are broken."""

import json
import re

import pytest
from PIL import Image

DOCS = "docs/plugins.md"


@pytest.fixture(scope="module")
def installed(environment, example, broken):
    """The environment with both distributions."""
    environment.install(example, broken)
    return environment


@pytest.fixture(scope="module")
def pictures(installed):
    """Two folders of pictures in the environment's folder."""
    for folder, colour in (("a", "red"), ("b", "blue")):
        (installed.folder / folder).mkdir()
        for side in range(40, 44):
            Image.new("RGB", (side, 40), colour).save(installed.folder / folder / f"{side}.png")
    return {name: installed.folder / name for name in ("a", "b")}


@pytest.fixture(scope="module")
def trained(installed, pictures):
    """The command that trains the example's task, run."""
    sides = ["--a", pictures["a"], "--b", pictures["b"]]
    tiny = ["--size", "32", "--width", "4", "--blocks", "1", "--d-layers", "2", "--batch-size", "2"]
    return installed.gantools("train", "gcgan", *sides, *tiny, "--steps", "2", "--device", "cpu", "--out", "run")


def warnings(stderr):
    return [line for line in stderr.splitlines() if line.startswith("warning: plugin")]


def test_plugins_list_shows_all_three(installed):
    done = installed.gantools("plugins", "list", "--json")
    assert done.returncode == 0
    found = {plugin["name"]: plugin for plugin in json.loads(done.stdout)}
    assert found["gcgan"] == {
        "name": "gcgan",
        "distribution": "gantools-gcgan",
        "version": "0.1.0",
        "hooks": ["gantools_register_tasks"],
        "error": None,
    }
    hint = "did you mean `gantools_register_tasks`"
    for name, error in (("broken-import", "ModuleNotFoundError"), ("broken-hook", hint)):
        assert found[name]["distribution"] == "gantools-broken"
        assert error in found[name]["error"]
        assert not found[name]["hooks"]


def test_strict_lets_the_broken_plugin_raise(installed, monkeypatch):
    monkeypatch.setenv("GANTOOLS_STRICT", "1")
    done = installed.gantools("plugins", "list")
    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_help_lists_the_task_and_its_flags_without_torch(installed):
    names = installed.gantools("train", "--help")
    assert "gcgan" in names.stdout
    flags = installed.run(
        "-c",
        "import sys; from typer.testing import CliRunner; from gantools.cli.app import app;"
        "print(CliRunner().invoke(app, ['train', 'gcgan', '--help']).output); assert 'torch' not in sys.modules",
    )
    assert flags.returncode == 0, flags.stderr
    assert "--geometry" in flags.stdout


def test_the_task_trains_beside_the_broken_plugins(installed, trained):
    assert trained.returncode == 0, trained.stderr
    assert "Traceback" not in trained.stderr
    assert len(warnings(trained.stderr)) == 2
    assert sum("`broken-import` (gantools-broken 0.0.1)" in line for line in warnings(trained.stderr)) == 1
    assert sum("`broken-hook` (gantools-broken 0.0.1)" in line for line in warnings(trained.stderr)) == 1
    row = json.loads((installed.folder / "run" / "log.jsonl").read_text().splitlines()[-1])
    assert row["step"] == 2
    assert {"d/adv", "g/adv_upright", "g/adv_turned", "g/geometry"} <= set(row)


def test_the_weights_name_the_distribution(installed, trained):
    done = installed.gantools("weights", "show", "run", "--json")
    assert json.loads(done.stdout)["plugin"] == {
        "name": "gcgan",
        "distribution": "gantools-gcgan",
        "version": "0.1.0",
    }


def test_its_weights_translate(installed, trained, pictures):
    done = installed.gantools("translate", pictures["a"] / "41.png", "--weights", "run", "--out", "result.png")
    assert done.returncode == 0, done.stderr
    with Image.open(installed.folder / "result.png") as result:
        assert result.size == (41, 40)


@pytest.mark.slow  # .ci/run does the same with what `plugins new` writes
def test_it_passes_the_conformance_suite(installed, trained, pytestconfig):
    """The test file is the one in the docs."""
    text = (pytestconfig.rootpath / DOCS).read_text(encoding="utf-8")
    (suite,) = re.findall(r"```python\n(from gantools\.testing .*?)```", text, flags=re.DOTALL)
    (installed.folder / "test_gcgan.py").write_text(suite)
    done = installed.run("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_gcgan.py")
    assert done.returncode == 0, done.stdout


def test_the_example_is_short(example):
    lines = [
        line
        for path in example.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    assert 0 < len(lines) < 60


def test_without_the_plugin_its_weights_say_what_to_install(installed, trained, pictures):
    """The last test here: it uninstalls the example."""
    installed.uninstall("gantools-gcgan")
    done = installed.gantools("translate", pictures["a"] / "41.png", "--weights", "run", "--out", "other.png")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "error: run is for the task `gcgan`" in done.stderr
    assert "pip install gantools-gcgan" in done.stderr
    assert not (installed.folder / "other.png").exists()
