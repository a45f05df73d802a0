"""Shipped generators by onnxruntime beside torch: the same pictures, the same threads, medians.

    python benchmarks/engines.py [--threads N] [--repeats N]

Passes alternate, so that what else the machine does falls on both. The ratio is torch's time over onnxruntime's.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

import torch

import gantools
from gantools.inference.engine import OnnxNetwork
from gantools.inference.onnx import export_onnx
from gantools.weights.onnx import open_session

WEIGHTS = ("emoji-colour", "emoji-noto2fluent", "emoji-styles", "emoji-words")
CASES = ((1, 64), (8, 64), (1, 256), (4, 256))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"torch {torch.__version__}, {options.threads} thread(s), median of {options.repeats}")
    print("| weights | pictures | side | torch, ms | onnxruntime, ms | ratio | largest difference |\n|" + "---|" * 7)
    for name in WEIGHTS:
        measure(name, options.threads, options.repeats)


@torch.no_grad()
def measure(name: str, threads: int, repeats: int) -> None:
    """Print the rows of one file."""
    model = gantools.load(name, "cpu")
    graph = next(iter(model.task.graphs(model.networks).values()))
    network = model.networks[graph.network].eval()
    with tempfile.TemporaryDirectory() as folder:
        several = len(model.task.graphs(model.networks)) > 1
        file = export_onnx(model, Path(folder) / ("files" if several else "file.onnx"))[0]
        exported = OnnxNetwork(open_session(file, threads), list(graph.inputs), graph.settings)
    pictures = "image" in graph.inputs
    for count, side in CASES if pictures else [(1, 64), (8, 64)]:
        times = side // graph.smallest if pictures else 1
        inputs = list(graph.examples(count, times, times).values())
        spent: dict[str, list[float]] = {"torch": [], "onnx": []}
        for _ in range(repeats + 2):
            for engine, run in (("torch", network), ("onnx", exported)):
                began = perf_counter()
                result = run(*inputs)
                spent[engine].append(1000 * (perf_counter() - began))
        ours, theirs = (median(spent[engine][2:]) for engine in ("torch", "onnx"))
        difference = float((network(*inputs) - result).abs().max())
        print(f"| `{name}` | {count} | {side} | {ours:.1f} | {theirs:.1f} | {ours / theirs:.2f} | {difference:.0e} |")


if __name__ == "__main__":
    main()
