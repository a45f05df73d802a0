"""The data set *words*, for `build_datasets.py`: pictures with captions, ``a red bird``.

They are the OpenMoji drawings that have one colour above all, in nine colours each (CC BY-SA 4.0, as the
drawings are). The shades of that colour give way to those of another, the light ones to light ones. Left
out are clocks, and drawings whose own name says a colour, such as ``red apple``. One pair of object and
colour in ten, by the SHA-256 of KEY:COLOUR, is the test set, so its objects and its colours are all known
from training, and only their combination is new. Each folder has a ``metadata.jsonl`` with the captions.
``--objects N`` takes the N easiest objects: those named by a single word come first, birds before the
others, then the shorter names, which are mostly the more common ones (``cat``, ``star``, ``cactus``), and
of equal lengths the lower key.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from build_shared import OPENMOJI, draw, emoji_key, fetch_npm, is_test, members, refuse_old, save

if TYPE_CHECKING:
    from pathlib import Path

VECTORS = ("package/color/svg", ".svg")  # folder in the archive, kind of picture
WORD_GROUPS = {"animals-nature", "food-drink", "objects", "travel-places", "activities"}
SHADES = {  # OpenMoji's palette: the shades of each colour, light to dark
    "blue": ("#92d3f5", "#61b2e4", "#1e50a0"),
    "red": ("#ea5a47", "#d22f27", "#781e32"),
    "green": ("#b1cc33", "#5c9e31", "#186648"),
    "yellow": ("#fcea2b", "#f1b31c"),
    "grey": ("#d0cfce", "#9b9b9a", "#3f3f3f"),
    "orange": ("#f4aa41", "#e27022"),
    "pink": ("#ffa7c0", "#e67a94"),
    "purple": ("#b399c8", "#8967aa"),
    "brown": ("#a57939", "#6a462f"),
}
COLOUR_WORDS = {*SHADES, "black", "white"}
COUNT_SIZE, COUNT_DISTANCE, COUNT_PIXELS = 36, 12, 60  # how a drawing's main colour is found


@dataclass(frozen=True)
class Drawing:
    """An OpenMoji drawing with one main colour."""

    key: str
    name: str
    subgroup: str
    svg: str
    colour: str


def read_openmoji(cache: Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Return the coloured vectors by key, and the index of all emoji."""
    vectors: dict[str, str] = {}
    index: list[dict[str, str]] = []
    for path, data in members(fetch_npm(cache, OPENMOJI), {VECTORS, ("package/data", ".json")}):
        if path.suffix == VECTORS[1]:
            vectors[emoji_key(path.stem)] = data.decode()
        elif path.name == "openmoji.json":
            index = json.loads(data)
    return vectors, index


def main_colour(svg: str) -> str | None:
    """Return the colour that most pixels of a drawing are of, or None if there are too few of each."""
    picture = draw(svg.encode(), COUNT_SIZE)
    counts: Counter[str] = Counter()
    for number, pixel in picture.getcolors(COUNT_SIZE**2):
        for colour, shades in SHADES.items():
            if any(distance(pixel, shade) <= COUNT_DISTANCE for shade in shades):
                counts[colour] += number
                break
    found = counts.most_common(1)
    return found[0][0] if found and found[0][1] > COUNT_PIXELS else None


def distance(pixel: tuple[int, ...], shade: str) -> int:
    """Return the L1 distance of two colours."""
    return sum(abs(a - b) for a, b in zip(pixel, bytes.fromhex(shade[1:]), strict=True))


def recolour(svg: str, old: str, new: str) -> str:
    """Put the shades of one colour in place of another's, at the same depth; a shorter row ends early."""
    last = len(SHADES[new]) - 1
    replacements = {shade: SHADES[new][min(depth, last)] for depth, shade in enumerate(SHADES[old])}
    return re.sub(r"#[0-9a-fA-F]{6}\b", lambda found: replacements.get(found[0].lower(), found[0]), svg)


def read_drawings(cache: Path) -> list[Drawing]:
    """Return the drawings that can be recoloured, the easiest to learn first."""
    vectors, index = read_openmoji(cache)
    drawings = []
    for entry in index:
        wanted = entry["group"] in WORD_GROUPS and entry["subgroups"] != "time" and not entry["skintone"]
        if wanted and not COLOUR_WORDS & set(entry["annotation"].lower().split()):
            key = emoji_key(entry["hexcode"])
            colour = main_colour(vectors[key])
            if colour is not None:
                drawings.append(Drawing(key, entry["annotation"], entry["subgroups"], vectors[key], colour))
    return sorted(drawings, key=difficulty)


def difficulty(drawing: Drawing) -> tuple[bool, bool, int, str]:
    """Return what drawings are ordered by: single words, birds among them, short names."""
    single = drawing.name.isalpha()
    return not single, drawing.subgroup != "animal-bird", len(drawing.name), drawing.key


def caption(colour: str, name: str) -> str:
    """Return ``a red bird`` or ``an orange bird``."""
    return f"{'an' if colour[0] in 'aeiou' else 'a'} {colour} {name}"


def build_word_examples(out: Path, cache: Path, size: int, count: int) -> int:
    """Write the captioned test drawings of the first `count` objects, each in the first colour held out for it."""
    rows = []
    for drawing in read_drawings(cache):
        held = [colour for colour in SHADES if is_test(f"{drawing.key}:{colour}")]
        if held and len(rows) < count:
            rows.append(write_drawing(drawing, held[0], out, size))
    (out / "metadata.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return len(rows)


def write_drawing(drawing: Drawing, colour: str, folder: Path, size: int) -> str:
    """Write a drawing in a colour, and return its line of the metadata."""
    file = f"{drawing.key}-{colour}.png"
    save(draw(recolour(drawing.svg, drawing.colour, colour).encode(), size), folder / file)
    row = {"file_name": file, "text": caption(colour, drawing.name)}
    row |= {"object": drawing.name, "colour": colour, "key": drawing.key}
    return json.dumps(row, ensure_ascii=False)


def build_words(out: Path, cache: Path, size: int, objects: int | None = None) -> None:
    """Write the captioned set: all drawings, or the easiest `objects` of them, in nine colours each."""
    refuse_old(out)
    drawings = read_drawings(cache)[:objects]
    rows: dict[str, list[str]] = {"train": [], "test": []}
    for drawing in drawings:
        for colour in SHADES:
            part = "test" if is_test(f"{drawing.key}:{colour}") else "train"
            rows[part].append(write_drawing(drawing, colour, out / part, size))
    for part, lines in rows.items():
        (out / part / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(
        f"{len(drawings)} objects in {len(SHADES)} colours: {len(rows['train'])} to train, {len(rows['test'])} to test"
    )
