"""How many pictures a second are decoded for training, from a folder and from shards of it.

    OMP_NUM_THREADS=1 python benchmarks/decoding.py A B [--sides 64 256] [--pictures 2000]

A and B hold pictures of any size; the shards are four plain tars of each, made in a temporary folder. Without a worker
the time is the processor's; with one it is that of the clock, from the first batch on, while this process does nothing
else. All have been read before, and are in the system's memory.
"""

from __future__ import annotations

import argparse
import os
import tarfile
import tempfile
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

import torch

from gantools.data.folders import list_images
from gantools.data.loader import batches
from gantools.data.settings import UnpairedSettings
from gantools.data.unpaired import UnpairedImages

BATCH = 8


def main() -> None:
    """Print a row for each size and place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs=2)
    parser.add_argument("--sides", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--pictures", type=int, default=2000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as top:
        os.environ["GANTOOLS_CACHE"] = top
        for side, folder in zip("ab", given.folders, strict=True):
            for number in range(4):
                with tarfile.open(f"{top}/{side}{number}.tar", "w") as tar:
                    for name in list_images(folder).names[number::4]:
                        tar.add(folder / name, name)
        places = {"folders": given.folders, "tars": [Path(top, "a{0..3}.tar"), Path(top, "b{0..3}.tar")]}
        print("| side | from | a processor second, no worker | a second, one worker |\n|" + "---|" * 4)
        for side in given.sides:
            for name, (a, b) in places.items():
                data = UnpairedImages(UnpairedSettings(a=a, b=b, size=side, cache_mb=0), lambda *_: None)
                rates = [rate(data, workers, given.pictures) for workers in (0, 0, 1)]  # the first one fills caches
                print(f"| {side} | {name} | {rates[1]:.0f} | {rates[2]:.0f} |", flush=True)


def rate(data: UnpairedImages, workers: int, pictures: int) -> float:
    """Return how many pictures are decoded in a second: the processor's, or with workers the clock's."""
    stream = batches(data, 0, BATCH, 1, workers, False)
    next(stream)
    clock = perf_counter if workers else process_time
    started = clock()
    for _ in islice(stream, pictures // (2 * BATCH)):
        pass
    return pictures // (2 * BATCH) * 2 * BATCH / (clock() - started)


if __name__ == "__main__":
    main()
