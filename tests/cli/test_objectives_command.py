"""`gantools objectives`: what is listed, what is shown, and that it can be typed as it is shown."""

import json
import logging
import re
import shlex
import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import yaml
from typer.testing import CliRunner

from gantools import hookimpl
from gantools.cli.app import app
from gantools.cli.objectives import _CHOICES
from gantools.cli.train import read_flags
from gantools.config import RunConfig
from gantools.objectives import Loss
from gantools.objectives.description import describe
from gantools.objectives.grammar import build_objective, find_recipe
from gantools.plugins import manager
from gantools.registry import PluginRecord
from gantools.training.run import resolve

ENTRIES = list(manager().objectives)
KEYS = ["name", "kind", "summary", "paper", "formula_d", "formula_g", "options"]
every_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


def gantools(command):
    return CliRunner().invoke(app, shlex.split(command))


def shown(name):
    result = gantools(f"objectives show {name}")
    assert result.exit_code == 0, result.stderr
    return result.stdout


@contextmanager
def registered(*entries):
    """Install a plugin with these objectives for a while."""

    def add(register):
        for entry in entries:
            register(*entry)

    plugin = SimpleNamespace(gantools_register_objectives=hookimpl(add))
    manager().register(plugin, PluginRecord("brittle", "gantools-brittle", "0.3"))
    try:
        yield
    finally:
        manager().unregister("brittle")


def test_the_list_has_every_entry_under_its_kind():
    result = gantools("objectives")
    assert result.exit_code == 0
    headings = {"losses": "loss", "penalties": "penalty", "constraints": "constraint", "recipes": "recipe"}
    found, kind = [], ""
    for line in result.stdout.partition("\nto choose")[0].splitlines():
        word = line.split(" ")[0]
        kind = headings.get(word, kind)
        if re.match(r"  \S", line):
            found.append((kind, line.split()[0]))
    assert sorted(found) == sorted((entry.kind, entry.name) for entry in ENTRIES)
    assert "gantools objectives show" in result.stderr


@pytest.mark.parametrize("flags", [flags for _, flags in _CHOICES])
def test_what_the_list_advises_can_be_typed(flags):
    words = re.sub(r" \(.*|, .*", "", flags)
    settings = read_flags("cyclegan", shlex.split(words))
    assert settings
    build_objective(RunConfig(**settings))


def test_json_has_the_fixed_keys_and_all_formulas():
    listed = json.loads(gantools("objectives --json").stdout)
    assert [list(item) for item in listed] == [KEYS] * len(ENTRIES)
    assert [item["name"] for item in listed] == [entry.name for entry in ENTRIES]
    gp = next(item for item in listed if item["name"] == "gp")
    assert gp["formula_d"] == "E (‖∇D(u x + (1 - u) G(z))‖₂ - 1)²,  u ~ U[0, 1]"
    assert gp["options"][0] == {"name": "weight", "type": "float", "default": 10.0, "help": "λ, ≥ 0"}
    one = json.loads(gantools("objectives show gp --json").stdout)
    assert {key: one[key] for key in KEYS} == gp
    assert json.loads(gantools("objectives --json show gp").stdout) == one


@every_entry
def test_every_entry_says_all_there_is_to_say(entry):
    described = describe(entry)
    assert described.paper
    assert described.use
    assert described.formula_d or described.formula_g
    assert entry.kind not in {"loss", "recipe"} or (described.formula_d and described.formula_g and described.minimises)
    assert not entry.name.startswith("f-") or (described.f and described.conjugate and described.activation)
    assert all(option.help for option in described.options), "an option without a help text"
    assert all(option.type in {"int", "float", "bool"} or "|" in option.type for option in described.options)


@every_entry
def test_what_is_shown_fits_80_columns_and_can_be_pasted(entry):
    text = shown(entry.name)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert not [line for line in lines if line != line.rstrip()]  # spaces behind a backslash would end the command
    flat = " ".join(text.split())
    described = describe(entry)
    for words in (described.formula_d, described.formula_g, described.paper, described.use, described.minimises):
        assert all(" ".join(part.split()) in flat for part in re.split(r",  | \+ (?=[\d.]+ · )", words)), words
    commands = [command.replace("\\\n", " ") for command in re.findall(r"gantools train (?:[^\n]*\\\n)*[^\n]*", text)]
    *in_the_plane, on_pictures = (shlex.split(command)[2:] for command in commands)
    settings = read_flags(on_pictures[0], on_pictures[1:])
    build_objective(resolve(on_pictures[0], settings)[1])
    asked = [settings.get("objective", ""), *settings.get("penalty", []), *settings.get("constraint", [])]
    assert entry.name in asked
    for words in in_the_plane:
        assert words[:3] == ["toy", "--data", "ring8"]
        assert words[3:] == on_pictures[5 : 2 + len(words)]


def test_names_without_torch():
    code = "import sys; from gantools.cli.app import app; app(['objectives'], standalone_mode=False)\n"
    code += "assert not {'torch', 'numpy', 'matplotlib'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES if entry.kind == "recipe"])
def test_a_recipe_is_the_same_as_its_flags(name, folders):
    flags = re.search(r"same as ((?:.*\\\n)*.*)", shown(name)).group(1).replace("\\\n", " ")
    data = f"--a {folders['a']} --b {folders['b']} --batch-size 4 --dry-run"
    whole, taken_apart = (
        yaml.safe_load(gantools(f"train cyclegan {data} {words}").stdout) for words in (f"--objective {name}", flags)
    )
    put_together = {"objective", "penalty", "constraint"}
    assert {k: v for k, v in whole.items() if k not in put_together} == {
        k: v for k, v in taken_apart.items() if k not in put_together
    }
    assert find_recipe(name).loss == taken_apart["objective"]
    one, other = (
        build_objective(RunConfig(batch_size=4, **{key: settings[key] for key in put_together}))
        for settings in (whole, taken_apart)
    )
    assert (one.loss, one.penalties, list(one.constraints)) == (other.loss, other.penalties, list(other.constraints))


def test_recipes_add_up_weights_penalties_and_constraints():
    text = shown("ct-gan")
    assert (
        "-E D(x) + E D(G(z))\n             + 10 · E (‖∇D(u x + (1 - u) G(z))‖₂ - 1)²\n             + 2 · E max" in text
    )
    assert "with w ← min(max(w, -c), c)" in shown("wgan-clip")
    assert "Σ" in describe(manager().objectives.get("ebgan-pt")).formula_g


def test_the_members_of_the_f_gan_family_show_f_conjugate_and_activation():
    text = shown("f-neyman")
    assert "f(u) = (1 - u)² / u" in text
    assert "f*(t) = 2 - 2 √(1 - t),  t < 1" in text
    assert "a(v) = 1 - exp(-v)" in text
    assert "generator  saddle   saddle|nonsaturating: " in text


def test_an_unknown_name_gets_close_matches():
    result = gantools("objectives show wgan-pg")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "unknown objective `wgan-pg`" in result.stderr
    assert "did you mean `wgan-gp`" in result.stderr


class Plain(Loss):
    """A loss without options that says nothing of itself, as an author may leave it."""


def test_an_entry_that_cannot_be_imported_is_one_warned_row(caplog, monkeypatch):
    monkeypatch.delenv("GANTOOLS_STRICT", raising=False)
    broken = ("shaky", "loss", "gantools_brittle.missing:Shaky", "a loss of a plugin")
    plain = ("plain", "loss", f"{__name__}:Plain", "a bare loss")
    with registered(broken, plain):
        assert "a loss of a plugin" in gantools("objectives").stdout
        with caplog.at_level(logging.WARNING, "gantools"):
            listed = json.loads(gantools("objectives --json").stdout)
        row, other = listed[-2:]
        assert row == {**dict.fromkeys(KEYS, ""), "name": "shaky", "kind": "loss", "summary": broken[3], "options": []}
        assert (other["name"], other["options"]) == ("plain", [])
        (message,) = caplog.messages
        assert "the loss `shaky` of plugin `brittle` (gantools-brittle 0.3) cannot be used" in message
        result = gantools("objectives show shaky")
        assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True)
        assert "error: the loss `shaky`" in result.stderr
        assert "--objective plain" in shown("plain")
        monkeypatch.setenv("GANTOOLS_STRICT", "1")
        assert isinstance(gantools("objectives show shaky").exception, ModuleNotFoundError)
