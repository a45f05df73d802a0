"""Every hook has a row in the docs and a test, and the docs' example is the one that is tested."""

import inspect
import re

import pytest

from gantools.hookspecs import Hooks

HOOKS = {name: function for name, function in vars(Hooks).items() if name.startswith("gantools_")}


@pytest.fixture(scope="module")
def docs(pytestconfig):
    return (pytestconfig.rootpath / "docs" / "plugins.md").read_text(encoding="utf-8")


def test_every_hook_has_a_row_with_its_arguments(docs):
    rows = re.findall(r"^\| `(gantools_\w+)` \| (.*?) \| (.+) \|$", docs, flags=re.MULTILINE)
    documented = {name: re.findall(r"`(\w+)`", arguments) for name, arguments, _ in rows}
    assert documented == {name: list(inspect.signature(hook).parameters)[1:] for name, hook in HOOKS.items()}
    assert [name for name, _, _ in rows] == list(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_test(hook, pytestconfig):
    source = (pytestconfig.rootpath / "tests" / "plugins" / "test_hooks.py").read_text(encoding="utf-8")
    assert f"def test_{hook}(" in source
    assert re.search(rf"\b{hook}=|\"{hook}\":", source), f"nothing in test_hooks.py implements {hook}"


def test_the_example_in_the_docs_is_the_tested_one(docs, example):
    files = [example / "pyproject.toml", *example.rglob("*.py")]
    assert len(files) == 3
    for path in files:
        name = path.relative_to(example).as_posix()
        _, _, after = docs.partition(f"`{name}`")
        assert re.search(r"```\w+\n(.*?)```", after, flags=re.DOTALL).group(1) == path.read_text(encoding="utf-8"), name
