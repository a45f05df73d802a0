"""The loss and the penalty of docs/plugins.md, taken from there and used as a plugin's."""

import importlib
import math
import re
import shlex
import sys

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import gantools
from gantools.cli.app import app
from gantools.cli.train import read_flags
from gantools.config import RunConfig
from gantools.objectives import Sample
from gantools.objectives.grammar import build_objective
from gantools.plugins import manager
from gantools.randomness import StepRandom
from gantools.registry import PluginRecord
from gantools.training.log import read_log

PACKAGE = "gantools_pairs"


@pytest.fixture(scope="module")
def docs(pytestconfig):
    return (pytestconfig.rootpath / "docs" / "plugins.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module", autouse=True)
def plugin(docs, tmp_path_factory):
    """The documented package, written out, imported and registered."""
    folder = tmp_path_factory.mktemp("plugin")
    files = re.findall(rf"`({PACKAGE}/\w+\.py)`.*?```python\n(.*?)```", docs, flags=re.DOTALL)
    assert [name for name, _ in files] == [f"{PACKAGE}/__init__.py", f"{PACKAGE}/objectives.py"]
    (folder / PACKAGE).mkdir()
    for name, text in files:
        (folder / name).write_text(text, encoding="utf-8")
    sys.path.insert(0, str(folder))
    manager().register(importlib.import_module(PACKAGE), PluginRecord(PACKAGE, "gantools-pairs", "1.0"))
    yield
    manager().unregister(PACKAGE)
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


class Linear(nn.Module):
    """D(x) = <w, x> with ‖w‖ = 3: its gradient is w everywhere."""

    def __init__(self):
        super().__init__()
        w = torch.randn(3, 4, 4)
        self.w = nn.Parameter(3 * w / w.norm())

    def forward(self, image):
        return (image * self.w).flatten(1).sum(1)


def rng():
    return StepRandom(0, rows=slice(0, 4), total=4, device="cpu")


def test_they_compute_what_their_formulas_say():
    objective = build_objective(RunConfig(objective="pairing", penalty=["gp-centred:weight=2,centre=1,every=4"]))
    critic, real, fake = Linear(), torch.randn(4, 3, 4, 4), torch.randn(4, 3, 4, 4)
    losses, _ = objective.d_losses(critic, Sample(real), [(Sample(fake), 1.0)], rng())
    margins = (critic(real) - critic(fake)).tolist()
    assert losses["adv"].item() == pytest.approx(sum(math.log1p(math.exp(-m)) for m in margins) / 4, rel=1e-5)
    assert losses["gp-centred"].item() == pytest.approx(2 * 4 * (3 - 1) ** 2, rel=1e-5)
    losses, _ = objective.g_losses(critic, Sample(fake), Sample(real), rng())
    assert losses["adv"].item() == pytest.approx(sum(math.log1p(math.exp(m)) for m in margins) / 4, rel=1e-5)
    assert objective.needs.norm == "per-sample"


def test_the_documented_commands_run(docs, tiny, tmp_path):
    section = docs.partition("## A loss and a penalty")[2]
    show, train = re.search(r"```sh\n(.*?)```", section, flags=re.DOTALL).group(1).splitlines()
    result = CliRunner().invoke(app, shlex.split(show)[1:])
    assert result.exit_code == 0, result.stderr
    assert "weight · E (‖∇D(u x + (1 - u) G(z))‖₂ - centre)²" in result.stdout
    assert "centre  0.0      norm that the gradient is held to, ≥ 0" in result.stdout
    settings = read_flags("cyclegan", shlex.split(train)[3:])
    gantools.train("cyclegan", **{**settings, **tiny, "steps": 5, "out": tmp_path / "run", "quiet": True})
    rows = read_log(tmp_path / "run" / "log.jsonl")
    assert [f"d/gp-centred_{side}" in row for row in rows for side in "ab"] == [True] * 2 + [False] * 6 + [True] * 2
