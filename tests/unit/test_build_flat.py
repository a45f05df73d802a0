"""The script for the emoji data: drawings without their outlines."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><g id="color"/><g id="line"/><g id="line-supplement"/></svg>'


@pytest.fixture
def build_flat(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import build_flat

    yield build_flat
    for name in ("build_flat", "build_shared"):
        sys.modules.pop(name, None)


def test_outlines_go_and_lines_of_one_colour_on_both_sides_stay(build_flat, monkeypatch):
    def drawn(svg, side, background="white"):
        picture = Image.new("RGB", (side, side), background)
        draw = ImageDraw.Draw(picture)
        draw.rectangle((40, 40, 140, 200), "red")
        draw.rectangle((140, 40, 220, 200), "yellow")
        if b"line" in svg:
            draw.rectangle((37, 37, 223, 203), outline="black", width=7)  # around it all
            draw.line((140, 40, 140, 200), "black", 7)  # between two colours
            draw.line((60, 100, 110, 100), "black", 7)  # a mouth
            draw.line((20, 230, 236, 230), "black", 7)  # on white
        return picture

    monkeypatch.setattr(build_flat, "draw", drawn)
    bare, flat = np.asarray(drawn(b"", 256)), np.asarray(build_flat.draw_flat(SVG, 256))
    assert (flat[100, 70:100] == 0).all()
    assert (flat[230, 24:232] == 0).all()
    changed = (flat != bare).any(2)
    assert not changed[:90].any()
    assert not changed[110:222].any()
    assert not changed[:220, 122:].any()
    assert build_flat.draw_flat(SVG, 64).size == (64, 64)


def test_white_things_become_pale_and_white_on_a_colour_stays(build_flat, monkeypatch):
    def drawn(svg, side, background="white"):
        picture = Image.new("RGB", (side, side), background)
        draw = ImageDraw.Draw(picture)
        draw.rectangle((40, 40, 140, 200), "white")
        draw.rectangle((140, 40, 220, 200), "red")
        draw.rectangle((165, 100, 195, 140), "white")  # on red
        if b"line" in svg:
            draw.rectangle((37, 37, 143, 203), outline="black", width=7)
            draw.rectangle((137, 37, 223, 203), outline="black", width=7)
            draw.line((70, 100, 110, 100), "black", 7)  # on what is white
        return picture

    monkeypatch.setattr(build_flat, "draw", drawn)
    flat = np.asarray(build_flat.draw_flat(SVG, 256))
    line = np.zeros((256, 256), bool)
    line[96:105, 66:115] = True
    left, right = flat[42:199, 42:137], flat[42:199, 143:219]
    assert (left[~line[42:199, 42:137]] == build_flat.PALE).all()
    assert (flat[100, 75:105] == 0).all()
    assert set(map(tuple, right.reshape(-1, 3))) == {(255, 0, 0), (255, 255, 255)}
    assert (flat[:36] == 255).all()
