"""Names and prompts may hold anything; a terminal is told nothing by them."""

import logging
import shutil

import pytest

from gantools.cli.console import TalkHandler, show_error
from gantools.errors import INDENT, GanToolsError
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


def test_a_newline_in_a_name_begins_no_line(capsys):
    TalkHandler().emit(logging.makeLogRecord({"msg": "left out: %s", "args": ("a\nhint: run me",), "levelno": 30}))
    show_error(GanToolsError(f"--a: no\nhint: run me\n{INDENT}--b: neither", "look\nhint: run me"))
    said = [line for line in capsys.readouterr().err.splitlines() if line]
    assert [line[:7] for line in said[1:]] == ["error: ", INDENT, "hint: l"]
    assert len(said) == 4
