"""The examples under the help: for every command, on a terminal of 80 columns, and with flags that exist."""

import re
import shlex
from functools import cache

import pytest

from tests.cli.commands import commands

COMMANDS = dict(commands())


@cache
def flags(words: str) -> set[str]:
    return {flag for parameter in COMMANDS[words].params for flag in (*parameter.opts, *parameter.secondary_opts)}


def called(example: str) -> str:
    """Return the longest name of a command that an example begins with."""
    words = shlex.split(example)[1:]
    names = (" ".join(words[:count]) for count in range(len(words), 0, -1))
    return next(name for name in names if name in COMMANDS)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_some(words, gantools_cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = gantools_cli(*words.split(), "--help").stdout
    assert max(map(len, shown.splitlines())) <= 80
    heading, *examples = (COMMANDS[words].epilog or "Examples:").split("\n\n")
    assert heading == "Examples:"
    assert examples or words == "lab"
    lines = [line.strip() for line in shown.splitlines()]
    for example in (line.replace("\\[", "[") for line in examples):
        assert example in lines
        assert set(re.findall(r"(?<= )--?[a-z][a-z0-9-]*", example.partition('"')[0])) <= flags(called(example))
