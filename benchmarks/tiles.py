"""Pictures in tiles: how far from the whole picture's translation, how visible the seams, at what cost.

    python benchmarks/tiles.py PICTURE [--weights NAME …] [--side 256] [--tile 128] [--threads N] [--show DIR]
    python benchmarks/tiles.py PICTURE --memory [--weights NAME …]

The first compares ways to translate the middle of a picture, ``--side`` tall and twice as wide, with its translation
in one piece: error is the mean absolute difference and the largest, of 255; a seam is how much larger the differences
of neighbours across the borders of tiles are than elsewhere, beside the same of the translation in one piece. Tiles
without margin by their own statistics, joined, are what one gets by hand; with margins, but their own statistics, only
the statistics differ; "sampled" takes them from a quarter of the tiles. "reduced" (from the picture scaled down to a
quarter of its pixels) and "exact" are those of `--tile-statistics`. ``--show`` keeps the pictures.

The second has `gantools translate` translate ever larger pictures, made of copies of the given one, in processes of
their own, and tells the peak of each one's memory.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import torch
from PIL import Image

import gantools
from gantools.data.pixels import to_bytes, to_image, to_unit
from gantools.inference import large
from gantools.inference.large import Tiling, cut, translate_tiled
from gantools.inference.model import Model
from gantools.inference.parts import PartTranslator, probe

OPTIONS = {"emoji-colour": {"resize": False}, "emoji-styles": {"to": ["noto"]}}
SIZES = ((1000, 750), (2000, 1500), (4000, 3000), (12000, 9000))
Way = Callable[[], Image.Image]


def main() -> None:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--weights", nargs="+", default=["emoji-noto2fluent", "emoji-styles", "emoji-colour"])
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--tile", type=int, default=128)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--largest", type=int, default=len(SIZES))
    parser.add_argument("--show", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    picture = Image.open(given.picture).convert("RGB")
    if given.memory:
        memory(picture, given.weights, given.tile, SIZES[: given.largest])
        return
    print("| weights | tiles | mean error | largest | seam (whole) | time / whole |\n|" + "---|" * 6)
    for name in given.weights:
        compare(name, middle(picture, given.side), given.tile, given.show)


def middle(picture: Image.Image, side: int) -> Image.Image:
    """Return the middle of a picture, twice as wide as it is tall."""
    left, top = (picture.width - 2 * side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + 2 * side, top + side))


def compare(name: str, image: Image.Image, side: int, show: Path | None) -> None:
    """Print a row for each way."""
    model = gantools.load(name, "cpu")
    options = next(iter(model.variants(OPTIONS.get(name, {})).values()))
    large._REDUCED = image.width * image.height // 4  # as 4 of 16 megapixels

    def one_piece() -> Image.Image:
        return to_image(model.run(to_unit(to_bytes(image))[None], options, 0)[0])

    ways: dict[str, Way] = {
        "joined by hand": lambda: by_hand(model, image, options, side),
        "margins, own statistics": lambda: own(model, image, options, side),
        "sampled": lambda: sampled(model, image, options, side),
        "reduced": lambda: translate_tiled(model, image, options, 0, Tiling(side, "reduced")),
        "exact": lambda: translate_tiled(model, image, options, 0, Tiling(side, "exact")),
    }
    whole, whole_seconds = timed(one_piece)
    pictures = {"source": image, "whole": whole}
    for title, way in ways.items():
        made, seconds = timed(way)
        pictures[title] = made
        away = np.abs(np.asarray(made, float) - np.asarray(whole, float))
        print(
            f"| `{name}` | {title} | {away.mean():.2f} | {away.max():.0f} | {seam(made, side):.2f} "
            f"({seam(whole, side):.2f}) | {seconds / whole_seconds:.1f} |",
            flush=True,
        )
    for title, made in pictures.items() if show else ():
        show.mkdir(parents=True, exist_ok=True)
        made.save(show / f"{name}-{title.replace(' ', '-').replace(',', '')}.png")


def timed(way: Way) -> tuple[Image.Image, float]:
    """Return a picture and the processor's seconds that it took."""
    began = process_time()
    made = way()
    return made, process_time() - began


def by_hand(model: Model, image: Image.Image, options: object, side: int) -> Image.Image:
    """Translate tiles as pictures of their own."""
    canvas = Image.new("RGB", image.size)
    for top in range(0, image.height, side):
        for left in range(0, image.width, side):
            tile = image.crop((left, top, min(left + side, image.width), min(top + side, image.height)))
            canvas.paste(to_image(model.run(to_unit(to_bytes(tile))[None], options, 0)[0]), (left, top))
    return canvas


def own(model: Model, image: Image.Image, options: object, side: int) -> Image.Image:
    """Translate tiles with margins, each by its own statistics."""
    view = model.task.view(options)
    canvas = Image.new("RGB", image.size)
    translator = PartTranslator(model, options, 0)
    for piece in cut(image, side, probe(model, options, view.stride)[0], view):
        part, crop = piece
        translator.gather([piece])
        canvas.paste(to_image(translator(part, crop())), (part.x + part.left, part.y + part.top))
    return canvas


def sampled(model: Model, image: Image.Image, options: object, side: int) -> Image.Image:
    """Translate tiles by the statistics of every fourth."""
    view = model.task.view(options)
    tiles = cut(image, side, probe(model, options, view.stride)[0], view)
    canvas = Image.new("RGB", image.size)
    translator = PartTranslator(model, options, 0)
    translator.gather(tiles[::4])
    for part, crop in tiles:
        canvas.paste(to_image(translator(part, crop())), (part.x + part.left, part.y + part.top))
    return canvas


def seam(made: Image.Image, side: int) -> float:
    """Return the mean difference of neighbours across borders of tiles, over that of all other neighbours."""
    values = np.asarray(made, float)
    across, others = [], []
    for axis in (0, 1):
        steps = np.abs(np.diff(values, axis=axis)).mean(2)
        at = np.zeros(steps.shape[axis], bool)
        at[side - 1 :: side] = True
        across.append(steps.compress(at, axis).ravel())
        others.append(steps.compress(~at, axis).ravel())
    return float(np.concatenate(across).mean() / np.concatenate(others).mean())


def memory(picture: Image.Image, weights: list[str], tile: int, sizes: tuple[tuple[int, int], ...]) -> None:
    """Print the peak of the memory of translations of ever larger pictures."""
    print("| weights | picture | tiles | peak MB | processor seconds |\n|---|---|---|---|---|")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "large.png")
            repeated(picture, size).save(source, compress_level=1)
            for name in weights:
                for cutting in ("auto", str(tile)):
                    peak, seconds = peak_of(source, Path(folder, "made.png"), name, cutting)
                    row = f"| `{name}` | {size[0]} x {size[1]} | {cutting} | {peak:.0f} | {seconds:.0f} |"
                    print(row, flush=True)


def repeated(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Fill a picture with copies of another."""
    canvas = Image.new("RGB", size)
    for top in range(0, size[1], picture.height):
        for left in range(0, size[0], picture.width):
            canvas.paste(picture, (left, top))
    return canvas


_CHILD = """
import resource, sys
from gantools.cli.app import main
try:
    main()
except SystemExit as error:
    assert not error.code, error.code
finally:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print("used", usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime, file=sys.stderr)
"""


def peak_of(source: Path, target: Path, weights: str, cutting: str) -> tuple[float, float]:
    """Return the peak of the memory, in MB, and the processor's seconds of one `gantools translate`."""
    options = [part for value in OPTIONS.get(weights, {}).get("to", []) for part in ("--to", value)]
    command = [
        sys.executable, "-c", _CHILD, "translate", str(source), "-o", str(target), "--force", "-q",
        "--weights", weights, "--tile", cutting, *options,
    ]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    _, peak, seconds = done.stderr.splitlines()[-1].split()
    return float(peak), float(seconds)


if __name__ == "__main__":
    main()
