"""The tutorials: what a page shows is what its plugin's files hold; and CUT trains and translates."""

import importlib
import re
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from gantools.plugins import manager
from gantools.registry import PluginRecord
from gantools.testing import conformance
from tests.conftest import EXAMPLES

PLUGIN = EXAMPLES / "gantools-cut"


@pytest.fixture(scope="module", autouse=True)
def plugin():
    """CUT, imported from where it lies and registered."""
    sys.path.insert(0, str(PLUGIN))
    manager().register(importlib.import_module("gantools_cut"), PluginRecord("cut", "gantools-cut", "0.1.0"))
    yield
    manager().unregister("cut")
    sys.path.remove(str(PLUGIN))
    for name in [name for name in sys.modules if name.partition(".")[0] == "gantools_cut"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "least", "folder"),
    [("tutorial-cut", 11, "gantools-cut"), ("tutorial-objective", 7, "gantools-alpha-loss")],
)
def test_every_block_of_the_page_is_in_the_files(name, least, folder, pytestconfig):
    page = (pytestconfig.rootpath / "docs" / f"{name}.md").read_text(encoding="utf-8")
    files = [*(EXAMPLES / folder).rglob("*.py"), EXAMPLES / folder / "pyproject.toml"]
    lines = "\n".join(_lines(path.read_text(encoding="utf-8")) for path in files)
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) >= least
    assert not [block for block in blocks if _lines(block) not in lines]


def _lines(text):
    """Return the lines as they are, but for empty ones and the indent: the page shows methods without their class."""
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def test_it_trains_and_translates(gantools_cli):
    tiny = ["--size", 32, "--width", 4, "--blocks", 2, "--batch-size", 2, "--steps", 2, "--device", "cpu", "--quiet"]
    sides = ["--a", EXAMPLES / "noto", "--b", EXAMPLES / "fluent3d"]
    trained = gantools_cli("train", "cut", *sides, *tiny, "-o", "run")
    assert trained.exit_code == 0, trained.stderr
    assert gantools_cli("translate", EXAMPLES / "test" / "noto", "--weights", "run", "-o", "out").exit_code == 0
    with Image.open(next(Path("out").glob("*.png"))) as picture:
        assert picture.size == (64, 64)


@pytest.mark.parametrize("check", ["gradients_stay_with_their_player", "losses_are_means_over_samples"])
def test_it_passes(check, tmp_path):
    suite = conformance("cut", size=32, width=4, blocks=2, d_layers=2, patches=16)()
    getattr(suite, f"test_{check}")(tmp_path)


def test_its_loss_equals_the_formula_written_out():
    from gantools_cut.nce import patch_nce

    q, k = torch.randn(2, 2, 5, 3, dtype=torch.float64)
    expected = 0.0
    for n in range(2):
        for i in range(5):
            scores = [float(q[n, i] @ k[n, j]) / 0.5 for j in range(5)]
            expected -= scores[i] - torch.tensor(scores, dtype=torch.float64).logsumexp(0).item()
    assert patch_nce([q], [k], 0.5).item() == pytest.approx(expected / 10)
