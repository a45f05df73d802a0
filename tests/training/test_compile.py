"""`--compile`: the same training, whatever becomes of the compiler."""

from functools import partial

import pytest
import torch
from torch._inductor.compile_fx import compile_fx

import gantools
from gantools.storage import read_tensors
from tests.conftest import EXAMPLES

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's own, while it traces
TINY = {"a": EXAMPLES / "noto", "b": EXAMPLES / "fluent3d", "device": "cpu", "size": 16, "load_size": 16, "width": 4,
        "blocks": 1, "d_layers": 1, "batch_size": 2, "quiet": True, "steps": 2}  # fmt: skip


def _no_compiler(*_):
    raise RuntimeError("no C++ compiler\nand a page of reasons")


def _no_way_back(graph, inputs, **settings):
    if settings.get("is_backward"):
        raise RuntimeError("no way back\nand a page of reasons")
    return graph.forward


@pytest.mark.parametrize(
    ("compiler", "reason"),
    [(_no_compiler, "no C++ compiler"), (partial(compile_fx, inner_compile=_no_way_back), "no way back")],
)
def test_where_nothing_can_be_compiled_the_run_is_the_same_and_says_why(monkeypatch, caplog, compiler, reason):
    plain = gantools.train("cyclegan", **TINY, out="plain")
    torch.compiler.reset()  # what is compiled once is not compiled again
    monkeypatch.setattr("torch._inductor.compile_fx.compile_fx", compiler)
    run = gantools.train("cyclegan", **TINY, compile=True, objective="lsgan", out="compiled")
    assert f"not compiled: {reason}" in caplog.text
    first, second = read_tensors(plain.weights), read_tensors(run.weights)
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-4, rtol=1e-3)


@pytest.mark.slow
def test_compiled_generators_train_to_the_same_weights(caplog):
    settings = TINY | {"penalty": ["r1:weight=1"], "objective": "nonsaturating"}
    plain = gantools.train("cyclegan", **settings, out="plain")
    run = gantools.train("cyclegan", **settings, compile=True, out="compiled")
    assert "not compiled" not in caplog.text
    first, second = read_tensors(plain.weights), read_tensors(run.weights)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=1e-4, rtol=1e-3)
