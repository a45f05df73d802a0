"""The command lines of the documentation: found in the fenced blocks of its pages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), ROOT / "weights" / "README.md"]
_FENCE = re.compile(r"^\s*```(\w*)\s*$")
_MARK = re.compile(r"^\s*<!-- ((?:needs|takes): .+?) -->\s*$")
_SHELL = {"", "sh", "bash", "console"}
_CALL = re.compile(r"(?:^|[\s/'\"])gantools (?=[\w-])")
_END = {"&&", ";", "|", "||", ">", "2>", "…"}


class Command(NamedTuple):
    """A command line, where it stands, and the marks of its block, such as "needs: gpu"."""

    page: str
    line: int
    words: tuple[str, ...]
    marks: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {shlex.join(self.words)}"


def commands(page: Path) -> Iterator[Command]:
    """Yield the commands of a page; ValueError if a line names gantools and cannot be read."""
    name = page.relative_to(ROOT).as_posix()
    for number, text, marks in _lines(page.read_text(encoding="utf-8")):
        calls = len(_CALL.findall(re.split(r"\s#", text)[0]))
        found = list(_calls(text))
        if len(found) != calls:
            raise ValueError(f"{name}:{number}: {calls} calls of gantools, of which {len(found)} can be read: {text}")
        for words in found:
            yield Command(name, number, tuple(words), marks)


def _lines(text: str) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield the lines of shell blocks, joined where they go on, with their numbers and the marks of their block."""
    inside, marks, held = False, [], ""
    shell = False
    for number, line in enumerate(text.splitlines(), 1):
        fence = _FENCE.match(line)
        if fence and not inside:
            inside, shell = True, fence[1] in _SHELL
        elif fence:
            inside, marks = False, []
        elif inside and shell:
            held += line.removesuffix("\\")
            if not line.endswith("\\"):
                yield number, held.strip(), tuple(marks)
                held = ""
        elif not inside and line.strip():
            mark = _MARK.match(line)
            marks = [*marks, mark[1]] if mark else []


def _calls(text: str) -> Iterator[list[str]]:
    """Yield the words behind each call of gantools in a line of shell; also in one that is quoted whole."""
    words = shlex.split(text, comments=True)
    for place, word in enumerate(words):
        if " gantools " in f" {word} " and " " in word.strip():
            yield from _calls(word)
        elif word == "gantools" or word.endswith("/gantools"):
            rest = words[place + 1 :]
            end = next((i for i, other in enumerate(rest) if other in _END), len(rest))
            if rest[:end]:
                yield rest[:end]
