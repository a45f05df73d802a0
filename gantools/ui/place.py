"""What the page may touch: weights and runs come from closed lists, pictures of bounded size, drawn as JPEG or PNG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from PIL import Image

from gantools.api import Model, load_found
from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.weights.find import Found, find_weights, run_weights
from gantools.weights.places import named_weights, shipped_index

MEGABYTES = 20  # of an upload
PIXELS = 2048 * 2048  # of a picture to translate
BUSY = "networks"  # the queue of all that runs networks: one at a time
T = TypeVar("T")


@dataclass
class Place:
    """The weights with a name and the runs under ``runs``; nothing else can be asked for."""

    runs: Path
    device: str = "auto"
    _models: dict[tuple[Path, int], Model] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def weights(self, capability: str = "") -> list[str]:
        """Return the names of weights, those of a task that has the capability; the shipped default first."""
        names = [found.name for found in self._found() if not capability or capability in _capabilities(found)]
        first = shipped_index().get("default", {}).get(capability)
        return sorted(dict.fromkeys(names), key=lambda name: name != first)

    def find(self, name: str) -> Found:
        """Return the weights of a name; GanToolsError for what is not in the list, paths above all."""
        for found in self._found():
            if found.name == name:
                return found
        raise GanToolsError(f"no weights `{name}`", "choose some of the list")

    def model(self, name: str) -> Model:
        """Return a loaded model; the last one is kept for as long as its file stays the same."""
        found = self.find(name)
        key = (found.path, found.path.stat().st_mtime_ns)
        with self._lock:
            if key not in self._models:
                self._models.clear()
                self._models[key] = load_found(found, self.device)
            return self._models[key]

    def run_names(self) -> list[str]:
        """Return the run folders, TASK/NUMBER, the newest first."""
        found = sorted(self.runs.glob("*/*/config.yaml"), key=lambda path: path.stat().st_mtime, reverse=True)
        return [path.parent.relative_to(self.runs).as_posix() for path in found]

    def run(self, name: str) -> Path:
        """Return the folder of a run in the list."""
        if name not in self.run_names():
            raise GanToolsError(f"no run `{name}`", f"choose one of those in {self.runs}")
        return self.runs / name

    def _found(self) -> list[Found]:
        named = [find_weights(path.stem) for path in named_weights()]
        return [*named, *run_weights(self.runs)]


def check_picture(image: Image.Image | None) -> Image.Image:
    """Return the picture, or raise GanToolsError if there is none or it is too large for a page."""
    if image is None:
        raise GanToolsError("no picture", "drop one into the box, or click it")
    if image.width * image.height > PIXELS:
        raise GanToolsError(
            f"the picture has {image.width} x {image.height} pixels, the page takes {PIXELS // 10**6} million",
            "make it smaller, or use gantools translate",
        )
    return image


def weights_list(place: Place, capability: str, elem_id: str) -> Any:
    """Return a list of weights to choose from, looked up anew whenever the page is opened."""
    import gradio as gr

    names = place.weights(capability)
    chosen = gr.Dropdown(names, value=names[0] if names else None, label="weights", elem_id=elem_id)
    gr.on(None, lambda: gr.Dropdown(choices=place.weights(capability)), None, chosen, api_visibility="private")
    return chosen


def spoken(handler: Callable[..., T]) -> Callable[..., T]:
    """Let a handler's GanToolsError reach the page as a message of two lines."""
    import gradio

    @wraps(handler)
    def told(*given: Any) -> T:
        try:
            return handler(*given)
        except GanToolsError as error:
            raise gradio.Error(str(error), duration=None, print_exception=False) from None

    return told


def _capabilities(found: Found) -> frozenset[str]:
    known = found.header.task in manager().tasks.names()
    return manager().tasks.get(found.header.task).capabilities if known else frozenset()
