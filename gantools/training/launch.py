"""Bringing the processes of a run together: those of torchrun or SLURM, or some that are started here."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Event, Thread
from time import monotonic, sleep
from typing import IO, Any, cast

import torch
from torch import distributed
from torch._C._distributed_c10d import Store, TCPStore

from gantools.config import RunConfig
from gantools.device import pick_device
from gantools.errors import GanToolsError
from gantools.training.processes import LostProcessError, Place, Processes, launched_place, launcher_variables

log = logging.getLogger("gantools")
_HOST = "127.0.0.1"
_LONGEST = timedelta(hours=1)  # that the others wait for an evaluation or a checkpoint of the first
_PATIENCE = 20.0  # seconds: for processes to end by themselves, or for the first to notice that one is gone
_FOLLOW = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from gantools.training.launch import follow
follow(int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
"""


@contextmanager
def together(config: RunConfig) -> Iterator[Processes]:
    """Give the processes of a run for as long as this lasts: a launcher's, or ``config.devices`` started here.

    A process that ends before its time ends the others, with a GanToolsError that says what became of it.
    """
    place = launched_place()
    if place is None and config.devices == 1:
        yield Processes()
        return
    kind = pick_device(config.device)
    if place is not None:
        if config.devices not in {1, place.count}:
            log.warning("--devices %d is set aside: the launcher started %d processes", config.devices, place.count)
        with _joined(place, kind):
            yield Processes(place)
        return
    _check(config, kind)
    threads = torch.get_num_threads()
    try:
        with _Followers(config.devices, kind) as followers, _joined(followers.place, kind, followers.store):
            yield Processes(followers.place)
    finally:
        torch.set_num_threads(threads)


def follow(rank: int, count: int, port: int, kind: str) -> None:
    """Be process ``rank`` of a run whose first process listens at ``port``: what `together` starts."""
    from rich.console import Console

    from gantools.training.display import Quiet
    from gantools.training.trainer import train_run

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    log.addHandler(logging.NullHandler())
    log.propagate = False
    Thread(target=_end_with_the_first, daemon=True).start()
    place = Place(rank, count, rank, count)
    store = TCPStore(_HOST, port, count, is_master=False, timeout=_LONGEST)
    store.set(f"here/{rank}", "")
    try:
        with _joined(place, kind, store):
            processes = Processes(place)
            run, state, steps = cast("Any", processes.share(None))
            train_run(run, Quiet(Console(quiet=True)), state, steps, processes)
    except GanToolsError as error:
        sys.exit(error.message)


def _end_with_the_first() -> None:
    """Die as soon as the first process is gone, however it went: this process's stdin is its pipe.

    Not through sys.stdin, whose lock a forked worker would wait for.
    """
    os.read(0, 1)
    os._exit(1)


@contextmanager
def _joined(place: Place, kind: str, store: Store | None = None) -> Iterator[None]:
    """Be a member of the process group; messages between GPUs go through NCCL, all others through Gloo."""
    backend = "cpu:gloo,cuda:nccl" if kind.startswith("cuda") else "gloo"
    where: dict[str, Any] = {"store": store, "rank": place.rank, "world_size": place.count} if store else {}
    if store is None:
        os.environ.update(launcher_variables())  # torch.distributed reads them there
    distributed.init_process_group(backend, timeout=_LONGEST, **where)
    try:
        yield
    finally:
        distributed.destroy_process_group()


def _check(config: RunConfig, kind: str) -> None:
    """Raise GanToolsError if this machine has not as many devices as are asked for."""
    if kind.startswith("mps") or ":" in kind:
        raise GanToolsError(
            f"--devices {config.devices} does not go with --device {config.device}", "give --device cpu or cuda"
        )
    if kind == "cuda" and config.devices > torch.cuda.device_count():
        raise GanToolsError(
            f"--devices {config.devices}, and this machine has {torch.cuda.device_count()} CUDA device(s)",
            "give as many as there are; over several machines start it with torchrun",
        )


class _Followers:
    """All processes but the first, which is this one; leaving the context ends them."""

    def __init__(self, count: int, kind: str) -> None:
        self.place = Place(0, count, 0, count)
        self.kind = kind
        self.store = TCPStore(_HOST, 0, count, is_master=True, wait_for_workers=False, timeout=_LONGEST)
        self._others: dict[int, subprocess.Popen[bytes]] = {}
        self._said: dict[int, IO[bytes]] = {}
        self._left = Event()

    def __enter__(self) -> _Followers:
        try:
            for rank in range(1, self.place.count):
                self._start(rank)
            while not self.store.check([f"here/{rank}" for rank in self._others]):
                self._raise_if_gone()
                sleep(0.05)
        except BaseException:
            self._end()
            raise
        Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._left.set()
        try:
            if error is None or isinstance(error, LostProcessError):
                self._await_ends()
            if isinstance(error, LostProcessError):
                self._raise_if_gone(error)
        finally:
            self._end()

    def _start(self, rank: int) -> None:
        """Start one, its stdin a pipe that ends with this process, its stderr kept for the worst case."""
        numbers = map(str, (rank, self.place.count, self.store.port))
        command = [sys.executable, "-c", _FOLLOW, json.dumps(sys.path), *numbers, self.kind]
        said = self._said[rank] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by _end)
        self._others[rank] = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said
        )

    def _await_ends(self) -> None:
        deadline = monotonic() + _PATIENCE
        while any(other.poll() is None for other in self._others.values()) and monotonic() < deadline:
            if any(other.poll() for other in self._others.values()):
                deadline = min(deadline, monotonic() + 1)
            sleep(0.02)

    def _raise_if_gone(self, cause: Exception | None = None) -> None:
        """Raise GanToolsError for a process that has ended before its time."""
        found = {rank: other.returncode for rank, other in self._others.items() if other.poll()}
        if not found:
            return
        rank = min(found, key=lambda rank: (found[rank] > 0, "not answer any more" in self._words(rank)))
        raise GanToolsError(
            f"process {rank} of 0 … {self.place.count - 1} ended before its time: {self._reason(rank, found[rank])}",
            "`gantools resume` goes on from the last checkpoint, with --devices 1 if need be",
        ) from cause

    def _reason(self, rank: int, code: int) -> str:
        if code < 0:
            name = signal.Signals(-code).name
            return f"killed by {name}" + (" (is there enough memory?)" if name == "SIGKILL" else "")
        words = self._words(rank)
        if "Traceback" in words:
            for line in words.splitlines():
                log.warning("process %d said: %s", rank, line)
        return (words.splitlines() or [f"exit status {code}"])[-1]

    def _words(self, rank: int) -> str:
        self._said[rank].seek(0)
        return self._said[rank].read().decode(errors="replace").strip()

    def _watch(self) -> None:
        """Free the first process from a message between GPUs that nobody answers; Gloo notices by itself."""
        while not self._left.wait(1):
            if any(other.poll() for other in self._others.values()):
                if self.kind == "cuda" and not self._left.wait(_PATIENCE):
                    with suppress(Exception):
                        distributed.distributed_c10d._abort_process_group()
                return

    def _end(self) -> None:
        for other in self._others.values():
            if other.poll() is None:
                other.kill()
            other.wait()
            if other.stdin:
                with suppress(OSError):
                    other.stdin.close()
        for said in self._said.values():
            said.close()
