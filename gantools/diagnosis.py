"""What a machine can do for gantools: found out in a few seconds, and said in words."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch.nn.functional import conv2d

from gantools.cache import cache_folder
from gantools.plugins import manager
from gantools.weights.find import named_weights
from gantools.weights.header import environment

_PACKAGES = ("lightning-fabric", "transformers", "safetensors", "onnxruntime")
_SHAPE, _SECONDS, _GIGABYTE, _TIGHT = (4, 64, 64, 64), 0.4, 1e9, 2.0


def diagnose() -> dict[str, Any]:
    """Return versions, devices, precision, threads, disk, plugins, weights, problems and advice.

    ``threads`` and ``precision`` hold the rates of a convolution, forward and backward, in GFLOP/s.
    """
    before = torch.get_num_threads()
    threads = {str(count): round(convolution_rate(count), 1) for count in _thread_counts()}
    best = max(threads, key=lambda count: threads[count])
    precision = {"float32": threads[best], "bfloat16": round(convolution_rate(int(best), torch.bfloat16), 1)}
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
    found = [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    found += ["mps"] if torch.backends.mps.is_available() else []
    return [*found, f"cpu ({os.cpu_count()} cores)"]


def convolution_rate(threads: int, dtype: torch.dtype = torch.float32) -> float:
    """Return the rate of a 3 x 3 convolution of 64 channels on the CPU, forward and backward, in GFLOP/s."""
    torch.set_num_threads(threads)
    x = torch.randn(_SHAPE, dtype=dtype, requires_grad=True)
    weight = torch.randn(_SHAPE[1], _SHAPE[1], 3, 3, dtype=dtype, requires_grad=True)
    flops = 3 * 2 * x.numel() * _SHAPE[1] * 9
    passes, began, spent = 0, perf_counter(), 0.0
    while spent < _SECONDS or passes < 2:
        torch.autograd.backward(conv2d(x, weight, padding=1).sum())
        passes += 1
        if passes == 1:  # the first one builds what the others use
            began = perf_counter()
        spent = perf_counter() - began
    return (passes - 1) * flops / spent / 1e9


def free_space(place: Path) -> float:
    """Return the free gigabytes where a folder is, or would be made."""
    existing = next(folder for folder in (place, *place.parents) if folder.exists())
    return shutil.disk_usage(existing).free / _GIGABYTE


def _thread_counts() -> list[int]:
    cores = os.cpu_count() or 1
    return sorted({count for count in (1, 2, 4, 8, 16, cores // 2, cores) if 1 <= count <= cores})


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
    threads, precision = found["threads"], found["precision"]
    best = max(threads, key=lambda count: threads[count])
    advice = []
    if len(found["devices"]) == 1:
        advice.append(f"no GPU: train small pictures, --size 64, with --threads {best}, the fastest here")
    else:
        advice.append(f"networks run on {found['devices'][0]} without a flag")
    if best != max(threads, key=int):
        advice.append(f"more than {best} threads are slower here; the default is all cores, so give --threads {best}")
    gain = precision["bfloat16"] / precision["float32"]
    if gain > 1.2:
        advice.append(
            f"convolutions are {gain:.1f} times as fast in bfloat16 here: try --precision bf16, watch images/s"
        )
    if found["versions"]["onnxruntime"] == "not installed":
        advice.append("onnxruntime translates faster than torch on a CPU: pip install 'gantools[onnx]'")
    return advice
