"""A disk that takes no more: one error, and the checkpoint from before is whole."""

import resource
from pathlib import Path

import pytest

import gantools
from gantools import GanToolsError, api
from gantools.plugins import manager
from gantools.registry import PluginRecord
from gantools.training.checkpoint import newest_checkpoint
from tests.training.test_processes import EMOJI, TINY, At

HERE = {**TINY, **EMOJI, "steps": 6, "checkpoint_every": 2}


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    full = At(3, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1])))
    manager().register(full, PluginRecord("full", "tests", "0"))
    try:
        with pytest.raises(GanToolsError, match="cannot write") as caught:
            gantools.train("cyclegan", **HERE, out="run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        manager().unregister("full")
    assert "space" in caught.value.hint
    assert newest_checkpoint(Path("run/checkpoints"))["step"] == 2
    assert not list(Path("run").rglob("*.tmp"))
    assert api.resume("run", quiet=True).step == 6
