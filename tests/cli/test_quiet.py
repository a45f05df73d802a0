"""`--quiet` of every command: results and what is wrong stay, all else is left out."""

import pytest

from tests.cli.commands import commands
from tests.conftest import EXAMPLES


def test_every_command_has_it():
    for words, command in commands():
        if not getattr(command, "commands", {}) or command.invoke_without_command:
            assert {"--quiet", "-q"} <= {flag for option in command.params for flag in option.opts}, words


@pytest.mark.parametrize(
    "words",
    ["weights list", "objectives", "data get", f"data check {EXAMPLES}/noto {EXAMPLES}/fluent3d", "plugins new mine",
     f"data prepare {EXAMPLES}/noto -o set", "weights verify emoji-colour"],
)  # fmt: skip
def test_it_leaves_the_results(words, gantools_cli, tmp_path):
    quiet = gantools_cli(*words.split(), "-q")
    assert (quiet.exit_code, quiet.stderr) == (0, "")
    assert quiet.stdout


def test_a_group_hands_it_on_and_the_next_command_talks_again(gantools_cli):
    assert gantools_cli("objectives", "--quiet").stderr == ""
    assert gantools_cli("objectives").stderr
    assert gantools_cli("resume", "nothing", "-q").stderr.startswith("error: ")
