"""Draw a sheet of unseen test pictures, evenly chosen, beside the true ones.

python weights/sheet.py emoji-colour emoji/test/outline emoji/test/openmoji    # source, made and true
python weights/sheet.py emoji-styles emoji/test -o emoji-styles-truth.png      # StarGAN: made and true in each domain
python weights/sheet.py emoji-styles emoji/test --made                         # what is made alone
python weights/sheet.py emoji-words words/test -o emoji-words-truth.png        # text to image: painted above true
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from PIL import Image

import gantools
from gantools.data.folders import list_images
from gantools.inference.model import Model
from gantools.training.sheets import draw_pictures

HERE = Path(__file__).parent
COLUMNS, ROWS, SIDE, GAP = 4, 7, 64, 16


def main() -> None:
    """Write the sheet beside the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="of shipped weights")
    parser.add_argument("folders", nargs="+", type=Path, help="the test pictures")
    parser.add_argument("-o", "--out", help="name of the file [NAME.png]")
    parser.add_argument("--made", action="store_true", help="StarGAN: leave the true pictures out")
    options = parser.parse_args()
    model, target = gantools.load(options.name, device="cpu"), HERE / (options.out or f"{options.name}.png")
    if model.info.name == "stargan":
        columns = restyled(model, *options.folders)
        shown = [name for name in columns if not (options.made and name.startswith("true "))]
        draw_pictures({name: columns[name] for name in shown}, target)
    elif model.info.name == "text2image":
        draw_pictures(painted(model, *options.folders), target, repeat=False)
    else:
        draw_translated(model, *options.folders, target)


def restyled(model: Model, data: Path) -> dict[str, list[Image.Image]]:
    """Return columns: a source of each domain in turn, then for each domain what is made and what is true."""
    domains = model.variants({"to": ["all"]})
    names = chosen([path.name for path in list_images(data / next(iter(domains)))], 2 * len(domains))
    homes = [data / domain / name for domain, name in zip([*domains] * 2, names, strict=True)]
    columns = {"source": [opened(path) for path in homes]}
    for domain in domains:
        columns[domain] = [model.translate(path, to=domain) for path in homes]
        columns[f"true {domain}"] = [opened(data / domain / name) for name in names]
    return columns


def painted(model: Model, data: Path) -> dict[str, list[Image.Image]]:
    """Return a column for each caption: what is painted, above what is true."""
    rows = [json.loads(line) for line in (data / "metadata.jsonl").read_text().splitlines()]
    return {row["text"]: [*model.generate(row["text"]), opened(data / row["file_name"])] for row in chosen(rows, 52)}


def draw_translated(model: Model, folder: Path, truth: Path, target: Path) -> None:
    """Write source, translation and true picture, four of them in a line."""
    sheet = Image.new("RGB", (COLUMNS * (3 * SIDE + GAP) - GAP, ROWS * SIDE), "white")
    for i, source in enumerate(chosen(list_images(folder), COLUMNS * ROWS)):
        for place, image in enumerate((opened(source), model.translate(source), opened(truth / source.name))):
            left = (i % COLUMNS) * (3 * SIDE + GAP) + place * SIDE
            sheet.paste(image.convert("RGB").resize((SIDE, SIDE)), (left, i // COLUMNS * SIDE))
    sheet.save(target, optimize=True)


def chosen(items: list[Any], count: int) -> list[Any]:
    """Return some items, evenly spread."""
    return [items[i * len(items) // count] for i in range(count)]


def opened(path: Path) -> Image.Image:
    """Return a picture without transparency."""
    with Image.open(path) as image:
        return image.convert("RGB")


if __name__ == "__main__":
    main()
