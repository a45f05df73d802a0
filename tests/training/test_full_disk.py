"""A disk that takes no more, and a folder that nobody may write to: one error, and the checkpoint before is whole."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

import gantools
from gantools import GanToolsError, api
from gantools.plugins import manager
from gantools.registry import PluginRecord
from gantools.training.checkpoint import newest_checkpoint
from tests.conftest import unprivileged
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


def test_a_folder_that_has_become_read_only_leaves_the_checkpoint_before():
    """Of real processes, as root may write everywhere."""
    gantools.train("cyclegan", **HERE, out="run")
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    folders = [Path("run"), *(path for path in Path("run").rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    assert "error: cannot write run" in refused("resume", "run", "--steps", "2", "--lr-g", "1e-5")
    for folder in folders:
        folder.chmod(0o755)
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before
    assert api.resume("run", steps=2, quiet=True).step == 8


def test_checkpoints_that_cannot_be_written_any_more_end_the_run_with_one_error():
    gantools.train("cyclegan", **HERE, out="run")
    Path("run/checkpoints").chmod(0o555)
    assert "error: cannot write run/checkpoints/step-000008.safetensors" in refused("resume", "run", "--steps", "4")
    assert newest_checkpoint(Path("run/checkpoints"))["step"] == 6


def refused(*words):
    """Return what a command says that fails, without the powers of root."""
    command = [*unprivileged(), sys.executable, "-m", "gantools", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr
