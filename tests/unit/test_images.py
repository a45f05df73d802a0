import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantools import GanToolsError
from gantools.data.decode import open_image, to_rgb
from gantools.data.folders import list_images
from gantools.data.images import ImageSet
from gantools.data.pixels import resized, to_bytes, to_image, to_unit

WHITE = (255, 255, 255)
PLENTY, NOTHING = 2**30, 0


def quiet(name, done, total):
    pass


def image_set(paths, side, keep_bytes):
    def read(files):
        return resized(to_rgb(open_image(files[0]), WHITE), side)

    return ImageSet([(path,) for path in paths], read, 3 * side * side, keep_bytes)


def load(folder, side=16, keep_bytes=PLENTY):
    images = image_set(list_images(Path(folder)), side, keep_bytes)
    images.load(str(folder), quiet)
    return images


def paint(folder, names, size=(20, 12)):
    """Write pictures of one colour each, so that it shows which one a sample is."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(names):
        Image.new("RGB", size, (10 * i, 0, 0)).save(Path(folder, name))


def which(picture):
    return int(picture[0].float().mean().round()) // 10


def test_pictures_kept_in_memory_and_decoded_as_needed_are_the_same(folders):
    kept, decoded = load(folders["a"]), load(folders["a"], keep_bytes=NOTHING)
    assert (kept.cached, decoded.cached) == (True, False)
    assert len(kept) == len(decoded) > 20
    for i in range(len(kept)):
        assert kept[i].dtype == torch.uint8
        assert kept[i].shape == (3, 16, 16)
        assert torch.equal(kept[i], decoded[i])


def test_pictures_are_kept_exactly_while_they_fit(folders):
    paths = list_images(Path(folders["a"]))
    needed = len(paths) * 3 * 16 * 16
    assert image_set(paths, 16, needed).cached
    assert not image_set(paths, 16, needed - 1).cached


def test_pictures_are_squeezed_to_a_square_by_bicubic_interpolation():
    Path("in").mkdir()
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8))
    picture.save("in/x.png")
    expected = np.asarray(picture.resize((16, 16), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(load("in")[0].permute(1, 2, 0).numpy(), expected)


def test_a_broken_file_is_named_and_left_out(caplog):
    paint("in", ["0.png", "1.png", "2.png"])
    Path("in/1.png").write_bytes(Path("in/1.png").read_bytes()[:45])
    os.symlink("nowhere", "in/3.png")
    images = load("in")
    assert [which(images[i]) for i in range(len(images))] == [0, 2]
    assert [path.name for path in [files[0] for files in images.items]] == ["0.png", "2.png"]
    assert sorted(record.getMessage().split()[2] for record in caplog.records) == ["in/1.png", "in/3.png"]


def test_a_broken_file_that_is_decoded_as_needed_gives_way_to_the_next_and_is_named_once(caplog):
    paint("in", ["0.png", "1.png", "2.png", "3.png"])
    for name in ("1.png", "3.png"):
        Path("in", name).write_text("no picture")
    images = load("in", keep_bytes=NOTHING)
    for _ in range(2):
        assert [which(images[i]) for i in range(4)] == [0, 2, 2, 0]
    assert len(caplog.records) == 2
    assert "in/1.png is not a picture" in caplog.text


@pytest.mark.parametrize("keep_bytes", [PLENTY, NOTHING])
def test_a_folder_of_broken_files_is_an_error(keep_bytes):
    paint("in", ["0.png", "1.png"])
    for name in ("0.png", "1.png"):
        Path("in", name).write_bytes(b"")
    with pytest.raises(GanToolsError, match="pictures in in can be read"):
        load("in", keep_bytes=keep_bytes)[0]


def test_reading_is_reported(folders):
    heard = []
    images = image_set(list_images(Path(folders["a"]))[:3], 8, PLENTY)
    images.load("noto", lambda *news: heard.append(news))
    assert heard == [("pictures from noto", done, 3) for done in (1, 2, 3)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 27, 28, 29, 100])
def test_pictures_are_held_back_where_enough_remain(count):
    training, shown = image_set([Path(str(i)) for i in range(count)], 8, PLENTY).split(4)
    assert shown == sorted(set(shown))
    assert len(shown) == min(4, count)
    if count >= 28:
        assert sorted(training + shown) == list(range(count))
        assert [position * len(shown) // count for position in shown] == list(range(len(shown)))
    else:
        assert training == list(range(count))


def test_the_fingerprint_changes_with_names_sizes_and_number_of_files_and_not_with_their_place():
    paint("in", ["0.png", "1.png"])
    seen = [load("in").fingerprint()]
    shutil.copytree("in", "elsewhere")
    assert load("elsewhere").fingerprint() == seen[0]
    Image.effect_noise((20, 12), 50).save("in/1.png")
    seen.append(load("in").fingerprint())
    Path("in/1.png").rename("in/2.png")
    seen.append(load("in").fingerprint())
    paint("in", ["0.png", "1.png", "2.png"])
    seen.append(load("in").fingerprint())
    assert len(set(seen)) == 4


def test_a_dangling_link_or_an_odd_name_does_not_stop_the_fingerprint():
    paint("in", ["0.png"])
    os.symlink("nowhere", "in/1.png")
    shutil.copy("in/0.png", os.fsencode("in/") + b"\xff.png")
    assert len(load("in", keep_bytes=NOTHING).fingerprint()) == 16


def test_every_byte_survives_the_way_to_the_networks_range_and_back():
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 16, 16).expand(3, -1, -1)
    unit = to_unit(every)
    assert (float(unit.min()), float(unit.max())) == (-1.0, 1.0)
    assert torch.equal(to_bytes(to_image(unit)), every)
    assert every.dtype == torch.uint8  # and the source is left as it was


def test_networks_outputs_are_rounded_and_bounded():
    shades = torch.tensor([-7.0, -1 + 0.6 / 127.5, -1 + 0.4 / 127.5, 7.0]).reshape(1, 1, 4).expand(3, -1, -1)
    assert to_bytes(to_image(shades))[0, 0].tolist() == [0, 1, 0, 255]
    assert to_image(shades.bfloat16()).size == (4, 1)
