"""Checkpoints to resume from: one safetensors file each, tensors as tensors, everything else as JSON. No pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import Tensor

from gantools.errors import GanToolsError
from gantools.weights.files import read_metadata, read_tensors, write_tensors

FORMAT = 1


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], keep: int = 2) -> Path:
    """Write ``step-000500.safetensors`` atomically and delete all but the newest ``keep``."""
    path = folder / f"step-{step:06d}.safetensors"
    tensors: dict[str, Tensor] = {}
    skeleton = _take_apart(state, "", tensors)
    metadata = {"gantools.format": str(FORMAT), "gantools.step": str(step), "gantools.state": json.dumps(skeleton)}
    write_tensors(path, tensors, metadata)
    for old in list_checkpoints(folder)[:-keep]:
        old.unlink()
    return path


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder, the oldest first."""
    return sorted(folder.glob("step-*.safetensors"), key=lambda path: int(path.stem.removeprefix("step-")))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint back; GanToolsError if it is damaged or of another format."""
    metadata = read_metadata(path)
    if metadata.get("gantools.format") != str(FORMAT) or "gantools.state" not in metadata:
        raise GanToolsError(f"{path} is not a checkpoint of this gantools", "resume with the version that wrote it")
    state: dict[str, Any] = _put_together(json.loads(metadata["gantools.state"]), read_tensors(path))
    return state


def _take_apart(value: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Move the tensors out of nested dicts and lists, leaving JSON; keys keep their types."""
    if isinstance(value, Tensor):
        # A copy: two names for one memory are not allowed in the file.
        tensors[name] = value.detach().clone()
        return {"tensor": name}
    if isinstance(value, dict):
        return {"items": [[key, _take_apart(item, f"{name}/{key}", tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_take_apart(item, f"{name}/{i}", tensors) for i, item in enumerate(value)]}
    return {"value": value}


def _put_together(node: dict[str, Any], tensors: dict[str, Tensor]) -> Any:
    match node:
        case {"tensor": name}:
            return tensors[name]
        case {"items": items}:
            return {key: _put_together(item, tensors) for key, item in items}
        case {"list": items}:
            return [_put_together(item, tensors) for item in items]
        case _:
            return node["value"]
