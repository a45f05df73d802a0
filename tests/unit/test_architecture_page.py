"""The map of the code is true: its layers are those of the contract, and the files it names are there."""

import re
import tomllib

import pytest


@pytest.fixture(scope="module")
def page(pytestconfig):
    return (pytestconfig.rootpath / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_its_layers_are_those_that_are_checked(page, pytestconfig):
    settings = tomllib.loads((pytestconfig.rootpath / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    checked = [line.replace("gantools.", "").split(" | ") for line in layers]
    lines = page.split("```text\n")[1].split("───")[0].splitlines()
    drawn = [re.split(r"\s{2,}", line)[0].split(", ") for line in lines]
    assert drawn == checked


def test_the_files_it_names_are_there(page, pytestconfig):
    named = set(re.findall(r"(?<![\w./])((?:plugins/)?[\w/]+\.py)\b", page)) - {"config.py"}
    assert len(named) > 10
    roots = (pytestconfig.rootpath, pytestconfig.rootpath / "gantools")
    assert not [name for name in named if not any((root / name).exists() for root in roots)]
