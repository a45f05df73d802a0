"""Conformance suites for what plugins bring: what the trainer, the weights and the command line rely on.

A line in a plugin's tests is all that pytest needs, whether ``NAME`` is a task, an objective or a metric::

    from gantools.testing import conformance

    TestSketch = conformance("sketch", width=4)

With gantools installed, pytest has the fixtures of `gantools.testing.fixtures` too. Nothing here imports torch until a
suite is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gantools.config import Settings
from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.registry import Registry, load_object, suggestion

if TYPE_CHECKING:
    from gantools.testing.metric import MetricConformance
    from gantools.testing.objective import ObjectiveConformance
    from gantools.testing.task import TaskConformance

__all__ = ["MetricConformance", "ObjectiveConformance", "TaskConformance", "conformance"]


def conformance(name: str, options: Settings | None = None, **settings: Any) -> type[Any]:
    """Return the suite, a class for pytest, of an installed plugin's task, objective or metric.

    ``settings`` are a task's, to make its networks tiny, and ``options`` those that its `translate` cannot do without.
    GanToolsError says what is known where ``name`` is not.
    """
    if name in manager().tasks.names():
        return _suite("TaskConformance", task=name, settings=settings, options=options or {})
    if name in manager().objectives.names():
        return _suite("ObjectiveConformance", entry=manager().objectives.get(name))
    if name in manager().metrics.names():
        return _suite("MetricConformance", entry=manager().metrics.get(name))
    registries: list[Registry[Any]] = [manager().tasks, manager().objectives, manager().metrics]
    known = [known for registry in registries for known in registry.names()]
    broken = [f"{record}: {record.error}" for record in manager().records.values() if record.error]
    hint = "; ".join(broken) or f"{suggestion(name, known)} A plugin has to be installed: pip install -e ."
    raise GanToolsError(f"no task, objective or metric is called `{name}`", hint)


def _suite(base: str, **attributes: Any) -> type[Any]:
    return type(base, (__getattr__(base),), attributes)


def __getattr__(name: str) -> Any:
    """Import a suite when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module `{__name__}` has no attribute `{name}`")
    return load_object(f"gantools.testing.{name.removesuffix('Conformance').lower()}:{name}")
