"""The conformance suite over every registered task."""

from gantools.plugins import manager
from gantools.registry import load_object
from gantools.testing import TaskConformance

_OPTIONS = {"stargan": {"to": ["a"]}}
_TINY = {"size": 32, "width": 4, "blocks": 1, "d_layers": 2, "pool_size": 2, "z": 2}


def _suite(info):
    fields = load_object(info.config).model_fields
    settings = {name: value for name, value in _TINY.items() if name in fields}
    return type(
        f"Test_{info.name}",
        (TaskConformance,),
        {"task": info.name, "settings": settings, "options": _OPTIONS.get(info.name, {})},
    )


for _info in manager().tasks:
    globals()[f"Test_{_info.name}"] = _suite(_info)


def test_every_task_is_covered():
    assert manager().tasks.names()
    assert all(f"Test_{name}" in globals() for name in manager().tasks.names())
