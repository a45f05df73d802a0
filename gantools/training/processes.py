"""The processes that train a run together: which of them this one is, and what they tell each other.

Importing this needs no torch.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from gantools.errors import GanToolsError

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")
_GIVEN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")
_SLURMS = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_NODELIST", "SLURM_STEP_TASKS_PER_NODE")
_FIRST_HOST = re.compile(r"(?P<name>[^\[,]+)(\[(?P<number>\d+)[^\]]*\])?(?P<rest>[^,\[]*)")


class LostProcessError(GanToolsError):
    """Another process of the run does not answer any more."""


@dataclass(frozen=True)
class Place:
    """Process ``rank`` of ``count``; on its machine it is number ``local_rank`` of ``local_count``.

    ``launched`` says that torchrun or SLURM started it, which then pass signals on to every process.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1
    launched: bool = False


def launched_place() -> Place | None:
    """Return the place that a launcher gave this process; None if there are not several."""
    given = launcher_variables()
    if not all(name in given for name in _GIVEN) or int(given["WORLD_SIZE"]) == 1:
        return None
    rank, count, local = (int(given[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    return Place(rank, count, local, int(given.get("LOCAL_WORLD_SIZE", local + 1)), launched=True)


def launcher_variables() -> Mapping[str, str]:
    """Return torchrun's variables, or what `srun` says in its own, put into these."""
    given = os.environ
    if "RANK" in given or not all(name in given for name in _SLURMS):  # without `srun` a job has no step
        return given
    rank, count, local, hosts, tasks = (given[name] for name in _SLURMS)
    here = re.split(r"\D", tasks, maxsplit=1)[0]  # of 4(x2),3 the first: machines are alike, or nearly
    own = {"RANK": rank, "WORLD_SIZE": count, "LOCAL_RANK": local, "LOCAL_WORLD_SIZE": here}
    port = 20_000 + int(given.get("SLURM_JOB_ID", 0)) % 10_000  # the same on every machine, another for another job
    return {"MASTER_ADDR": _first_host(hosts), "MASTER_PORT": str(port)} | dict(given) | own


def _first_host(hosts: str) -> str:
    """Return the first of SLURM's hosts: n03 of ``n[03-07,9],m1``."""
    found = _FIRST_HOST.match(hosts)
    return found["name"] + (found["number"] or "") + found["rest"] if found else hosts


def leads() -> bool:
    """Say whether this process is the one that talks and writes: all but the further ones of a launcher are."""
    place = launched_place()
    return place is None or place.rank == 0


class Processes:
    """All processes of a run, as the one at ``place`` sees them. Alone, every method returns at once.

    A method that exchanges something has to be called by all of them, in the same order.
    """

    def __init__(self, place: Place | None = None) -> None:
        self.place = place or Place()
        self.rank, self.count = self.place.rank, self.place.count

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes files, talks and calls observers."""
        return self.rank == 0

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.count > 1

    @property
    def heeds_signals(self) -> bool:
        """Whether Ctrl-C and SIGTERM are for this process; those that gantools started hear of them from the first."""
        return self.leads or self.place.launched

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Set each tensor to its mean over the processes, all of them in one message."""
        self.add(tensors, divisor=self.count)

    def add(self, tensors: Sequence[Tensor], divisor: int = 1) -> None:
        """Set each tensor to its sum over the processes, all of them in one message."""
        if not self.several or not tensors:
            return
        import torch
        from torch import distributed

        flat = torch.cat([tensor.detach().reshape(-1) for tensor in tensors])
        with _noticing():
            distributed.all_reduce(flat)
        flat /= divisor
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        with torch.no_grad():
            for tensor, part in zip(tensors, parts, strict=True):
                tensor.copy_(part.view(tensor.shape))

    def agree(self, *numbers: float) -> list[float]:
        """Return the largest value of each number among the processes."""
        if not self.several:
            return list(numbers)
        import torch
        from torch import distributed

        largest = torch.tensor(numbers, dtype=torch.float64)
        with _noticing():
            distributed.all_reduce(largest, distributed.ReduceOp.MAX)
        return cast("list[float]", largest.tolist())

    def wait(self) -> None:
        """Wait for all others to come here."""
        self.agree(0)

    def share(self, thing: T) -> T:
        """Return what the first process has."""
        if not self.several:
            return thing
        from torch import distributed

        things = [thing if self.leads else None]
        with _noticing():
            distributed.broadcast_object_list(things)
        return cast("T", thing if self.leads else things[0])

    def gather(self, thing: T) -> list[T]:
        """Return what each process has, in order, to the first; to the others their own alone."""
        if not self.several:
            return [thing]
        from torch import distributed

        things: list[T] | None = [thing] * self.count if self.leads else None
        with _noticing():
            distributed.gather_object(thing, things)
        return things or [thing]


@contextmanager
def _noticing() -> Iterator[None]:
    """Raise LostProcessError where an exchange fails."""
    try:
        yield
    except RuntimeError as error:
        words = str(error).partition("] ")[2] or str(error)  # without the place in Gloo's code
        raise LostProcessError(
            f"another process of this run does not answer any more: {words.splitlines()[0].partition('. ')[0]}",
            "its own last lines say why",
        ) from error
