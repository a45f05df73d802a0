"""What a machine can do for gantools: found out in a few seconds, and said in words."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch.nn.functional import conv2d

from gantools.cache import cache_folder
from gantools.device import pick_device
from gantools.plugins import manager
from gantools.weights.header import environment
from gantools.weights.places import named_weights

_PACKAGES = ("lightning-fabric", "transformers", "safetensors", "onnxruntime")
_PICTURES, _CHANNELS, _SIDE = 4, 64, 64
_SECONDS, _GIGABYTE, _TIGHT, _CLEARLY = 0.4, 1e9, 2.0, 1.2


def diagnose() -> dict[str, Any]:
    """Return versions, devices, precision, threads, disk, plugins, weights, problems and advice.

    ``threads`` and ``precision`` hold the rates of a convolution, forward and backward, in GFLOP/s: the first on the
    CPU, the second on the device that training uses.
    """
    before = torch.get_num_threads()
    threads = {str(count): round(convolution_rate(count), 1) for count in _thread_counts()}
    best = max(threads, key=lambda count: threads[count])
    precision = _precisions(int(best), pick_device("auto"))
    torch.set_num_threads(before)
    disk = {str(place): round(free_space(place), 1) for place in (Path.cwd(), cache_folder())}
    plugins = {record.name: record.error for record in manager().records.values()}
    found: dict[str, Any] = {
        "versions": environment() | {name: _version(name) for name in _PACKAGES},
        "devices": devices(),
        "threads": threads,
        "precision": precision,
        "free_gigabytes": disk,
        "plugins": plugins,
        "weights": [path.stem for path in named_weights()],
    }
    return found | {"problems": _problems(found), "advice": _advice(found)}


def devices() -> list[str]:
    """Return the devices that networks can run on, the CPU last."""
    gpus = map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    found = [f"cuda:{i} ({gpu.name}, {gpu.total_memory / _GIGABYTE:.0f} GB)" for i, gpu in enumerate(gpus)]
    found += ["mps"] if torch.backends.mps.is_available() else []
    return [*found, f"cpu ({_cores()} core{'s' * (_cores() > 1)})"]


def convolution_rate(threads: int, dtype: torch.dtype = torch.float32, device: str = "cpu") -> float:
    """Return the rate of a 3 x 3 convolution of 64 channels, forward and backward, in GFLOP/s."""
    torch.set_num_threads(threads)
    pictures = _PICTURES if device == "cpu" else 16 * _PICTURES  # enough to keep a GPU busy
    x = torch.randn(pictures, _CHANNELS, _SIDE, _SIDE, dtype=dtype, device=device, requires_grad=True)
    weight = torch.randn(_CHANNELS, _CHANNELS, 3, 3, dtype=dtype, device=device, requires_grad=True)
    flops = 3 * 2 * x.numel() * _CHANNELS * 9
    passes, began, spent = 0, perf_counter(), 0.0
    while spent < _SECONDS or passes < 2:
        torch.autograd.backward(conv2d(x, weight, padding=1).sum())
        _wait_for(device)
        passes += 1
        if passes == 1:  # the first one builds what the others use
            began = perf_counter()
        spent = perf_counter() - began
    return (passes - 1) * flops / spent / 1e9


def _precisions(threads: int, device: str) -> dict[str, float]:
    """Return the rate of each precision that a device computes in."""
    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    kinds |= {"float16": torch.float16} if device == "cuda" else {}
    rates = {}
    for name, dtype in kinds.items():
        with suppress(RuntimeError, TypeError):  # how devices say that they do not
            rates[name] = round(convolution_rate(threads, dtype, device), 1)
    return rates


def _wait_for(device: str) -> None:
    """Wait until a GPU has done what it was asked for."""
    if device == "cuda":
        torch.cuda.synchronize()
    elif device == "mps":
        torch.mps.synchronize()


def free_space(place: Path) -> float:
    """Return the free gigabytes where a folder is, or would be made."""
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    return shutil.disk_usage(existing).free / _GIGABYTE


def _thread_counts() -> list[int]:
    cores = _cores()
    return sorted({count for count in (1, 2, 4, 8, 16, cores // 2, cores) if 1 <= count <= cores})


def _cores() -> int:
    """Return the cores that this process may use, which in a container can be fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _problems(found: dict[str, Any]) -> list[str]:
    problems = [f"plugin {name}: {error}" for name, error in found["plugins"].items() if error]
    problems += [f"{place} has {free} GB left" for place, free in found["free_gigabytes"].items() if free < _TIGHT]
    return problems if found["weights"] else [*problems, "the default weights are missing; install gantools again"]


def _advice(found: dict[str, Any]) -> list[str]:
    best = max(found["threads"], key=found["threads"].__getitem__)
    gain = found["precision"].get("bfloat16", 0) / found["precision"]["float32"]
    advice = []
    if len(found["devices"]) == 1:
        advice.append(f"no GPU: train small pictures, --size 64, with --threads {best}, the fastest here")
        if best != max(found["threads"], key=int):
            advice.append(f"more threads than {best} are slower here, and the default is all cores")
        if gain > _CLEARLY:
            advice.append(f"bfloat16 is {gain:.1f} times as fast here: try --precision bf16, and watch images/s")
    else:
        advice.append(f"networks run on {found['devices'][0]} without a flag")
        if gain < 1:
            advice.append("bfloat16 is no faster there: give --precision 32")
    if found["versions"]["onnxruntime"] == "not installed":
        advice.append("onnxruntime translates faster than torch on a CPU: pip install 'gantools[onnx]'")
    return advice
