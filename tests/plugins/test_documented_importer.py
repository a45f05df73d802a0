"""The importer of docs/plugins.md, taken from there and used as a plugin's."""

import importlib
import re

import torch

import gantools
from gantools.plugins import manager
from gantools.registry import PluginRecord
from tests.unit.foreign import ResNet, drawn

PACKAGE = "gantools_onefile"


@torch.no_grad()
def test_what_it_imports_translates_as_before(pytestconfig, tmp_path, monkeypatch, gantools_cli):
    docs = (pytestconfig.rootpath / "docs" / "plugins.md").read_text(encoding="utf-8")
    files = re.findall(rf"`({PACKAGE}/\w+\.py)`.*?```python\n(.*?)```", docs, flags=re.DOTALL)
    (tmp_path / PACKAGE).mkdir()
    for name, text in files:
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    networks = {side: drawn(ResNet(blocks=1)).eval() for side in ("ab", "ba")}
    state = {f"gen_{side}.{name}": value for side, one in networks.items() for name, value in one.state_dict().items()}
    torch.save(state, "both.ckpt")
    assert "no importer knows" in gantools_cli("weights", "import", "both.ckpt", "-o", "w.safetensors").stderr
    manager().register(importlib.import_module(PACKAGE), PluginRecord(PACKAGE, "gantools-onefile", "1.0"))
    try:
        result = gantools_cli("weights", "import", "both.ckpt", "-o", "w.safetensors", "--domains", "day,night")
        assert "imported CycleGAN in one file" in result.stderr
    finally:
        manager().unregister(PACKAGE)
    model, picture = gantools.load("w.safetensors", "cpu"), torch.rand(1, 3, 20, 36) * 2 - 1
    for side, network in networks.items():
        result = model.translate(picture, direction=f"{side[0]}2{side[1]}")
        torch.testing.assert_close(result, network(picture), atol=1e-4, rtol=0)
