"""Which device and which precision a request means here."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Literal

import torch

from gantools.errors import GanToolsError

log = logging.getLogger("gantools")
Precision = Literal["32", "bf16", "16"]
_CONTAINERS = [  # version 2 of Linux's control groups, and version 1
    (Path("/sys/fs/cgroup"), "memory.max", "memory.current"),
    (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes"),
]


def pick_device(request: str) -> str:
    """Return a device that exists for "auto", "cpu", "cuda", "cuda:N" or "mps"; GanToolsError if there is none."""
    cuda = torch.cuda.device_count()
    mps = torch.backends.mps.is_available()
    kind, _, index = request.partition(":")
    if request == "auto":
        return "cuda" if cuda else "mps" if mps else "cpu"
    if kind not in {"cpu", "cuda", "mps"} or (index and (kind != "cuda" or not index.isdigit())):
        raise GanToolsError(f"unknown device `{request}`", "give auto, cpu, cuda, cuda:N or mps")
    if kind == "cuda" and not cuda:
        raise GanToolsError(
            "no CUDA device is available here", "leave --device out to use what is there, or give --device cpu"
        )
    if kind == "cuda" and index and int(index) >= cuda:
        raise GanToolsError(
            f"there is no {request}; this machine has {cuda} CUDA device(s)", f"give --device cuda:0 … cuda:{cuda - 1}"
        )
    if kind == "mps" and not mps:
        raise GanToolsError(
            "no MPS device is available here", "leave --device out to use what is there, or give --device cpu"
        )
    return request


def pick_precision(request: str, device: torch.device) -> Precision:
    """Return the precision for "auto", "32", "bf16" or "16" on a device.

    "auto" is bf16 on a CUDA device that computes in it, else 32: on a CPU without bf16 instructions bf16 is a hundred
    times slower than float32.
    """
    if request == "auto":
        return "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    if request == "16" and device.type != "cuda":
        raise GanToolsError(
            f"--precision 16 needs a CUDA device, and this is {device.type}", "give --precision 32 or auto"
        )
    if request == "bf16" and device.type == "cpu" and not _computes_in_bf16():
        log.warning("bf16 is slow on CPUs that have no instructions for it; `gantools doctor` measures this one")
    if request == "bf16":
        return "bf16"
    return "16" if request == "16" else "32"


def _computes_in_bf16() -> bool:
    """Whether torch knows of instructions for bf16 on this CPU; older versions of torch know of none."""
    known: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(known[name] for name in known if name.endswith("bf16"))


def free_memory(device: torch.device) -> int:
    """Return how many bytes are free on a device; where the system does not say, a guess of 4 GiB."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            free = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        free = 4 << 30
    return min([free, *_left_to_container()])


def _left_to_container() -> list[int]:
    """Return what a container's limit leaves, if there is one; files that the system can forget are not in use."""
    left = []
    for folder, limit, used in _CONTAINERS:
        try:
            kept = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
            taken = int((folder / used).read_text()) - int(kept.get("inactive_file", 0))
            left.append(max(0, int((folder / limit).read_text()) - taken))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    return left


def is_out_of_memory(error: Exception) -> bool:
    """Say whether an error means that a device has no more memory to give."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
