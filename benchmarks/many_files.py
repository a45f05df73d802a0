"""How a run starts on a folder of a million pictures, beside the same run on a hundred.

    OMP_NUM_THREADS=1 python benchmarks/many_files.py PICTURES [--files N] [--shards N] [--tasks NAME …]

The folder holds A/ and B/ with half of the files each, 1,000 to a sub-folder: hard links to a few hundred of the
PICTURES, made in a temporary folder and removed at the end. With --shards the same files are packed into that many
plain tars for each side. Of each run, a tiny network at 32 pixels, the seconds and the processor's seconds until the
first step is in the log, and the largest memory until then, workers aside.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from itertools import islice
from pathlib import Path
from time import perf_counter, sleep

TINY = ["--size", "32", "--width", "8", "--steps", "1", "--batch-size", "1", "--device", "cpu", "--threads", "1"]
QUIET = ["--workers", "0", "--quiet"]
OF_TASK = {"cyclegan": ["--blocks", "1"]}
FEW = 100


def main() -> None:
    """Print a row for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--shards", type=int, default=0)
    parser.add_argument("--tasks", nargs="+", default=["cyclegan", "pix2pix"])
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder or given.pictures.parent) as name:
        top = Path(name)
        os.environ["GANTOOLS_CACHE"] = str(top / "cache")
        sources = list(islice(sorted(given.pictures.rglob("*.png")), 400))
        for count in (FEW, given.files):
            link(top / str(count), sources, count)
            if given.shards:
                pack(top / str(count), min(given.shards, count))
        print("| task | data | seconds to the first step | processor seconds | MB |\n|" + "---|" * 5)
        for task in given.tasks:
            for count in (FEW, given.files):
                report(task, f"{count:,} files", ["--data", str(top / str(count))], top)
            if given.shards:
                for count in (FEW, given.files):
                    shards = min(given.shards, count)
                    data = [f"--{side}={top / str(count)}-{side}/{{000..{shards - 1:03}}}.tar" for side in "ab"]
                    for state in ("", ", indices kept"):
                        report(task, f"{count:,} in {shards} shards a side{state}", data, top)


def link(top: Path, sources: list[Path], count: int) -> None:
    """Make A/ and B/ of ``count`` files together."""
    for side in "AB":
        for i in range(count // 2):
            folder = top / side / f"{i // 1000:04}"
            if i % 1000 == 0:
                folder.mkdir(parents=True)
            os.link(sources[(7 * i + (side == "B")) % len(sources)], folder / f"{i:07}.png")


def pack(top: Path, shards: int) -> None:
    """Put the files of A/ and B/ into plain tars, as webdataset would read them."""
    for side in "AB":
        folder = top.with_name(f"{top.name}-{side.lower()}")
        folder.mkdir()
        files = sorted((top / side).rglob("*.png"))
        each = -(-len(files) // shards)
        for number in range(shards):
            with tarfile.open(folder / f"{number:03}.tar", "w", dereference=True) as tar:
                for path in files[number * each : (number + 1) * each]:
                    tar.add(path, path.relative_to(top / side).as_posix())


def report(task: str, what: str, data: list[str], top: Path) -> None:
    """Train one step in a process of its own, and print the row of it."""
    out = Path(tempfile.mkdtemp(dir=top)) / "run"
    command = [
        sys.executable,
        "-m",
        "gantools",
        "train",
        task,
        *data,
        *TINY,
        *QUIET,
        *OF_TASK.get(task, []),
        f"--out={out}",
    ]
    started = perf_counter()
    process = subprocess.Popen(command)
    while process.poll() is None and not (out / "log.jsonl").exists():
        sleep(0.01)
    seconds = perf_counter() - started
    status = Path(f"/proc/{process.pid}/status").read_text().split()
    ticks = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    used = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
    peak = int(status[status.index("VmHWM:") + 1]) // 1024
    print(f"| {task} | {what} | {seconds:.1f} | {used:.1f} | {peak} |", flush=True)
    process.wait()


if __name__ == "__main__":
    main()
