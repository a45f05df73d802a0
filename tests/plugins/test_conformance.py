"""The conformance suite over every registered task."""

import pytest
import torch

from gantools.plugins import manager
from gantools.registry import load_object
from gantools.testing import TaskConformance
from gantools.training.backend import Backend
from tests.tiny_encoders import build_bert

_OPTIONS = {"stargan": {"to": ["a"]}}
_TINY = {"size": 32, "width": 4, "blocks": 1, "d_layers": 2, "pool_size": 2, "z": 2, "noise": 3}
_TINY |= {"smoothing": True, "self_regularisation": 1, "reach": 1, "d_fine": 1}
_TINY |= {"palette": True, "chroma": 1, "details": 1, "plain": 1, "pad": 2, "domain_penalty": 0.1}
_TINY |= {"refine": True, "paired": 1, "aligned": ("a", "b"), "exact": 1, "tanh_slope": 0.05}


class _WithWords(TaskConformance):
    """Captions go through a tiny encoder, made for these tests."""

    def data(self, folder):
        encoder = folder.with_name("bert")
        if not encoder.exists():
            encoder.mkdir(parents=True)
            build_bert(encoder)
        return {**super().data(folder), "text_encoder": str(encoder)}


def _suite(info):
    fields = load_object(info.config).model_fields
    settings = {name: value for name, value in _TINY.items() if name in fields}
    base = _WithWords if info.data == "captions" else TaskConformance
    return type(
        f"Test_{info.name}", (base,), {"task": info.name, "settings": settings, "options": _OPTIONS.get(info.name, {})}
    )


for _info in manager().tasks:
    globals()[f"Test_{_info.name}"] = _suite(_info)


def test_every_task_is_covered():
    assert manager().tasks.names()
    assert all(f"Test_{name}" in globals() for name in manager().tasks.names())


@pytest.mark.parametrize("task", manager().tasks.names())
def test_every_task_trains_in_the_memory_format_of_gpus(task, tmp_path, monkeypatch):
    place = Backend.place

    def as_there(backend, network):
        backend.memory_format = torch.channels_last
        return place(backend, network)

    monkeypatch.setattr(Backend, "place", as_there)
    suite = _suite(manager().tasks.get(task))()
    trainer = suite.trainer(tmp_path / "run")
    trainer.fit()
    kernels = [weight for weight in trainer.updates.nets.parameters() if weight.dim() == 4 and weight.shape[1] > 1]
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in kernels)
