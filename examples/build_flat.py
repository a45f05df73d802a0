"""OpenMoji's drawings without the lines between two colours: the `flat` pictures of the emoji data set.

An OpenMoji has its lines in groups of their own, over flat colours. A line with different colours on both sides is an
outline, and the colours under it meet in the middle: without it there is the same drawing, and each thing lies where it
was. A line with one colour on both sides is part of the drawing (a mouth, a fold) and stays.

Something white would be gone without its outline. So what is white up to there is pale here, as styles without outlines
paint it: a panda, a clock, a coat.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from build_shared import draw

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from PIL.Image import Image

    Array = np.ndarray

SIDE = 256  # pixels, in which lines are 7 wide
WIDEST = 20  # half of what is still a line; an area is wider
UNLIKE = 24  # grey levels by which two colours differ
AT_EDGE = 9  # as far from the background as a line is wide
NEAR = 4  # as far as neighbours decide together
CORE = 2  # half of the narrowest that stays
AROUND = 6  # as far as what stays is one with it
WHITE = 250  # grey levels from which a colour is white
PALE = (225, 232, 237)  # what is white becomes without its outline

for prefix, namespace in (("", "http://www.w3.org/2000/svg"), ("xlink", "http://www.w3.org/1999/xlink")):
    ElementTree.register_namespace(prefix, namespace)


def draw_flat(svg: bytes, size: int) -> Image:
    """Draw an OpenMoji without its outlines, `size` x `size` over white."""
    import numpy as np
    from PIL import Image

    surfaces = without_lines(svg)
    full, bare = (np.asarray(draw(data, SIDE)).astype(np.int16) for data in (svg, surfaces))
    lines = np.abs(full - bare).max(2) > UNLIKE
    pale = white_things(surfaces, bare)
    bare[pale] = PALE
    share = average(outlines(lines, bare), NEAR) / np.maximum(average(lines, NEAR), 1e-6)
    stays = lines & (share < 0.5)
    stays &= grown(~grown(~stays, CORE), AROUND)  # what is thinner than a line is its rest where others end
    flat = np.where((stays | ~(pale | grown(lines, CORE + 1)))[..., None], full, bare)
    smooth = Image.Resampling.BOX if size < SIDE else Image.Resampling.LANCZOS
    return Image.fromarray(flat.astype(np.uint8)).resize((size, size), smooth)


def without_lines(svg: bytes) -> bytes:
    """Return the drawing without its groups of lines."""
    root = ElementTree.fromstring(svg)
    for group in [part for part in root if part.get("id", "").startswith("line")]:
        root.remove(group)
    return ElementTree.tostring(root)


def white_things(svg: bytes, picture: Array) -> Array:
    """Return which pixels are of white surfaces at the edge of a drawing without lines; `picture` has it over white."""
    import numpy as np

    there = (np.abs(draw(svg, SIDE, "#000000") - picture) < UNLIKE).all(2)
    white = there & (picture > WHITE).all(2)
    found, more = np.zeros_like(white), white & grown(~there, AT_EDGE)
    while (more != found).any():
        found, more = more, white & grown(more, NEAR)
    return found


def outlines(lines: Array, bare: Array) -> Array:
    """Return which pixels of lines [H, W] have different colours on both sides, across the line's shortest way."""
    import numpy as np

    shortest, unlike = np.full(lines.shape, np.inf), np.zeros(lines.shape, np.int16)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        (one, there), (other, back) = (walk(lines, bare, way * down, way * right) for way in (1, -1))
        length = (there + back) * np.hypot(down, right)
        nearer = length < shortest
        shortest[nearer], unlike[nearer] = length[nearer], np.abs(one - other).max(2)[nearer]
    return lines & (unlike > UNLIKE)


def walk(lines: Array, bare: Array, down: int, right: int) -> tuple[Array, Array]:
    """Return the colour next to the line, a step beyond its end on one side, and how many steps it is to there."""
    import numpy as np

    inside, colour, steps = lines.copy(), bare.copy(), np.zeros(lines.shape)
    for step in range(1, WIDEST + 1):
        goes_on = inside & moved(lines, step * down, step * right)
        ends = inside & ~goes_on
        colour[ends] = moved(bare, (step + 1) * down, (step + 1) * right)[ends]
        inside, steps = goes_on, steps + goes_on
    steps[inside] = np.inf
    return colour, steps


def moved(array: Array, down: int, right: int) -> Array:
    """Return for each pixel what is so far from it, at the border what is nearest."""
    import numpy as np

    rows, columns = (np.arange(side) for side in array.shape[:2])
    rows, columns = (rows + down).clip(0, len(rows) - 1), (columns + right).clip(0, len(columns) - 1)
    return array[rows[:, None], columns]


def grown(mask: Array, reach: int) -> Array:
    """Return which pixels have one of the mask at most so far away, in both directions."""
    import numpy as np

    for steps in around(reach):
        mask = np.logical_or.reduce([moved(mask, *step) for step in steps])
    return mask


def average(mask: Array, reach: int) -> Array:
    """Return the mean of what is at most so far away, twice."""
    import numpy as np

    values = mask.astype(float)
    for steps in (*around(reach), *around(reach)):
        values = np.mean([moved(values, *step) for step in steps], 0)
    return values


def around(reach: int) -> Iterator[list[tuple[int, int]]]:
    """Yield the steps along a column, then those along a row."""
    yield [(step, 0) for step in range(-reach, reach + 1)]
    yield [(0, step) for step in range(-reach, reach + 1)]
