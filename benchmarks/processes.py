"""How far the weights of several processes are from those of one, in units of the learning rate.

Each task trains tiny networks from the same seed on the same batches, once with one process and once with several:

    OMP_NUM_THREADS=1 python benchmarks/processes.py --devices 2 --steps 4

Or how many pictures a second go through 2 processes of a thread each, beside 1 process of 2 threads and of 1:

    python benchmarks/processes.py --throughput --steps 40
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from PIL import Image

import gantools
from gantools.training.checkpoint import newest_checkpoint

LR = 2e-4
EXAMPLES = Path(__file__).parent.parent / "examples"
EMOJI = {"a": EXAMPLES / "noto", "b": EXAMPLES / "fluent3d", "size": 32, "width": 4, "blocks": 1, "d_layers": 2}
PAIRS = {"a": EXAMPLES / "outline", "b": EXAMPLES / "openmoji", "size": 32, "width": 4, "d_layers": 2}
STARS = {"data": EXAMPLES, "select": "noto,twemoji", "size": 32, "width": 4, "blocks": 1}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "cyclegan, pool of 8": ("cyclegan", {**EMOJI, "pool_size": 8}),
    "cyclegan, accumulate 2": ("cyclegan", {**EMOJI, "pool_size": 8, "accumulate": 2}),
    "cyclegan, hinge, spectral norm": ("cyclegan", {**EMOJI, "objective": "hinge", "spectral_norm": True}),
    "pix2pix, instance norm, no dropout": ("pix2pix", {**PAIRS, "norm": "instance", "dropout": 0}),
    "pix2pix, batch norm, dropout": ("pix2pix", {**PAIRS, "norm": "batch"}),
    "stargan, wgan-gp, n_critic 2": ("stargan", {**STARS, "objective": "wgan-gp", "n_critic": 2}),
    "text2image, df-gan": ("text2image", {"size": 32, "load_size": 32, "width": 4, "noise": 4}),
}

FASTER: dict[str, dict[str, Any]] = {
    "cyclegan": {**EMOJI, "size": 64, "width": 16, "blocks": 2},
    "pix2pix": {**PAIRS, "size": 64, "width": 16},
}


def main() -> None:
    """Train every case twice and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--optimizer", nargs="+", default=["adam", "sgd"])
    parser.add_argument("--cases", nargs="+", default=list(CASES))
    parser.add_argument("--throughput", action="store_true")
    options = parser.parse_args()
    os.chdir(tempfile.mkdtemp())
    if options.throughput:
        print_throughput(options.devices, options.steps)
        return
    write_captioned(Path("captioned"))
    print(f"{options.devices} processes against 1, batch {4 * options.devices}, {options.steps} steps, float32, CPU\n")
    print("Largest difference of a weight from that of one process, in learning rates and as a share of the largest")
    print("change of a weight; that of one process which accumulates; and between the last and the several.\n")
    print("| case | optimizer | / lr | share | one, accumulating / lr | to that one / lr | s, 1 | s, all |")
    print("|---|---|---|---|---|---|---|---|")
    for name in options.cases:
        for optimizer in options.optimizer:
            print(f"| {name} | {optimizer} | {compare(name, optimizer, options.devices, options.steps)} |", flush=True)


def print_throughput(devices: int, steps: int) -> None:
    """Print pictures a second, the median of the steps but the first five, in three ways to use as many cores."""
    print("| task | processes | threads each | pictures/s |\n|---|---|---|---|")
    for task, settings in FASTER.items():
        for count, threads in ((1, 1), (1, devices), (devices, 1)):
            many = {"batch_size": 4 * devices, "steps": steps, "log_every": 1, "sample_every": steps, "quiet": True}
            place = {"device": "cpu", "devices": count, "threads": threads, "out": Path(f"{task}-{count}-{threads}")}
            rates = [row["images_per_second"] for row in gantools.train(task, **settings, **many, **place).log()[5:]]
            print(f"| {task} | {count} | {threads} | {median(rates):.2f} |", flush=True)


def compare(name: str, optimizer: str, devices: int, steps: int) -> str:
    """Return the columns of one case."""
    task, settings = CASES[name]
    settings = {
        **settings, "optimizer": optimizer, "steps": steps, "batch_size": 4 * devices, "device": "cpu", "quiet": True,
        "sample_every": 1000, "decay_from": 1.0, "lr_g": LR, "lr_d": LR,
    }  # fmt: skip
    if task == "text2image":
        settings["data"] = Path("captioned")
    folder = Path(name.replace(" ", "-") + optimizer)
    first, _ = train(task, settings | {"steps": 1}, folder / "first")
    one, seconds_one = train(task, settings, folder / "one")
    several, seconds = train(task, settings | {"devices": devices}, folder / "several")
    parts = settings.get("accumulate", 1) * devices
    split, _ = train(task, settings | {"accumulate": parts}, folder / "split")
    apart = largest(one, several)
    figures = (apart / LR, apart / largest(first, one), largest(one, split) / LR, largest(split, several) / LR)
    return " | ".join([*(f"{figure:.1e}" for figure in figures), f"{seconds_one:.1f}", f"{seconds:.1f}"])


def train(task: str, settings: dict[str, Any], folder: Path) -> tuple[dict[str, torch.Tensor], float]:
    """Train and return all weights, and how long it took."""
    began = perf_counter()
    gantools.train(task, **settings, out=folder)
    updates = newest_checkpoint(folder / "checkpoints")["updates"]
    return updates["nets"], perf_counter() - began


def largest(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    """Return the largest difference of two states' learned numbers."""
    return max(
        float((first[name] - second[name]).abs().max())
        for name in first
        if name.endswith((".weight", ".bias", "original"))
    )


def write_captioned(folder: Path) -> None:
    """Write pictures of one colour each, and its name."""
    folder.mkdir()
    for i in range(16):
        name, rgb = (("a red bird", (220, 30, 30)), ("a blue fish", (30, 30, 220)))[i % 2]
        Image.new("RGB", (32, 32), rgb).save(folder / f"{i}.png")
        (folder / f"{i}.txt").write_text(name)


if __name__ == "__main__":
    main()
