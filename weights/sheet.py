"""Draw a sheet of source, made and true pictures of a test set, evenly chosen, for a weights card.

python weights/sheet.py emoji-noto2fluent emoji/test/noto emoji/test/fluent3d
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

import gantools
from gantools.data.folders import list_images

HERE = Path(__file__).parent
COLUMNS, ROWS, SIDE, GAP = 4, 7, 64, 16


def main() -> None:
    """Write weights/NAME.png."""
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    name, sources, truth = sys.argv[1], list_images(Path(sys.argv[2])), Path(sys.argv[3])
    model = gantools.load(name)
    count = COLUMNS * ROWS
    sheet = Image.new("RGB", (COLUMNS * (3 * SIDE + GAP) - GAP, ROWS * SIDE), "white")
    for i in range(count):
        source = sources[i * len(sources) // count]
        with Image.open(source) as picture, Image.open(truth / source.name) as true:
            for place, image in enumerate((picture, model.translate(picture), true)):
                left = (i % COLUMNS) * (3 * SIDE + GAP) + place * SIDE
                sheet.paste(image.convert("RGB").resize((SIDE, SIDE)), (left, i // COLUMNS * SIDE))
    sheet.save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
