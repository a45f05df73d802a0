"""Time and peak memory of a CycleGAN training step, and its share of this machine's best convolution rate.

Each size runs in a process of its own, so that the peak is its own:

    python benchmarks/train_step.py --sizes 64 128 --threads 2
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
from itertools import repeat
from time import perf_counter
from typing import Any

BATCH, STEPS, WARM_UP = 4, 9, 2


def main() -> None:
    """Measure every size and print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--objective", default="lsgan")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.one, options.threads, options.objective)))
        return
    print(f"CycleGAN step, batch {BATCH}, ResNet 6 blocks width 32, PatchGAN width 32, {options.objective},")
    print(f"float32, {options.threads} threads; median of {STEPS} steps\n")
    print("| size | s / step | peak MB | GFLOP / step | GFLOP/s | best convolution GFLOP/s | share |")
    print("|---|---|---|---|---|---|---|")
    for size in options.sizes:
        again = [sys.executable, __file__, "--one", str(size), "--threads", str(options.threads)]
        output = subprocess.run([*again, "--objective", options.objective], check=True, capture_output=True, text=True)
        row = json.loads(output.stdout.splitlines()[-1])
        rate = row["gflop"] / row["seconds"]
        print(
            f"| {size} | {row['seconds']:.3f} | {row['peak_mb']:.0f} | {row['gflop']:.1f} | {rate:.0f} "
            f"| {row['best_rate']:.0f} | {rate / row['best_rate']:.2f} |"
        )


def measure(size: int, threads: int, objective: str) -> dict[str, float]:
    """Return seconds, floating-point operations and peak memory of a step at ``size``."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    torch.set_num_threads(threads)
    updates = build(size, threads, objective)
    pictures = torch.randint(256, (BATCH, 3, size, size), dtype=torch.uint8)
    batches = repeat({"a": pictures, "b": pictures.flip(0)})
    times = []
    best = best_convolution_rate()
    for step in range(STEPS + WARM_UP):
        began = perf_counter()
        updates.step(step, batches, 1.0)
        times.append(perf_counter() - began)
    best = max(best, best_convolution_rate())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with FlopCounterMode(display=False) as counter:
        updates.step(0, batches, 1.0)
    return {
        "seconds": statistics.median(times[WARM_UP:]),
        "gflop": counter.get_total_flops() / 1e9,
        "peak_mb": peak,
        "best_rate": best,
    }


def build(size: int, threads: int, objective: str) -> Any:
    """Return a CycleGAN's updates, as `gantools train` makes them."""
    from gantools.objectives.grammar import build_objective
    from gantools.training.backend import Backend
    from gantools.training.run import load_task, resolve
    from gantools.training.updates import Updates

    given = {"size": size, "batch_size": BATCH, "device": "cpu", "objective": objective, "threads": threads}
    info, config = resolve("cyclegan", {**given, "a": "a", "b": "b"})
    backend = Backend(config.device, config.precision, config.threads)
    return Updates(load_task(info, config), build_objective(config), config, backend)


def best_convolution_rate() -> float:
    """Return the best GFLOP/s of a 3 x 3 convolution, forward and backward, over the shapes a step is made of."""
    import torch

    best = 0.0
    for channels, side in ((32, 64), (64, 32), (128, 16), (128, 32), (256, 16)):
        convolution = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        x = torch.randn(2 * BATCH, channels, side, side, requires_grad=True)
        gradient = torch.randn_like(x)
        flop = 3 * 2 * 9 * channels**2 * side**2 * len(x)
        times = []
        for _ in range(8):
            began = perf_counter()
            convolution(x).backward(gradient)
            times.append(perf_counter() - began)
        best = max(best, flop / min(times) / 1e9)
    return best


if __name__ == "__main__":
    main()
