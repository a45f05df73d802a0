"""The objective's tutorial: written once, it trains every task, and its closed forms hold."""

import json
import runpy
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, uninstalled_plugins
from tests.tiny_encoders import build_bert

PLUGINS = {"gantools_alpha_loss": EXAMPLES / "gantools-alpha-loss", "gantools_cut": EXAMPLES / "gantools-cut"}
SIDES = ["--a", "A", "--b", "B", "--blocks", 1, "--d-layers", 1]
TASKS = {
    "cyclegan": SIDES,
    "cut": SIDES,
    "pix2pix": ["--a", "A", "--b", "B", "--d-layers", 1],
    "stargan": ["--data", "styles", "--blocks", 1, "--d-layers", 1, "--n-critic", 1],
    "text2image": ["--data", "words", "--text-encoder", "bert"],
}


@pytest.fixture(scope="module", autouse=True)
def plugins():
    """The tutorials' plugins, imported from where they lie and registered."""
    with uninstalled_plugins(PLUGINS):
        yield


@pytest.fixture
def data(gantools_pictures, task):
    """What the tasks train on, in the test's own folder."""
    for name in ("A", "B", "styles/one", "styles/two", "words"):
        gantools_pictures(name, count=12)
    for i in range(12):
        Path("words", f"{i}.txt").write_text(f"a {('red', 'blue')[i % 2]} bird")
    if task == "text2image":
        Path("bert").mkdir()
        build_bert(Path("bert"))


@pytest.mark.parametrize("task", TASKS)
def test_every_task_trains_with_it(task, data, gantools_cli):
    how = ["--size", 16, "--width", 4, "--batch-size", 2, "--steps", 1, "--device", "cpu", "--quiet", "-o", "run"]
    result = gantools_cli("train", task, *TASKS[task], *how, "--objective", "alpha-loss:alpha=0.5")
    assert result.exit_code == 0, result.stderr
    row = json.loads(Path("run/log.jsonl").read_text().splitlines()[-1])
    assert any(key.startswith("d/adv") for key in row)


def test_its_own_tests_pass():
    own = runpy.run_path(str(EXAMPLES / "gantools-alpha-loss" / "tests" / "test_alpha_loss.py"))
    own["test_alpha_1_is_the_nonsaturating_loss"]()
    own["test_alpha_one_half_is_exponential_and_a_large_alpha_is_the_chance_of_a_mistake"]()
    for alpha in (0.5, 1.0, 3.0):
        own["test_the_best_score_is_alpha_times_the_log_of_the_ratio_of_densities"](alpha)
    suite = own["TestAlphaLoss"]()
    for name in [name for name in dir(suite) if name.startswith("test_") and "every_task" not in name]:
        getattr(suite, name)()
