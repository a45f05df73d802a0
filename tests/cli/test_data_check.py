"""`gantools data check`: what is in a folder is recognised, and what is wrong is named."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from gantools.text.source import DEFAULT_SHA256
from tests.conftest import EXAMPLES


def pictures(style: str, count: int = 6) -> list[Path]:
    return sorted((EXAMPLES / style).glob("*.png"))[:count]


def put(files: list[Path], folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copy(file, folder)


def side_by_side(folder: str) -> None:
    Path(folder).mkdir(parents=True)
    for file in pictures("outline"):
        pair = Image.new("RGB", (128, 64))
        for left, style in ((0, "outline"), (64, "openmoji")):
            with Image.open(EXAMPLES / style / file.name) as image:
                pair.paste(image, (left, 0))
        pair.save(Path(folder, file.name))


def captions(folder: str) -> None:
    put(pictures("noto"), folder)
    for number, file in enumerate(sorted(Path(folder).iterdir())):
        file.with_suffix(".txt").write_text(f"thing {number}")


def attributes(folder: str) -> None:
    put(pictures("noto"), f"{folder}/img")
    rows = [
        f"{file.name} {number % 2 * 2 - 1} {number // 2 % 2 * 2 - 1}" for number, file in enumerate(pictures("noto"))
    ]
    Path(folder, "list_attr_celeba.txt").write_text("\n".join(["6", "Old Happy", *rows]))


def domains(folder: str) -> None:
    for style in ("noto", "twemoji", "outline"):
        put(pictures(style), f"{folder}/{style}")


def unpaired(folder: str) -> None:
    put(pictures("noto"), f"{folder}/trainA")
    put(pictures("fluent3d"), f"{folder}/trainB")
    put(pictures("test/noto"), f"{folder}/testA")


@pytest.mark.parametrize(
    ("make", "task", "flags"),
    [
        (side_by_side, "pix2pix", "--data set"),
        (captions, "text2image", "--data set"),
        (attributes, "stargan", "--data set --attributes set/list_attr_celeba.txt"),
        (domains, "stargan", "--data set"),
        (unpaired, "cyclegan", "--a set/trainA --b set/trainB"),
    ],
)
def test_a_layout_is_recognised_and_the_command_it_ends_with_reads_it(gantools_cli, make, task, flags):
    make("set")
    result = gantools_cli("data", "check", "set", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["next"].startswith(f"gantools train {task} {flags} --size 64")
    assert found["problems"] == []
    assert not Path("data-check.png").exists()  # JSON writes nothing unasked
    encoder = ["--text-dim", "8", "--text-sha256", DEFAULT_SHA256]  # so that none is loaded
    known = encoder if task == "text2image" else []
    dry = gantools_cli(*found["next"].split()[1:], *known, "--dry-run")
    assert dry.exit_code == 0, dry.stderr


def test_what_is_wrong_is_named_and_exits_with_3(gantools_cli):
    put(pictures("outline", 9), "set/A")
    put(pictures("openmoji", 7), "set/B")
    first, second, third, fourth, *_ = sorted(Path("set/A").iterdir())
    Path("set/A/half.png").write_bytes(first.read_bytes()[:300])
    shutil.copy(first, "set/A/copy.png")
    put([second], "set/test")
    with Image.open(third) as image:
        image.convert("RGB").resize((90, 90)).save("set/A/larger.jpg", quality=80)
    Image.new("RGB", (64, 32)).save(Path("set/B", fourth.name))

    result = gantools_cli("data", "check", "set", "--json", "--out", "sheet.png")
    found = json.loads(result.stdout)
    assert result.exit_code == 3
    assert found["layout"] == "two folders, paired by name"
    assert found["counts"] == {"A": 11, "B": 7}
    assert found["held_out"] == 1
    assert found["duplicates"]["exact"] == [[str(first), "set/A/copy.png"]]
    assert [str(third), "set/A/larger.jpg"] in found["duplicates"]["near"]
    problems = "\n".join(found["problems"])
    assert "set/A/half.png cannot be read: image file is truncated" in problems
    assert "set/A/copy.png has no partner in set/B" in problems
    assert f"{fourth} and set/B/{fourth.name} are of different shape, 64 x 64 and 64 x 32" in problems
    assert f"set/test/{second.name} is a test picture, and in the training set too" in problems
    with Image.open("sheet.png") as sheet:
        assert sheet.width > 200

    shown = gantools_cli("data", "check", "set")
    assert shown.exit_code == 3
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "train:      gantools train pix2pix --a set/A --b set/B" in shown.stderr


def test_the_same_picture_in_two_kinds_and_far_too_few_of_one(gantools_cli):
    put(pictures("noto", 13), "a")
    put([pictures("noto")[3]], "b")
    found = json.loads(gantools_cli("data", "check", "a", "b", "--task", "cyclegan", "--json").stdout)
    assert found["problems"] == [f"the same picture is in a and b: a/{pictures('noto')[3].name}"]
    assert any("b has 1 pictures and another kind 13" in line for line in found["advice"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "folder nowhere does not exist"),
        (["."], "no pictures in ."),
        ([str(EXAMPLES / "noto"), "--task", "stargam"], "did you mean `stargan`?"),
        ([str(EXAMPLES / "noto"), "--task", "cyclegan"], "is not laid out for data of the kind `unpaired`"),
    ],
)
def test_what_cannot_be_trained_on_is_one_error(gantools_cli, words, message):
    result = gantools_cli("data", "check", *words)
    assert result.exit_code == 1
    assert message in result.stderr


def test_a_single_folder_and_pictures_that_are_no_pairs_are_told_of(gantools_cli, tmp_path):
    (tmp_path / "twelve").mkdir()
    for path in sorted((EXAMPLES / "noto").glob("*.png"))[:12]:
        (tmp_path / "twelve" / path.name).symlink_to(path)
    found = json.loads(gantools_cli("data", "check", "twelve", "--json").stdout)
    for words in ("trains nothing by itself", "--augment color,translation,cutout", "--size 64 is enough"):
        assert any(words in line for line in found["advice"])
    forced = json.loads(gantools_cli("data", "check", "twelve", "--task", "pix2pix", "--json").stdout)
    assert any("not twice as wide as high" in line for line in forced["advice"])
    (tmp_path / "a b.mp4").touch()
    assert "gantools data prepare 'a b.mp4'" in gantools_cli("data", "check", "a b.mp4").stderr
