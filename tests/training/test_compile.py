"""`--compile`: the same training, whatever becomes of the compiler."""

import pytest
import torch

import gantools
from gantools.storage import read_tensors
from tests.conftest import EXAMPLES

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own, while it traces
TINY = {"a": EXAMPLES / "noto", "b": EXAMPLES / "fluent3d", "device": "cpu", "size": 16, "load_size": 16, "width": 4,
        "blocks": 1, "d_layers": 1, "batch_size": 2, "quiet": True, "steps": 2}  # fmt: skip


def test_where_nothing_can_be_compiled_the_run_is_the_same_and_says_why(monkeypatch, caplog):
    plain = gantools.train("cyclegan", **TINY, out="plain")
    monkeypatch.setattr("torch._inductor.compile_fx.compile_fx", _no_compiler)
    run = gantools.train("cyclegan", **TINY, compile=True, objective="lsgan", out="compiled")
    assert "not compiled: no C++ compiler" in caplog.text
    first, second = read_tensors(plain.weights), read_tensors(run.weights)
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-4, rtol=1e-3)


def _no_compiler(*_):
    raise RuntimeError("no C++ compiler\nand a page of reasons")


@pytest.mark.slow
def test_compiled_generators_train_to_the_same_weights(caplog):
    settings = TINY | {"penalty": ["r1:weight=1"], "objective": "nonsaturating"}
    plain = gantools.train("cyclegan", **settings, out="plain")
    run = gantools.train("cyclegan", **settings, compile=True, out="compiled")
    assert "not compiled" not in caplog.text
    first, second = read_tensors(plain.weights), read_tensors(run.weights)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-4, rtol=1e-3)
