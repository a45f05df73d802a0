"""Finding, guarding and asking plugins: one broken plugin never breaks the command line."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pluggy

import gantools
from gantools import builtin, hookspecs
from gantools.errors import GanToolsError
from gantools.registry import PluginRecord, Registry, load_object, suggestion

if TYPE_CHECKING:
    from types import ModuleType

log = logging.getLogger("gantools")
_FOREIGN = (Exception, SystemExit)  # whatever foreign code does
_KINDS = ("loss", "penalty", "constraint", "recipe")


@dataclass(frozen=True)
class TaskInfo:
    """A task's entry: enough to list it and to find the rest, without importing torch.

    ``config``, ``options`` and ``task`` are ``"module:Class"`` references, imported when they are needed: the training
    settings (a RunConfig), the inference settings (an Options) and the Task itself. ``data`` names a data kind.
    ``capabilities`` holds ``"translate"`` and/or ``"generate"``.
    """

    name: str
    summary: str
    data: str
    config: str
    task: str
    options: str = "gantools.config:Options"
    capabilities: frozenset[str] = frozenset({"translate"})


@dataclass(frozen=True)
class Reference:
    """A registered class: its name, what kind of thing it is, where it is, and a line about it."""

    name: str
    kind: str
    reference: str
    summary: str

    def load(self) -> Any:
        """Import the class."""
        return load_object(self.reference)


class PluginManager:
    """Loads the plugins of entry-point group ``gantools`` and keeps what they register.

    A plugin that raises is recorded, warned of once and left out; ``GANTOOLS_STRICT=1`` lets it raise.
    """

    def __init__(self) -> None:
        self._pm = pluggy.PluginManager("gantools")
        self._pm.add_hookspecs(hookspecs.Hooks)
        self.records: dict[str, PluginRecord] = {}
        self.tasks: Registry[TaskInfo] = Registry("task")
        self.objectives: Registry[Reference] = Registry("objective")
        self.datasets: Registry[Reference] = Registry("data kind")
        self.metrics: Registry[Reference] = Registry("metric")
        self.importers: Registry[Reference] = Registry("importer")

    def load(self) -> PluginManager:
        """Load the core's own entries, then every installed plugin."""
        self.register(builtin, PluginRecord("core", "gantools", gantools.__version__))
        for point in entry_points(group="gantools"):
            origin = point.dist
            distribution = origin.name if origin else "?"
            # Two distributions may choose the same name.
            name = point.name if point.name not in self.records else f"{point.name} ({distribution})"
            record = PluginRecord(name, distribution, origin.version if origin else "")
            try:
                module = point.load()
            except _FOREIGN as error:
                self._fail(record, error)
            else:
                self.register(module, record)
        return self

    def register(self, module: ModuleType | object, record: PluginRecord) -> None:
        """Take in one plugin and all its registrations, or record why not."""
        self.records[record.name] = record
        try:
            if other := self._pm.get_name(module):
                raise ValueError(f"its module is that of plugin `{other}`")
            self._pm.register(module, record.name)
            self._check_names(module)
            record.hooks = sorted(caller.name for caller in self._pm.get_hookcallers(module) or [])
            self._collect(record)
        except _FOREIGN as error:
            self.unregister(record.name)
            self._fail(record, error)

    def unregister(self, name: str) -> None:
        """Forget a plugin and everything it registered."""
        if self._pm.has_plugin(name):
            self._pm.unregister(name=name)
        record = self.records.pop(name)
        for registry in (self.tasks, self.objectives, self.datasets, self.metrics, self.importers):
            registry.remove_from(record)

    def call(self, hook: str, **arguments: Any) -> None:
        """Call ``hook`` in every plugin that has it, guarded as `each` is."""
        self.each(hook, lambda implementation: implementation(**arguments))

    def each(self, hook: str, use: Callable[[Callable[..., Any]], None]) -> None:
        """Hand every plugin's implementation of ``hook`` to ``use``; one that raises is warned of, not asked again.

        What it registered stays: the run that calls its observers may be training its task.
        """
        for impl in list(getattr(self._pm.hook, hook).get_hookimpls()):
            try:
                use(partial(_ask, impl))
            except _FOREIGN as error:
                self._switch_off(impl, error)

    def first(self, hook: str, **arguments: Any) -> Any:
        """Return the first answer to a ``firstresult`` hook, or None.

        A plugin that raises is warned of and not asked again, but for a GanToolsError, which is meant for the user.
        """
        for impl in reversed(getattr(self._pm.hook, hook).get_hookimpls()):  # the last registered first, as pluggy does
            try:
                answer = _ask(impl, **arguments)
            except GanToolsError:
                raise
            except _FOREIGN as error:
                self._switch_off(impl, error)
            else:
                if answer is not None:
                    return answer
        return None

    def _switch_off(self, impl: pluggy.HookImpl, error: BaseException) -> None:
        self._pm.unregister(name=impl.plugin_name)
        self._fail(self.records[impl.plugin_name], error)

    def _check_names(self, module: ModuleType | object) -> None:
        """Raise for an implementation of a hook that there is not."""
        hooks = [name for name in vars(hookspecs.Hooks) if name.startswith("gantools_")]
        for name in dir(module):
            if name not in hooks and self._pm.parse_hookimpl_opts(module, name) is not None:
                raise ValueError(f"there is no hook `{name}`; {suggestion(name, hooks)}")

    def _collect(self, record: PluginRecord) -> None:
        def add_task(info: TaskInfo) -> None:
            self.tasks.add(info, record)

        def add_objective(name: str, kind: str, reference: str, summary: str) -> None:
            if kind not in _KINDS:
                raise ValueError(f"objective `{name}` is of kind {kind!r}, not one of {', '.join(_KINDS)}")
            self.objectives.add(Reference(name, kind, reference, summary), record)

        def add_dataset(name: str, reference: str, summary: str) -> None:
            self.datasets.add(Reference(name, "data", reference, summary), record)

        def add_metric(name: str, reference: str, summary: str) -> None:
            self.metrics.add(Reference(name, "metric", reference, summary), record)

        def add_importer(name: str, reference: str, summary: str) -> None:
            self.importers.add(Reference(name, "importer", reference, summary), record)

        hooks = {
            "gantools_register_tasks": add_task,
            "gantools_register_objectives": add_objective,
            "gantools_register_datasets": add_dataset,
            "gantools_register_metrics": add_metric,
            "gantools_register_importers": add_importer,
        }
        for hook, register in hooks.items():
            for impl in getattr(self._pm.hook, hook).get_hookimpls():
                if impl.plugin_name == record.name:
                    impl.function(register=register)

    def _fail(self, record: PluginRecord, error: BaseException) -> None:
        if os.environ.get("GANTOOLS_STRICT") == "1":
            raise error
        record.error = f"{type(error).__name__}: {error}"
        self.records[record.name] = record
        log.warning("%s is left out: %s", record, record.error)


def _ask(impl: pluggy.HookImpl, **arguments: Any) -> Any:
    return impl.function(**{name: arguments[name] for name in impl.argnames})


@cache
def manager() -> PluginManager:
    """Return the process's plugin manager, loaded on first use."""
    return PluginManager().load()
