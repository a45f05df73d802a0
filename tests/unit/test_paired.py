import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from gantools import GanToolsError
from gantools.config import validate
from gantools.data.paired import PairedImages
from gantools.data.settings import PairedSettings
from tests.conftest import EXAMPLES


def build(**settings):
    given = {"size": 16, "load_size": 20, **settings}
    return PairedImages(validate(PairedSettings, given), lambda *_: None)


@pytest.fixture
def pairs():
    """A dozen pairs: each A a grey level, its B the level and 100 more."""
    for name in "ab":
        Path(name).mkdir()
    for i in range(12):
        Image.new("RGB", (20, 20), (8 * i,) * 3).save(f"a/{i}.png")
        Image.new("RGB", (20, 20), (8 * i + 100,) * 3).save(f"b/{i}.jpg", quality=100)


def test_two_folders_are_matched_by_name_whatever_the_format(pairs):
    data = build(a="a", b="b")
    for k in range(24):
        sample = data[k]
        assert int(sample["b"].float().mean()) - int(sample["a"].float().mean()) in range(98, 103)


def test_both_pictures_share_crop_and_flip():
    same = EXAMPLES / "outline"
    shutil.copytree(same, "twin")
    data = build(a=same, b="twin")
    for k in range(20):
        assert torch.equal(data[k]["a"], data[k]["b"])
    assert len({data[k]["a"].numpy().tobytes() for k in range(0, 200, len(data))}) > 1


def test_side_by_side_pictures_are_cut_and_the_direction_turns_them(pairs):
    Path("ab/train").mkdir(parents=True)
    for i in range(12):
        both = Image.new("RGB", (40, 20), (8 * i,) * 3)
        both.paste((8 * i + 100,) * 3, (20, 0, 40, 20))
        both.save(f"ab/train/{i}.png")
    forward, back = build(data="ab"), build(data="ab", direction="b2a")
    for k in range(12):
        assert torch.equal(forward[k]["b"], forward[k]["a"] + 100)
        assert torch.equal(back[k]["a"], forward[k]["b"])
    assert back.describe()["domains"] == ["B", "A"]


def test_what_has_no_partner_or_another_shape_is_named_and_left_out(pairs, caplog):
    Image.new("RGB", (20, 20)).save("a/alone.png")
    Image.new("RGB", (20, 30)).save("b/3.jpg")
    Path("a/5.png").write_text("no picture")
    data = build(a="a", b="b")
    assert len(data.images) == 10
    assert "a/alone.png has no partner in b" in caplog.text
    assert "a/3.png and b/3.jpg are of different shape, 20 x 20 and 20 x 30" in caplog.text
    assert "a/5.png is not a picture" in caplog.text


def test_channels_are_as_asked():
    Path("a").mkdir()
    Path("b").mkdir()
    for i in range(3):
        Image.new("I;16", (20, 20), 257 * 40 * i).save(f"a/{i}.png")
        Image.new("RGBA", (20, 20), (10, 20, 30, 40 * i)).save(f"b/{i}.png")
    data = build(a="a", b="b", in_channels=1, out_channels=4)
    shown = data.sheet()
    assert (shown["a"].shape[1], shown["b"].shape[1]) == (1, 4)
    assert [int(picture[0, 0, 0]) for picture in shown["a"]] == [0, 40, 80]
    assert [int(picture[3, 0, 0]) for picture in shown["b"]] == [0, 40, 80]
    assert int(shown["b"][2, 1, 5, 5]) == 20  # colours do not fade into a background


def test_sheets_show_pairs_that_are_not_trained_on():
    data = build(a=EXAMPLES / "outline", b=EXAMPLES / "openmoji", size=20, flip=False)
    shown = {picture.numpy().tobytes() for picture in data.sheet()["b"]}
    assert len(shown) == 4
    assert not shown & {data[k]["b"].numpy().tobytes() for k in range(2 * len(data))}


@pytest.mark.parametrize("cache_mb", [1024, 0])
def test_samples_are_the_same_cached_or_not(cache_mb):
    settings = {"a": EXAMPLES / "outline", "b": EXAMPLES / "openmoji"}
    assert torch.equal(build(**settings, cache_mb=cache_mb)[7]["b"], build(**settings)[7]["b"])


def test_mistakes_are_told():
    for name in ("a", "b", "empty", "c"):
        Path(name).mkdir()
    Image.new("RGB", (8, 8)).save("a/one.png")
    Image.new("RGB", (8, 8)).save("b/other.png")
    Image.new("RGB", (8, 8)).save("c/one.png")
    Image.new("RGB", (8, 8)).save("c/one.jpg")
    for settings, message in (
        ({"a": "a", "b": "b"}, "no picture has a partner: a/one.png has none in b"),
        ({"a": "a", "b": "c"}, "c/one.jpg and c/one.png have the same name"),
        ({"a": "a", "b": "empty"}, "no pictures in empty"),
        ({"a": "a"}, "--b missing"),
        ({"data": "."}, "holds no pictures itself, but sub-folders b, c"),
    ):
        if settings == {"data": "."}:
            shutil.rmtree("a")
        with pytest.raises(GanToolsError, match=message):
            build(**settings)


def test_an_odd_width_has_no_halves(caplog):
    Path("ab").mkdir()
    Image.new("RGB", (41, 20)).save("ab/odd.png")
    with pytest.raises(GanToolsError, match="none of the 1 pictures"):
        build(data="ab")
    assert "41 pixels wide: two halves need an even width" in caplog.text
