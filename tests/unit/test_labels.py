"""Labels: from sub-folders, from CelebA's layout, from CSVs, and what is said of bad ones."""

import pytest
from PIL import Image

from gantools import GanToolsError
from gantools.data.labels import read_labels, read_sets, warn_of_gaps
from gantools.data.table import read_table


def pictures(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        Image.new("RGB", (8, 8)).save(folder / name)


@pytest.fixture
def faces(elsewhere):
    """Four pictures, and their attributes in three layouts."""
    pictures(elsewhere / "faces", "1.png", "2.png", "3.png", "4.png")
    (elsewhere / "celeba.txt").write_text("4\nSmiling Young\n1.png 1 -1\n2.png -1 -1\n3.png 1 1\n4.png -1 1\n")
    (elsewhere / "bits.csv").write_text("file,Dark,Fair\n1.png,1,0\n2.png,0,1\n3.png,0,1\n4.png,1,0\n")
    (elsewhere / "words.csv").write_text(
        "file,style,Old\n1.png,noto,1\n2.png,fluent,0\n3.png,noto,1\n4.png,twemoji,0\n"
    )
    return elsewhere


def test_sub_folders_are_exclusive_domains(elsewhere):
    pictures(elsewhere / "styles" / "noto", "a.png", "b.png")
    pictures(elsewhere / "styles" / "fluent", "a.png")
    found = read_labels(elsewhere / "styles", None, [])
    assert (found.names, found.kind) == (("fluent", "noto"), "exclusive")
    assert list(map(tuple, found.labels)) == [(1, 0), (0, 1), (0, 1)]
    assert read_labels(elsewhere / "styles", None, ["noto", "fluent"]).names == ("noto", "fluent")


def test_celebas_attributes_are_independent(faces):
    found = read_labels(faces / "faces", faces / "celeba.txt", [])
    assert (found.names, found.kind) == (("Smiling", "Young"), "independent")
    assert list(map(tuple, found.labels)) == [(1, 0), (0, 0), (1, 1), (0, 1)]
    assert found.counts() == {"Smiling": 2, "Young": 2}
    assert b"".join(read_labels(faces / "faces", faces / "celeba.txt", ["Young"]).labels) == b"\0\0\1\1"


def test_the_pictures_may_be_of_another_format_than_the_file_says(faces):
    (faces / "jpg.txt").write_text("2\nSmiling\n1.jpg 1\n5.jpg -1\n")
    found = read_labels(faces / "faces", faces / "jpg.txt", [])
    assert [path.name for path in found.files] == ["1.png"]
    assert found.missing == ("5.jpg",)


def test_a_file_is_read_once_until_it_changes(faces, caplog):
    first = read_table(faces / "celeba.txt")
    assert read_table(faces / "celeba.txt") is first
    (faces / "celeba.txt").write_text("4\nSmiling\n1.png 1\n")
    assert not caplog.messages
    assert read_table(faces / "celeba.txt").header == ("Smiling",)
    assert [message.split(" says ")[1] for message in caplog.messages] == ["that it has 4 rows, but has 1"]


def test_a_column_may_hold_more_words_than_a_byte_counts(faces):
    (faces / "many.csv").write_text("file,number\n" + "".join(f"{i}.png, {i % 300}\n" for i in range(9000)))
    (column,) = read_table(faces / "many.csv").columns
    assert [column.words[number] for number in column.numbers] == [str(i % 300) for i in range(9000)]


def test_columns_of_which_one_holds_are_exclusive(faces):
    assert read_labels(faces / "faces", faces / "bits.csv", []).kind == "exclusive"


def test_a_column_of_words_names_domains_and_they_can_be_selected(faces):
    found = read_labels(faces / "faces", faces / "words.csv", ["style"])
    assert (found.names, found.kind) == (("fluent", "noto", "twemoji"), "exclusive")
    some = read_labels(faces / "faces", faces / "words.csv", ["noto", "twemoji"])
    assert [path.name for path in some.files] == ["1.png", "3.png", "4.png"]
    assert list(map(tuple, some.labels)) == [(1, 0), (1, 0), (0, 1)]


def test_two_sets_take_their_attributes_in_order(faces):
    pictures(faces / "styles" / "noto", "a.png")
    pictures(faces / "styles" / "fluent", "a.png")
    sets = read_sets([faces / "styles", faces / "faces"], [faces / "celeba.txt"], [])
    assert [found.kind for found in sets] == ["exclusive", "independent"]


@pytest.mark.parametrize(
    ("text", "select", "message"),
    [
        ("file,A\n1.png,1\n2.png\n", [], "row 3: 0 values for 1 attributes"),
        ("file,A\n9.png,1\n8.png,0\n", [], "none of the 2 pictures"),
        ("file,A\n", [], "holds no rows"),
        ("YYYrpy\n1.png -1 1 -1\n", [], "has no attributes beside the file names"),  # found by fuzzing, as the next
        (",\n,,3\n", [], "none of the 0 pictures"),
        ("file,Smiling\n1.png,1\n", ["Smilin"], "no attribute `Smilin`"),
    ],
)
def test_bad_files_are_explained(faces, text, select, message):
    (faces / "bad.csv").write_text(text)
    with pytest.raises(GanToolsError, match=message):
        read_labels(faces / "faces", faces / "bad.csv", select)


def test_missing_pictures_and_rare_attributes_are_warned_of(faces, caplog):
    (faces / "more.csv").write_text("file,A\n" + "1.png,0\n2.png,0\n3.png,0\n4.png,0\n5.png,1\n")
    warn_of_gaps(read_labels(faces / "faces", faces / "more.csv", []))
    assert "5.png" in caplog.text
    assert "0 of 4 pictures are A" in caplog.text


def test_bad_folders_are_explained(elsewhere):
    pictures(elsewhere / "one" / "noto", "a.png")
    with pytest.raises(GanToolsError, match="one domain only"):
        read_labels(elsewhere / "one", None, [])
    (elsewhere / "one" / "empty").mkdir()
    with pytest.raises(GanToolsError, match="no pictures in"):
        read_labels(elsewhere / "one", None, [])
    with pytest.raises(GanToolsError, match="does not exist"):
        read_labels(elsewhere / "none", None, [])


@pytest.mark.parametrize("name", ["a,b", " lead", "+plus", "-minus", "all"])
def test_names_that_to_cannot_spell_are_refused(elsewhere, name):
    pictures(elsewhere / "styles" / name, "a.png")
    pictures(elsewhere / "styles" / "noto", "a.png")
    with pytest.raises(GanToolsError, match="cannot be the name of a domain"):
        read_labels(elsewhere / "styles", None, [])


def test_kinds_that_are_asked_for_have_to_fit(faces):
    with pytest.raises(GanToolsError, match=r"2.png is of 0 domains, and exclusive ones are asked for"):
        read_sets([faces / "faces"], [faces / "celeba.txt"], [], ["exclusive"])
    with pytest.raises(GanToolsError, match="--labels is given 2 times for 1 data sets"):
        read_sets([faces / "faces"], [faces / "celeba.txt"], [], ["independent", "exclusive"])
    sets = read_sets([faces / "faces"], [faces / "words.csv"], ["noto,noto, twemoji"])
    assert sets[0].names == ("noto", "twemoji")
    with pytest.raises(GanToolsError, match="two data sets have a domain `Smiling`"):
        read_sets([faces / "faces"] * 2, [faces / "celeba.txt"] * 2, [])


def test_one_wrong_cell_is_named_and_blank_words_are_no_domain(faces):
    (faces / "wrong.csv").write_text("file,A,B\n1.png,1,0\n2.png,0,7\n3.png,1,1\n")
    with pytest.raises(GanToolsError, match=r"B of 2.png is `7`"):
        read_labels(faces / "faces", faces / "wrong.csv", [])
    (faces / "blank.csv").write_text("file;style\n1;noto\nfaces/2.PNG;\nfaces/3.PNG;fluent\n")
    found = read_labels(faces / "faces", faces / "blank.csv", [])
    assert found.names == ("fluent", "noto")
    assert [path.name for path in found.files] == ["1.png", "3.png"]


def test_captions_are_no_domains(faces):
    (faces / "captions.csv").write_text("file,caption\n" + "".join(f"{i}.png,picture {i}\n" for i in range(30)))
    with pytest.raises(GanToolsError, match="30 different words for 30 pictures"):
        read_labels(faces / "faces", faces / "captions.csv", [])
