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
