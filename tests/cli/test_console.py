"""Names and prompts may hold anything; a terminal is told nothing by them."""

import shutil

import pytest

from gantools.terminal import harmless
from tests.conftest import EXAMPLES

PICTURE = EXAMPLES / "test" / "outline" / "26f4.png"
NAMES = ["[red]x.png", "new\nline.png", "escape\x1b[31m.png", "bell\x07\x9b.png", "日本.png", "CON.png", "a b'c.png"]


def test_control_characters_are_spelled_out_and_nothing_else_is():
    assert harmless("a\x1b[31m\x07\x9b\r") == r"a\x1b[31m\x07\x9b\r"
    assert harmless("日本\t[red]\n") == "日本\t[red]\n"
    assert harmless("\u202egnp.\udcff") == r"\u202egnp.\udcff"


@pytest.mark.parametrize("name", NAMES)
def test_pictures_of_any_name_are_translated_and_spoken_of(name, gantools_cli, tmp_path):
    (tmp_path / "in").mkdir()
    shutil.copy(PICTURE, tmp_path / "in" / name)
    result = gantools_cli("translate", "in", "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "out" / name).is_file()
    (tmp_path / "in" / name).write_bytes(b"broken")
    result = gantools_cli("translate", "in", "-o", "again")
    assert result.exit_code == 1
    assert "is not a picture" in result.stderr
    assert not {"\x1b", "\x07", "\x9b"} & set(result.stderr)
