"""Which arithmetic a device is given, and what is said of one that is slow there."""

import logging

import pytest
import torch

from gantools.device import pick_precision
from gantools.errors import GanToolsError

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize("computes", [True, False])
def test_auto_is_bf16_on_a_gpu_that_computes_in_it_alone(monkeypatch, computes):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: computes)
    assert pick_precision("auto", CUDA) == ("bf16" if computes else "32")
    assert pick_precision("auto", CPU) == "32"


def test_16_bits_need_a_gpu():
    assert pick_precision("16", CUDA) == "16"
    with pytest.raises(GanToolsError, match="needs a CUDA device, and this is cpu"):
        pick_precision("16", CPU)


@pytest.mark.parametrize(
    ("known", "warned"),
    [({"avx512_bf16": True}, False), ({"amx_bf16": True, "avx512_bf16": False}, False), ({"avx2": True}, True)],
)
def test_bf16_is_called_slow_where_the_cpu_has_no_instructions_for_it(monkeypatch, caplog, known, warned):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    with caplog.at_level(logging.WARNING, "gantools"):
        assert pick_precision("bf16", CPU) == "bf16"
    assert ("bf16 is slow" in caplog.text) == warned
    caplog.clear()
    monkeypatch.delattr(torch.cpu, "get_capabilities")  # as in older torch
    assert pick_precision("bf16", CPU) == "bf16"
    assert "bf16 is slow" in caplog.text
