"""Captions: three layouts, what is left out, and what is said of bad files."""

import subprocess
import sys

import pytest
from PIL import Image

from gantools import GanToolsError
from gantools.data.captions import clean_caption, read_captions


@pytest.fixture
def birds(elsewhere):
    """Three pictures without captions."""
    folder = elsewhere / "birds"
    folder.mkdir()
    for name in ("1.png", "2.png", "3.png"):
        Image.new("RGB", (8, 8)).save(folder / name)
    return folder


def found(folder):
    return {captioned.file.relative_to(folder).as_posix(): captioned.texts for captioned in read_captions(folder)}


def test_json_has_a_text_or_a_list_or_several_rows(birds):
    (birds / "metadata.jsonl").write_text(
        '\ufeff{"file_name": "3.png", "text": ["a bird", "a red bird"]}\n\n'
        '{"file_name": "1.png", "text": "an owl"}\n{"file_name": "1.png", "text": "an owl"}\n'
        '{"file_name": "./2.png", "text": "a crow", "colour": "black"}\n'
        '{"file_name": "2.png", "text": "it\u2028flies"}\n'
    )
    expected = {"1.png": ("an owl",), "2.png": ("a crow", "it flies"), "3.png": ("a bird", "a red bird")}
    assert found(birds) == expected
    assert list(found(birds)) == ["1.png", "2.png", "3.png"]


def test_csv_has_columns_and_quotes(birds):
    (birds / "metadata.csv").write_text(
        'n,file_name,text\r\n1,1.png,"a bird, red"\r\n2,2.png,"two\nlines"\r\n3,3.png,x'
    )
    assert found(birds) == {"1.png": ("a bird, red",), "2.png": ("two lines",), "3.png": ("x",)}


def test_text_files_beside_the_pictures_have_a_caption_a_line(birds):
    (birds / "sub").mkdir()
    (birds / "1.png").rename(birds / "sub" / "1.png")
    for name, text in {"sub/1.txt": "a bird\nan owl\n", "2.txt": "a crow", "3.txt": "a tit\n\n"}.items():
        (birds / name).write_text(text)
    assert found(birds) == {"2.png": ("a crow",), "3.png": ("a tit",), "sub/1.png": ("a bird", "an owl")}


def test_captions_become_one_clean_line():
    assert clean_caption(" a\tred\x00bird \ud800\n 🐦 ") == "a red bird 🐦"


def test_what_is_left_out_is_counted_once_with_an_example(birds, caplog):
    rows = [("1.png", "a bird"), ("1.png", " "), ("2.png", ""), ("8.png", "x"), ("9.png", "x"), ("9.png", "y")]
    (birds / "metadata.csv").write_text("file_name,text\n" + "".join(f"{file},{text}\n" for file, text in rows))
    assert found(birds) == {"1.png": ("a bird",)}
    assert caplog.messages == [
        f"left out: 2 pictures that {birds}/metadata.csv names are not there, such as {birds}/8.png",
        f"left out: 2 captions in {birds}/metadata.csv are empty, such as that of {birds}/1.png",
        f"left out: 2 pictures in {birds} have no caption, such as {birds}/2.png",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metadata.jsonl", b'{"file_name": "1.png", "text": "x"}\n{"file_name"\n', "line 2: not valid JSON: Expecting"),
        ("metadata.jsonl", b"[1]", "line 1: not an object"),
        ("metadata.jsonl", b'{"file_name": "1.png", "caption": 1}', "line 1: no text; there is file_name, caption"),
        ("metadata.jsonl", b'{"file_name": "1.png", "text": 3}', "line 1: file_name and text have to be strings"),
        ("metadata.jsonl", b'{"file_name": "1.png", "text": null}', "all 1 captions in .* are empty"),
        ("metadata.jsonl", b"", "metadata.jsonl holds no captions"),
        ("metadata.csv", b"image,text\n1.png,x\n", "no file_name; there is image, text"),
        ("metadata.csv", b"", "no file_name and no text; there is nothing"),
        ("metadata.csv", b"file_name,text\n1.png,a bird, red\n", "line 2: more values than columns"),
        ("metadata.csv", b"file_name,text\n1.png,ros\xe9\n", "metadata.csv is not UTF-8: byte 24"),
        ("metadata.csv", b"text,file_name\nx\n", "none of the 1 pictures"),
        ("metadata.csv", b"file_name,text\n7.png,x\n8.png,x\n", "none of the 2 pictures .* such as .*7.png"),
        ("2.txt", b"ros\xe9", "2.txt is not UTF-8"),
        ("2.txt", b"\n", "all 1 captions in .* are empty"),
        ("notes.txt", b"a bird", "birds has no captions\nhint: put metadata.jsonl or"),
        ("train/metadata.csv", b"", "birds has no captions\nhint: there are captions in .*train"),
    ],
)
def test_bad_files_are_explained(birds, name, content, message):
    (birds / name).parent.mkdir(exist_ok=True)
    (birds / name).write_bytes(content)
    with pytest.raises(GanToolsError, match=message):
        read_captions(birds)


def test_a_folder_that_is_not_there_is_explained(birds):
    with pytest.raises(GanToolsError, match=r"bird does not exist\nhint: did you mean `birds`"):
        read_captions(birds.with_name("bird"))


def test_reading_captions_imports_no_torch():
    code = "import sys, gantools.data.captions as c; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
