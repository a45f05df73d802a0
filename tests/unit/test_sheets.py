"""Sheets of pictures: many columns go into bands."""

import numpy as np
import pytest
from PIL import Image

from gantools.training.sheets import draw_pictures

BANDS = {True: [[*range(11)], [0, *range(11, 20)]], False: [[*range(10)], [*range(10, 20)]]}


@pytest.mark.parametrize(("repeat", "bands"), BANDS.items())
def test_many_columns_are_wrapped(elsewhere, repeat, bands):
    columns = {str(i): [Image.new("RGB", (64, 64), (10 * i, 0, 0))] * 2 for i in range(20)}
    draw_pictures(columns, elsewhere / "sheet.png", repeat)
    with Image.open(elsewhere / "sheet.png") as sheet:
        pixels = np.asarray(sheet)
    assert pixels.shape == (2 * 286 + 4, 132 * len(bands[0]) + 4, 3)
    for band, shown in enumerate(bands):
        assert [pixels[286 * band + 280, 132 * column + 70, 0] // 10 for column in range(len(shown))] == shown


def test_a_title_ends_where_the_next_column_begins(elsewhere):
    titles = (f"{letter} caption of very many words" for letter in "abc")
    draw_pictures({title: [Image.new("RGB", (128, 128))] for title in titles}, elsewhere / "sheet.png")
    with Image.open(elsewhere / "sheet.png") as sheet:
        band = np.asarray(sheet)[:22].min((0, 2))
    dark = [x for x in range(sheet.width) if band[x] < 255]
    gaps = [band[132 * column : 132 * column + 4] for column in range(4)]
    assert len(dark) > 200
    assert all((gap == 255).all() for gap in gaps)
