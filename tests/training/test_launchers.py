"""Processes that a launcher has started: torchrun's agents and SLURM's tasks, on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gantools
from gantools.training.checkpoint import newest_checkpoint
from gantools.training.processes import Place, launched_place, launcher_variables
from tests.training.test_processes import EMOJI, TINY, same, updates

STEP = {
    "SLURM_JOB_ID": "4012345", "SLURM_STEP_NUM_TASKS": "6", "SLURM_STEP_NODELIST": "gpu-[07-08]",
    "SLURM_STEP_TASKS_PER_NODE": "3(x2)", "SLURM_PROCID": "4", "SLURM_LOCALID": "1",
}  # fmt: skip


def command(**changes):
    settings = {**TINY, **EMOJI, **changes}
    del settings["quiet"]
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    return ["-m", "gantools", "train", "cyclegan", *flags]


def start(words, **variables):
    given = {**os.environ, **variables}
    return subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True, env=given)


def agents(port, words):
    """Start two agents of torchrun, as on two machines."""
    known = ["--nnodes=2", "--nproc-per-node=1", "--master-addr=127.0.0.1", f"--master-port={port}"]
    return [start(["-m", "torch.distributed.run", *known, f"--node-rank={node}", *words]) for node in range(2)]


@pytest.fixture
def free_port():
    """Return a port that nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_what_srun_says_is_understood(monkeypatch):
    assert launched_place() is None
    for name, value in STEP.items():
        monkeypatch.setenv(name, value)
    assert launched_place() == Place(4, 6, 1, 3, launched=True)
    assert launcher_variables()["MASTER_ADDR"] == "gpu-07"
    assert launcher_variables()["MASTER_PORT"] == "22345"
    monkeypatch.setenv("MASTER_PORT", "29500")
    assert launcher_variables()["MASTER_PORT"] == "29500"
    for hosts, first in (
        ("n1", "n1"),
        ("a[3,5],b", "a3"),
        ("r1-n[004-7].x,c", "r1-n004.x"),
        ("127.0.0.1", "127.0.0.1"),
    ):
        monkeypatch.setenv("SLURM_STEP_NODELIST", hosts)
        assert launcher_variables()["MASTER_ADDR"] == first


def test_a_batch_script_without_srun_and_torchrun_inside_of_a_step_are_told_from_tasks(monkeypatch):
    for name, value in STEP.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("SLURM_STEP_NUM_TASKS")  # a batch script has SLURM_PROCID=0 and no step of tasks
    assert launched_place() is None
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    torchruns = {"RANK": "1", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "4", "MASTER_ADDR": "h"}
    for name, value in (torchruns | {"MASTER_PORT": "1"}).items():
        monkeypatch.setenv(name, value)
    assert launched_place() == Place(1, 8, 1, 4, launched=True)


@pytest.mark.slow
def test_two_agents_of_torchrun_train_one_run(free_port):
    both = agents(free_port, command())
    talk = [agent.communicate(timeout=200)[1] for agent in both]
    assert [agent.returncode for agent in both] == [0, 0], talk
    check_one_run(talk)


@pytest.mark.slow
def test_two_tasks_of_slurm_train_one_run(free_port):
    known = {**STEP, "SLURM_STEP_NUM_TASKS": "2", "SLURM_STEP_NODELIST": "127.0.0.1", "MASTER_PORT": str(free_port)}
    known["SLURM_STEP_TASKS_PER_NODE"] = "2"
    tasks = [start(command(), **known | {"SLURM_PROCID": rank, "SLURM_LOCALID": rank}) for rank in "01"]
    talk = [task.communicate(timeout=200)[1] for task in tasks]
    assert [task.returncode for task in tasks] == [0, 0], talk
    check_one_run(talk)


def check_one_run(talk):
    """The first has talked and written, the other has not, and the weights are those of one that accumulates."""
    assert "finished at step 3; results in runs/cyclegan/1" in talk[0]
    assert "step 1/" not in talk[1]
    assert [path.name for path in Path("runs/cyclegan").iterdir()] == ["1"]
    gantools.train("cyclegan", **TINY, **EMOJI, accumulate=2, out="one")
    assert same(updates("one"), updates("runs/cyclegan/1"))


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_dies_under_torchrun_ends_the_others_within_a_minute_with_the_reason(victim, free_port):
    both = agents(free_port, command(steps=100_000, checkpoint_every=1, out="run"))
    wait_for(lambda: any(Path("run/checkpoints").glob("step-*.safetensors")), 120)
    [worker] = children_of(both[victim].pid)
    began = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    talk = [agent.communicate(timeout=120)[1] for agent in both]
    assert time.monotonic() - began < 60
    assert [agent.returncode for agent in both] == [1, 1], talk
    assert "Signal 9 (SIGKILL)" in talk[victim]
    assert "error: another process of this run does not answer any more" in talk[1 - victim]
    assert newest_checkpoint(Path("run/checkpoints"))["step"] >= 1


def wait_for(happened, seconds):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def children_of(parent):
    """Return the processes that another one has started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
        except OSError:
            continue
    return found
