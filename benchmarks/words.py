"""How well text-to-image weights paint pairs of object and colour that they were not shown together.

    python benchmarks/words.py WEIGHTS --train DIR --test DIR [--samples 4] [--out DIR] [--json FILE]

Both folders are those of `python examples/build_datasets.py words`, whose metadata name each picture's object and
colour. Of every caption of the test folder some pictures are painted:

- colour: share whose main colour is the one asked for, as in `gantools evaluate`; real_colour: of the true drawings.
- object: share whose true object is among the five nearest drawings, by EfficientNet-Lite0's features, of all objects
  in the colour asked for, trained on or not; chance: five of how many drawings there are.
- kid, kid_train: KID x1000 of the painted pictures, and of as many drawings of the training folder, to the true ones.
- nearest: as in `gantools evaluate`: 1 where painted pictures are as far from the training drawings as the true ones
  are, near 0 for copies.
- jump: between two prompts, the largest step between neighbours of 9 frames as a share of the way, in pixels (L1): a
  ninth would be perfectly even, 1 a single jump; the mean over 20 pairs of prompts.
- alike: mean L1 distance in [0, 1] of two pictures of one prompt, how much the noise changes.
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import gantools
from gantools.data.comparison import Picture
from gantools.data.pixels import to_bytes
from gantools.inference.generation import paint_between
from gantools.metrics import Evidence
from gantools.metrics.backbones import load_backbone
from gantools.metrics.meaning import dominant_colour
from gantools.metrics.nearest import Nearest
from gantools.metrics.pictures import PictureSet
from gantools.metrics.sets import kernel_distance

TOP, FRAMES, PAIRS = 5, 9, 20
Row = dict[str, str]


def main() -> None:
    """Paint, measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights")
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--out", type=Path, default=Path("words"), help="folder for the pictures")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    result = measure(options.weights, options.train, options.test, options.samples, options.out)
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    for name, value in result.items():
        print(f"{name:14}{value:.4g}")


def measure(weights: str, train: Path, test: Path, samples: int, out: Path) -> dict[str, Any]:
    """Return all figures."""
    model = gantools.load(weights)
    asked, known = rows_of(test), rows_of(train)
    rows, files = painted(model, asked, samples, out)
    made = PictureSet([Picture(file.stem, file) for file in files], load_backbone(), keep=False)
    true, learned = (pictures(folder, some) for folder, some in ((test, asked), (train, known)))
    drawings, labels = torch.cat([true.features.pooled, learned.features.pooled]), asked + known
    features = made.features.pooled
    truth = [i // samples for i in range(len(rows))]
    distance, error = kernel_distance(features, true.features.pooled, truth)
    strangers = range(len(asked), len(asked) + len(known))
    hits = [has_object(features[i], row, drawings, labels) for i, row in enumerate(rows)]
    rivals = [sum(label["colour"] == row["colour"] for label in labels) for row in asked]
    return {
        "objects": len({label["object"] for label in labels}),
        "prompts": len(asked),
        "pictures": len(rows),
        "colour": share(dominant_colour(made[i]) == row["colour"] for i, row in enumerate(rows)),
        "real_colour": share(dominant_colour(true[i]) == row["colour"] for i, row in enumerate(asked)),
        "object": share(hits),
        "chance": sum(min(1, TOP / count) for count in rivals) / len(rivals),
        "kid": distance,
        "kid_error": error,
        "kid_train": kernel_distance(learned.features.pooled, true.features.pooled, strangers)[0],
        "nearest": Nearest()(Evidence(made, true, truth, training=learned)).value,
        "jump": sum(jump(model, a["text"], b["text"]) for a, b in between(asked)) / PAIRS,
        "alike": alike(made, samples),
    }


def rows_of(folder: Path) -> list[Row]:
    """Return the metadata of a folder."""
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]


def pictures(folder: Path, rows: list[Row]) -> PictureSet:
    """Return the drawings that metadata name."""
    return PictureSet([Picture(row["file_name"], folder / row["file_name"]) for row in rows], load_backbone())


def painted(model: Any, asked: list[Row], samples: int, out: Path) -> tuple[list[Row], list[Path]]:
    """Paint every caption several times; return the row of each picture and its file."""
    out.mkdir(parents=True, exist_ok=True)
    rows, files = [], []
    for row, some in zip(asked, model.generate([row["text"] for row in asked], n=samples), strict=True):
        for i, picture in enumerate(some):
            rows.append(row)
            files.append(out / f"{Path(row['file_name']).stem}-{i}.png")
            picture.save(files[-1])
    return rows, files


def has_object(feature: Tensor, row: Row, drawings: Tensor, labels: list[Row]) -> bool:
    """Whether the object asked for is among the nearest drawings in the colour asked for."""
    rivals = [i for i, label in enumerate(labels) if label["colour"] == row["colour"]]
    order = torch.cdist(feature[None], drawings[rivals])[0].argsort()[:TOP].tolist()
    return row["object"] in {labels[rivals[i]]["object"] for i in order}


def between(asked: list[Row]) -> list[tuple[Row, Row]]:
    """Return pairs of prompts, each one and one half of the list further on."""
    half = len(asked) // 2
    return [(asked[i * half // PAIRS], asked[half + i * half // PAIRS]) for i in range(PAIRS)]


def jump(model: Any, first: str, second: str) -> float:
    """Return the largest step between neighbouring frames as a share of the whole way."""
    frames = [to_bytes(picture).float() for picture in paint_between(model, first, second, FRAMES)]
    steps = [float((a - b).abs().mean()) for a, b in itertools.pairwise(frames)]
    return max(steps) / max(sum(steps), 1e-9)


def alike(made: PictureSet, samples: int) -> float:
    """Return the mean distance of two pictures of one prompt."""
    values = []
    for start in range(0, len(made), samples):
        some = [made[i].float() / 255 for i in range(start, start + samples)]
        values += [float((a - b).abs().mean()) for a, b in itertools.combinations(some, 2)]
    return sum(values) / max(len(values), 1)


def share(hits: Any) -> float:
    """Return how many are true, as a share."""
    found = list(hits)
    return sum(found) / len(found)


if __name__ == "__main__":
    main()
