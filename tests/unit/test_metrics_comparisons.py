"""What an evaluation compares, on each kind of data."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image

from gantools import GanToolsError
from gantools.data.comparison import Comparison, Picture
from gantools.data.evaluated import caption_comparisons, domain_comparisons, paired_comparisons, unpaired_comparisons
from gantools.data.settings import CaptionSettings, DomainSettings, PairedSettings, UnpairedSettings
from gantools.inference.evaluation import evaluate


def draw(*names):
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (12, 8), "teal").save(path)


def names(pictures):
    return [picture.name for picture in pictures]


def test_unpaired_pictures_go_both_ways_and_back():
    draw("a/1.png", "a/2.jpg", "a/in/3.png", "b/2.png", "b/in/3.png", "b/4.png")
    there, back = unpaired_comparisons(UnpairedSettings(a="a", b="b"))
    assert (there.title, back.title) == ("a2b", "b2a")
    assert names(there.sources) == names(back.real) == ["1", "2", "in/3"]
    assert names(there.real) == names(back.sources) == ["2", "4", "in/3"]
    assert (there.truth, back.truth) == ((None, 0, 2), (1, None, 2))
    assert (there.options, there.back) == ({"direction": "a2b"}, ({"direction": "b2a"},) * 3)
    assert (back.options, back.back) == ({"direction": "b2a"}, ({"direction": "a2b"},) * 3)


@pytest.mark.parametrize("direction", ["a2b", "b2a"])
def test_pairs_in_two_folders(direction):
    draw("A/1.png", "A/in/2.png", "A/alone.png", "B/1.jpg", "B/in/2.png")
    (row,) = paired_comparisons(PairedSettings(data=".", direction=direction))
    first, second = ["A/1.png", "A/in/2.png"], ["B/1.jpg", "B/in/2.png"]
    sources, real = (first, second) if direction == "a2b" else (second, first)
    assert [str(one.path) for one in row.sources] == sources
    assert [str(one.path) for one in row.real] == real
    assert (row.title, row.truth, row.options, row.back) == (direction, (0, 1), {}, ())


@pytest.mark.parametrize("direction", ["a2b", "b2a"])
def test_pairs_side_by_side(direction):
    sides = Image.new("RGB", (12, 8), "red")
    sides.paste("blue", (6, 0, 12, 8))
    for name in "12":
        sides.save(f"{name}.png")
    (row,) = paired_comparisons(PairedSettings(data=".", direction=direction))
    colours = {"a2b": [(255, 0, 0), (0, 0, 255)], "b2a": [(0, 0, 255), (255, 0, 0)]}[direction]
    for source, real in zip(row.sources, row.real, strict=True):
        assert source.path == real.path
        assert [half.open().getcolors() for half in (source, real)] == [[(48, colour)] for colour in colours]
    assert (row.truth, names(row.sources)) == ((0, 1), ["1", "2"])


def test_pictures_of_folders_are_translated_into_each_domain():
    draw("data/cat/1.png", "data/cat/2.png", "data/dog/2.png", "data/owl/1.png", "data/owl/3.png")
    cat, dog, owl = domain_comparisons(DomainSettings(data="data"))
    assert [row.title for row in (cat, dog, owl)] == ["to cat", "to dog", "to owl"]
    assert names(dog.sources) == ["cat/1", "cat/2", "owl/1", "owl/3"]
    assert names(dog.real) == ["2"]
    assert dog.truth == (None, 0, None, None)
    assert cat.truth == (1, 0, None)
    assert dog.options == {"to": ["dog"]}
    assert dog.back == ({"to": ["cat"]}, {"to": ["cat"]}, {"to": ["owl"]}, {"to": ["owl"]})
    assert {name: len(pictures) for name, pictures in dog.domains.items()} == {"cat": 2, "dog": 1, "owl": 2}
    assert dog.domain == "dog"


def test_attributes_are_given_to_pictures_without_them():
    draw("1.png", "2.png", "3.png")
    Path("bits.csv").write_text("file,Smiling,Everywhere\n1.png,1,1\n2.png,-1,1\n3.png,0,1\n")
    (row,) = domain_comparisons(DomainSettings(data=".", attributes="bits.csv"))  # nobody can be given what all have
    assert (row.title, row.domain, row.options) == ("to Smiling", "Smiling", {"to": ["+Smiling"]})
    assert (names(row.sources), names(row.real), row.truth) == (["2", "3"], ["1"], ())
    assert row.back == ({"to": ["-Smiling"]},) * 2
    assert {name: names(pictures) for name, pictures in row.domains.items()} == {
        "Smiling": ["1"], "not Smiling": ["2", "3"],
    }  # fmt: skip


def test_weights_that_see_no_attributes_are_told_which_ones_a_picture_keeps():
    draw("1.png", "2.png", "3.png")
    Path("bits.csv").write_text("file,Smiling,Young\n1.png,1,1\n2.png,0,1\n3.png,0,0\n")
    smiling, _ = domain_comparisons(DomainSettings(data=".", attributes="bits.csv"), told=True)
    assert smiling.there() == [{"to": ["+Smiling"], "from_": "Young"}, {"to": ["+Smiling"], "from_": "none"}]
    assert smiling.back[0] == {"to": ["-Smiling"], "from_": "Young"}
    kept = smiling.without({Path("2.png")})
    assert (names(kept.sources), kept.there()) == (["3"], [{"to": ["+Smiling"], "from_": "none"}])


def test_words_in_a_file_are_domains_wherever_the_pictures_lie():
    draw("cat/1.png", "cat/2.png", "dog/1.png")
    Path("kinds.csv").write_text("file,kind\ncat/1.png,cat\ncat/2.png,dog\ndog/1.png,dog\n")
    cat, dog = domain_comparisons(DomainSettings(data=".", attributes="kinds.csv"))
    assert (names(cat.sources), cat.options) == (["dog/cat/2", "dog/dog/1"], {"to": ["cat"]})
    assert (names(dog.sources), names(dog.real)) == (["cat/1"], ["cat/2", "dog/1"])


def test_captions_are_painted_and_compared_with_their_picture():
    draw("birds/1.png", "birds/2.png", "birds/3.png")
    Path("birds/1.txt").write_text("a red bird\na bird\n")
    Path("birds/3.txt").write_text("a blue bird\n")
    (row,) = caption_comparisons(CaptionSettings(data="birds"))
    assert (row.title, row.prompts, names(row.real)) == ("captions", ("a red bird", "a blue bird"), ["1", "3"])
    assert (row.truth, row.sources) == ((0, 1), ())
    with pytest.raises(GanToolsError, match="--data missing"):
        caption_comparisons(CaptionSettings())


def test_pictures_of_one_name_do_not_overwrite_each_other(elsewhere):
    identity = SimpleNamespace(translate=lambda image, seed, **options: image, background=(255, 255, 255))
    for level, name in ((0, "in/x.png"), (100, "out/x.png")):
        for folder in "ab":
            Path(folder, name).parent.mkdir(parents=True)
            Image.new("RGB", (8, 8), (level,) * 3).save(Path(folder, name))
    rows = paired_comparisons(PairedSettings(a="a", b="b"))
    for level, name in ((0, "x.png"), (50, "x.bmp")):
        Image.new("RGB", (8, 8), (level,) * 3).save(name)
    both = (Picture("x", Path("x.png")), Picture("x", Path("x.bmp")))
    rows.append(Comparison("files", both, both, truth=(0, 1)))
    for row in evaluate(identity, rows, elsewhere / "made", ["l1"]):
        assert row.made["l1"].value == 0
    assert len(list(Path("made").rglob("*.png"))) == 4
