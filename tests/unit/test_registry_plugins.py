"""Registries and the plugin manager: a broken plugin is named, left out, and breaks nothing else."""

import inspect
import logging
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from gantools import builtin, plugins
from gantools.config import Options, RunConfig
from gantools.errors import GanToolsError
from gantools.hookspecs import Hooks, hookimpl
from gantools.plugins import PluginManager, TaskInfo
from gantools.registry import PluginRecord, Registry, load_object, suggestion
from gantools.task import Task

HOOKS = {name: hook for name, hook in vars(Hooks).items() if not name.startswith("_")}
DOCS = Path(__file__).parents[2] / "docs" / "plugins.md"


def info(name):
    return TaskInfo(name=name, summary="a task", data="unpaired", config="m:Config", task="m:Task")


def plugin(**hooks):
    return SimpleNamespace(**{f"gantools_{name}": hookimpl(function) for name, function in hooks.items()})


def registers(*names):
    def register_tasks(register):
        for name in names:
            register(info(name))

    return register_tasks


@pytest.fixture(autouse=True)
def _lenient(monkeypatch):
    monkeypatch.delenv("GANTOOLS_STRICT", raising=False)


@pytest.fixture
def manager():
    """A manager with the core and one good plugin, which brings the task `good` and counts what it observes."""
    manager = PluginManager()
    manager.register(builtin, PluginRecord("core", "gantools", "1"))
    manager.observed = []

    def observe(step):
        manager.observed.append(step)

    good = plugin(
        register_tasks=registers("good"),
        step_logged=observe,
        find_weights=lambda reference: Path("found") if reference == "good://1" else None,
    )
    manager.register(good, PluginRecord("good", "gantools-good", "1.2"))
    return manager


def raises_while_registering(register):
    register(info("half"))
    raise RuntimeError("no such thing")


def wrong_argument(run, result):
    """Take an argument that the hook does not have."""


BROKEN = {
    "a duplicate task": (plugin(register_tasks=registers("new", "good")), "`good` is registered by both"),
    "a misspelled hook": (plugin(register_tasks=registers("new"), register_taks=registers("x")), "register_taks"),
    "an exception": (plugin(register_tasks=raises_while_registering), "no such thing"),
    "a wrong argument": (plugin(register_tasks=registers("new"), run_finished=wrong_argument), "result"),
    "the module of another plugin": (builtin, "module is that of plugin `core`"),
    "a duplicate objective": (
        plugin(register_objectives=lambda register: register("gp", "penalty", "m:GP", "another")),
        "objective `gp` is registered by both",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_recorded_and_leaves_nothing_behind(case, manager):
    module, reason = BROKEN[case]
    objectives = manager.objectives.names()
    manager.register(module, PluginRecord("bad", "gantools-bad", "0.1"))
    assert reason in manager.records["bad"].error
    assert manager.tasks.names() == ["good"]
    assert manager.objectives.names() == objectives
    assert manager.tasks.origin("good").name == "good"
    assert manager.records["core"].error is manager.records["good"].error is None
    manager.call("gantools_step_logged", run=None, step=1, values={})
    assert manager.observed == [1]
    manager.register(plugin(register_tasks=registers("later")), PluginRecord("later", "gantools-later", "1"))
    assert manager.tasks.names() == ["good", "later"]


@pytest.mark.parametrize("case", BROKEN)
def test_strict_mode_raises_instead(case, manager, monkeypatch):
    monkeypatch.setenv("GANTOOLS_STRICT", "1")
    module, reason = BROKEN[case]
    with pytest.raises(Exception, match=reason):
        manager.register(module, PluginRecord("bad", "gantools-bad", "0.1"))


def test_a_duplicate_names_both_plugins(manager):
    manager.register(plugin(register_tasks=registers("good")), PluginRecord("twin", "gantools-twin", "3"))
    error = manager.records["twin"].error
    assert "plugin `good` (gantools-good 1.2)" in error
    assert "plugin `twin` (gantools-twin 3)" in error


def test_a_good_plugin_is_recorded_with_its_hooks(manager):
    assert manager.records["good"].error is None
    assert manager.records["good"].hooks == [
        "gantools_find_weights", "gantools_register_tasks", "gantools_step_logged"
    ]  # fmt: skip
    assert "gantools_register_objectives" in manager.records["core"].hooks


def test_an_observer_that_raises_is_warned_of_once_and_not_asked_again(manager, caplog):
    calls = []

    def step_logged(step):
        calls.append(step)
        raise ValueError("full disk")

    bad = plugin(register_tasks=registers("bad"), step_logged=step_logged)
    manager.register(bad, PluginRecord("bad", "gantools-bad", "0.1"))
    log = logging.getLogger("gantools")
    log.addHandler(caplog.handler)
    run = SimpleNamespace(config=SimpleNamespace(tensorboard=False))
    for step in (1, 2):
        manager.call("gantools_step_logged", run=run, step=step, values={})
    log.removeHandler(caplog.handler)
    assert (calls, manager.observed) == ([1], [1, 2])
    assert manager.records["bad"].error == "ValueError: full disk"
    assert len({record.getMessage() for record in caplog.records}) == 1
    # The run that calls it may be training its task, and needs that to save the weights.
    assert manager.tasks.origin("bad").name == "bad"


def test_an_observer_that_raises_does_so_in_strict_mode(manager, monkeypatch):
    monkeypatch.setenv("GANTOOLS_STRICT", "1")
    manager.register(plugin(run_started=lambda run: run.nothing), PluginRecord("bad", "gantools-bad", "0.1"))
    with pytest.raises(AttributeError, match="nothing"):
        manager.call("gantools_run_started", run=object())


def test_the_first_answer_counts_and_a_finder_that_raises_is_left_out(manager):
    def fails(reference):
        raise OSError("no network")

    manager.register(plugin(find_weights=fails), PluginRecord("bad", "gantools-bad", "0.1"))
    assert manager.first("gantools_find_weights", reference="good://1") == Path("found")
    assert manager.first("gantools_find_weights", reference="other://1") is None
    assert manager.records["bad"].error == "OSError: no network"
    assert manager.records["good"].error is None


def test_the_plugin_registered_last_is_asked_first(manager):
    manager.register(plugin(find_weights=lambda: Path("own")), PluginRecord("own", "gantools-own", "0.1"))
    assert manager.first("gantools_find_weights", reference="good://1") == Path("own")


def test_a_finder_can_tell_the_user_what_is_wrong(manager):
    def refuses(reference):
        raise GanToolsError("no such weights on the hub", "look at the list")

    manager.register(plugin(find_weights=refuses), PluginRecord("hub", "gantools-hub", "0.1"))
    with pytest.raises(GanToolsError, match="on the hub"):
        manager.first("gantools_find_weights", reference="hub://1")
    assert manager.records["hub"].error is None


def entry_point(name, distribution, module):
    def load():
        if isinstance(module, Exception):
            raise module
        return module

    return SimpleNamespace(name=name, dist=SimpleNamespace(name=distribution, version="1"), load=load)


def test_installed_plugins_are_loaded_and_one_that_cannot_be_imported_is_recorded(monkeypatch):
    points = [
        entry_point("missing", "gantools-missing", ImportError("no module named kornia")),
        entry_point("fine", "gantools-fine", plugin(register_tasks=registers("fine"))),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points if group == "gantools" else [])
    manager = PluginManager().load()
    assert manager.tasks.names() == ["fine"]
    assert manager.records["missing"].error == "ImportError: no module named kornia"
    assert "lsgan" in manager.objectives.names()


def test_two_distributions_may_choose_the_same_plugin_name(monkeypatch):
    points = [
        entry_point("core", "gantools-own", plugin(register_tasks=registers("own"))),
        entry_point("same", "gantools-first", plugin(register_tasks=registers("first"))),
        entry_point("same", "gantools-second", plugin(register_tasks=registers("second"))),
        entry_point("same", "gantools-third", ImportError("broken")),
    ]
    monkeypatch.setattr(plugins, "entry_points", lambda group: points)
    manager = PluginManager().load()
    assert manager.tasks.names() == ["own", "first", "second"]
    origins = [manager.tasks.origin(name).distribution for name in manager.tasks.names()]
    assert origins == ["gantools-own", "gantools-first", "gantools-second"]
    errors = {record.distribution: record.error for record in manager.records.values()}
    assert errors.pop("gantools-third") == "ImportError: broken"
    assert set(errors.values()) == {None}
    assert manager.records["core"].distribution == "gantools"


def test_unregistering_a_plugin_takes_all_it_brought(manager):
    manager.unregister("good")
    assert manager.tasks.names() == []
    assert "good" not in manager.records
    manager.call("gantools_step_logged", run=None, step=1, values={})
    assert manager.observed == []


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_described_in_one_line_and_has_typed_arguments(name):
    hook = HOOKS[name]
    assert name.startswith("gantools_")
    assert hasattr(hook, "gantools_spec")  # what @hookspec leaves; without it nobody could implement the hook
    assert hook.__doc__
    assert "\n" not in hook.__doc__
    signature = inspect.signature(hook)
    arguments = list(signature.parameters.values())[1:]
    assert all(argument.annotation is not inspect.Parameter.empty for argument in arguments)
    assert signature.return_annotation is not inspect.Signature.empty


@pytest.mark.skipif(not DOCS.is_file(), reason="an installed package has no docs folder")
@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_and_its_arguments_are_documented(name):
    words = set(re.findall(r"\w+", DOCS.read_text(encoding="utf-8")))
    assert {name, *list(inspect.signature(HOOKS[name]).parameters)[1:]} <= words


def test_every_hook_can_be_implemented_with_the_arguments_it_documents(manager):
    for name, hook in HOOKS.items():
        arguments = list(inspect.signature(hook).parameters)[1:]
        scope = {}
        exec(f"def implementation({', '.join(arguments)}): pass", scope)
        module = SimpleNamespace(**{name: hookimpl(scope["implementation"])})
        manager.register(module, PluginRecord(name, "all-hooks", "1"))
        assert manager.records[name].error is None
        assert manager.records[name].hooks == [name]


def test_plugins_are_found_without_importing_torch():
    code = "import sys; from gantools.plugins import manager; print(manager().tasks.names(), 'torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'cyclegan'" in result.stdout
    assert result.stdout.strip().endswith("False")


def test_every_installed_task_has_its_classes_and_its_kind_of_data():
    for task in plugins.manager().tasks:
        assert issubclass(load_object(task.config), RunConfig)
        assert issubclass(load_object(task.options), Options)
        assert issubclass(load_object(task.task), Task)
        assert issubclass(plugins.manager().datasets.get(task.data).load(), object)


def test_a_registry_refuses_a_second_thing_of_a_name_and_keeps_the_first():
    registry, first, second = Registry("task"), info("x"), info("x")
    registry.add(first, PluginRecord("one", "d", "1"))
    with pytest.raises(GanToolsError, match="task `x` is registered by both plugin `one`"):
        registry.add(second, PluginRecord("two", "d", "1"))
    assert registry.get("x") is first
    assert registry.origin("x").name == "one"


def test_names_that_are_not_known_are_answered_with_the_nearest_or_all():
    registry = Registry("task")
    for name in ("cyclegan", "pix2pix"):
        registry.add(info(name), PluginRecord("p", "d", "1"))
    with pytest.raises(GanToolsError, match="unknown task `ciclegan`") as caught:
        registry.get("ciclegan")
    assert caught.value.hint == "did you mean `cyclegan`?"
    assert suggestion("zzz", registry.names()) == "known: cyclegan, pix2pix"
    assert suggestion("zzz", []) == "known: none"
