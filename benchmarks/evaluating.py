"""Time and memory of `gantools evaluate` on many pictures, with every metric, and again with features in the cache.

    python benchmarks/evaluating.py WEIGHTS --a DIR --b DIR [--pictures 1000] [--threads 1]

Links the first pictures of both folders into new ones, so that there are as many as asked for.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter


def main() -> None:
    """Evaluate twice, each in a process of its own, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("--a", type=Path, required=True)
    parser.add_argument("--b", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print("| features of the real pictures | seconds | processor seconds | peak MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for side in ("a", "b"):
            link(getattr(options, side), Path(folder, side), options.pictures)
        for what in ("computed", "from the cache"):
            seconds, processor, peak = run(options.weights, Path(folder), options.threads)
            print(f"| {what} | {seconds:.1f} | {processor:.1f} | {peak:.0f} |")


def link(source: Path, target: Path, count: int) -> None:
    """Link the first pictures of a folder into another."""
    target.mkdir()
    paths = sorted(path for path in source.iterdir() if path.suffix == ".png")[:count]
    if len(paths) < count:
        raise SystemExit(f"{source} holds {len(paths)} pictures, not {count}")
    for path in paths:
        (target / path.name).symlink_to(path.absolute())


def run(weights: str, folder: Path, threads: int) -> tuple[float, float, float]:
    """Return seconds, processor seconds and the peak of the memory, in MB, of one evaluation."""
    command = ["gantools", "evaluate", weights, "--a", folder / "a", "--b", folder / "b", "-o", folder / "out", "-q"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "GANTOOLS_CACHE": str(folder / "cache")}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run(list(map(str, command)), check=True, env=environment, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return perf_counter() - began, processor, after.ru_maxrss / 1024


if __name__ == "__main__":
    main()
