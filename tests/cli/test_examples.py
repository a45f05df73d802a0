"""The examples under the help: as they stand, on a terminal of 80 columns, and with flags that exist."""

import re

import pytest

from gantools.cli.examples import EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_shows_them(name, gantools_cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = gantools_cli(*name.split(), "--help").stdout
    assert max(map(len, shown.splitlines())) <= 80
    lines = [line.strip() for line in shown.splitlines()]
    for example in EXAMPLES[name]:
        assert example in lines
        task = example.split()[2:3] if name == "train" else []
        known = gantools_cli(*name.split(), *task, "--help").stdout
        assert set(re.findall(r"--[a-z-]+", example)) <= set(re.findall(r"--[a-z0-9-]+", known))
