"""`gantools translate` of many pictures beside a plain loop, and the first picture from a cold start.

    python benchmarks/translating.py DIR [--weights NAME …] [--pictures 200] [--side 256] [--threads N] [--repeats 3]
    python benchmarks/translating.py DIR --start [--repeats 5]

The plain loop opens a picture, runs the generator, made of torch's own layers, saves a PNG, and takes the next: the
same networks, the same threads, in one process with ours; runs alternate, and the ratio is the median of the loop's
seconds over ours. The second compares whole processes: `gantools --help`; `gantools translate` of one picture with a
script that imports torch, builds the same generator from the same file, runs it once and saves.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from copy import deepcopy
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from time import perf_counter

PLAIN = """
import sys
import numpy as np, torch
from PIL import Image
from safetensors.torch import load_file
from gantools.networks.unet import UNetGenerator
network = UNetGenerator(width=24, size=64, dropout=0.2).eval()
network.load_state_dict({name.removeprefix("g."): value.float() for name, value in load_file(sys.argv[1]).items()})
pixels = torch.from_numpy(np.array(Image.open(sys.argv[2]).convert("RGB").resize((64, 64)))).permute(2, 0, 1)
with torch.no_grad():
    made = network(pixels[None] / 127.5 - 1)[0]
Image.fromarray(made.add(1).mul(127.5).round().byte().permute(1, 2, 0).numpy()).save(sys.argv[3])
"""
OPTIONS = {"emoji-styles": {"to": ["noto"]}}


def main() -> None:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", nargs="+", default=["emoji-colour", "emoji-noto2fluent", "emoji-styles"])
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--start", action="store_true")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(given.threads)
    pictures = sorted(path for path in given.folder.iterdir() if path.suffix == ".png")
    with tempfile.TemporaryDirectory() as folder:
        if given.start:
            start(pictures[0], Path(folder), given.repeats)
            return
        print("| weights | pictures | side | plain loop, s | gantools, s | ratio |\n|" + "---|" * 6)
        for number, path in enumerate(islice(cycle(pictures), given.pictures)):
            enlarged(path, Path(folder, "in", f"{number:04}.png"), given.side)
        for name in given.weights:
            many(name, Path(folder), given)


def enlarged(path: Path, target: Path, side: int) -> None:
    """Save a picture at another size."""
    from PIL import Image

    target.parent.mkdir(exist_ok=True)
    Image.open(path).convert("RGB").resize((side, side), Image.Resampling.BICUBIC).save(target)


def many(name: str, folder: Path, given: argparse.Namespace) -> None:
    """Print the row of one file of weights."""
    import torch
    from usual_layers import with_usual_layers

    import gantools
    from gantools.inference.files import plan
    from gantools.inference.pipeline import translate_files

    torch.set_num_threads(given.threads)
    model = gantools.load(name, "cpu")
    options = OPTIONS.get(name, {})
    chosen = next(iter(model.variants(options).values()))

    def ours() -> None:
        jobs = plan([str(folder / "in")], folder / "ours", force=True)
        failed = [result.error for result in translate_files(model, jobs, **options) if result.error]
        assert not failed, failed[0]

    networks = with_usual_layers(deepcopy(model.networks))

    @torch.no_grad()
    def plain() -> None:
        import numpy as np
        from PIL import Image

        (folder / "plain").mkdir(exist_ok=True)
        for path in sorted((folder / "in").iterdir()):
            pixels = torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)
            made = model.task.translate(networks, pixels[None] / 127.5 - 1, chosen)[0]
            made = made.add(1).mul(127.5).round().byte().permute(1, 2, 0)
            Image.fromarray(made.numpy()).save(folder / "plain" / path.name)

    ours_seconds, plain_seconds = alternating([ours, plain], given.repeats)
    print(
        f"| `{name}` | {given.pictures} | {given.side} | {plain_seconds:.1f} | {ours_seconds:.1f} "
        f"| {plain_seconds / ours_seconds:.2f} |",
        flush=True,
    )


def start(picture: Path, folder: Path, repeats: int) -> None:
    """Print what processes take that begin from nothing."""
    from gantools.weights.places import shipped_folder

    weights = str(shipped_folder() / "emoji-colour.safetensors")
    commands = {
        "python, and nothing": ["-c", "pass"],
        "gantools --help": ["-m", "gantools", "--help"],
        "import torch": ["-c", "import torch"],
        "import torch, load, forward, save": ["-c", PLAIN, weights, str(picture), str(folder / "plain.png")],
        "gantools translate": [
            "-m", "gantools", "translate", str(picture), "-o", str(folder / "x.png"), "--force",
            "--weights", "emoji-colour",
        ],
    }  # fmt: skip

    def process(arguments: list[str]) -> Callable[[], None]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True) and None

    seconds = alternating([process(arguments) for arguments in commands.values()], repeats)
    print("| process | seconds |\n|---|---|")
    for name, each in zip(commands, seconds, strict=True):
        print(f"| {name} | {each:.2f} |")
    print(f"\nratio {seconds[-1] / seconds[-2]:.2f}")


def alternating(works: list[Callable[[], None]], repeats: int) -> list[float]:
    """Return the median seconds of each work, done in turns, the first time not counted."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(repeats + 1):
        for work, times in zip(works, spent, strict=True):
            began = perf_counter()
            work()
            times.append(perf_counter() - began)
    return [median(times[1:]) for times in spent]


if __name__ == "__main__":
    main()
