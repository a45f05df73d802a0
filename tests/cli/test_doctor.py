"""`gantools doctor`: what it measures is measured, and what is wrong is said."""

import json

import torch

from gantools import diagnosis
from gantools.plugins import manager
from gantools.registry import PluginRecord


def test_it_says_what_is_here_and_what_is_fast(gantools_cli, monkeypatch):
    monkeypatch.setattr(diagnosis, "_SECONDS", 0.02)
    threads = torch.get_num_threads()
    result = gantools_cli("doctor", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["versions"]["torch"] == torch.__version__
    assert found["devices"][-1].startswith("cpu")
    assert all(rate > 0 for rate in (*found["threads"].values(), *found["precision"].values()))
    assert {"emoji-colour", "emoji-words"} <= set(found["weights"])
    assert found["advice"]
    assert torch.get_num_threads() == threads
    shown = gantools_cli("doctor")
    assert "GFLOP/s" in shown.stdout
    assert "advice: " in shown.stderr


def test_what_is_wrong_is_a_line_and_an_exit_code(gantools_cli, monkeypatch):
    monkeypatch.setattr(diagnosis, "_SECONDS", 0.02)
    monkeypatch.setattr(diagnosis, "free_space", lambda place: 0.1)
    monkeypatch.setitem(manager().records, "odd", PluginRecord("odd", "gantools-odd", "1", error="ValueError: no"))
    result = gantools_cli("doctor")
    assert result.exit_code == 1
    said = " ".join(result.stderr.split())  # lines are wrapped
    assert "problem: plugin odd: ValueError: no" in said
    assert "has 0.1 GB left" in said
