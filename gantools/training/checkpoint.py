"""Checkpoints to resume from: one safetensors file each, tensors as tensors, everything else as JSON. No pickle."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from gantools.errors import GanToolsError
from gantools.storage import UnknownFormatError, checksum, read_content, read_tensors, write_tensors

log = logging.getLogger("gantools")
_NAME = re.compile(r"step-[0-9]{6,18}\.safetensors")


def save_checkpoint(folder: Path, step: int, state: dict[str, Any], keep: int = 2) -> Path:
    """Write ``step-000500.safetensors`` atomically and delete all but the newest ``keep``."""
    path = folder / f"step-{step:06d}.safetensors"
    tensors: dict[str, Tensor] = {}
    skeleton = _take_apart(state, tensors)
    content = {"step": step, "state": skeleton, "checksum": checksum(tensors, json.dumps(skeleton))}
    write_tensors(path, tensors, "checkpoint", content)
    for old in list_checkpoints(folder)[:-keep]:
        old.unlink()
    return path


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder, the oldest first; not copies of another name that lie beside them."""
    return sorted((path for path in folder.glob("step-*.safetensors") if _NAME.fullmatch(path.name)), key=_step)


def _step(path: Path) -> int:
    return int(path.stem.removeprefix("step-"))


def newest_checkpoint(folder: Path) -> dict[str, Any]:
    """Read a folder's last checkpoint, or the one before if it is damaged; GanToolsError if there is none."""
    return _first_usable(folder, list_checkpoints(folder)[::-1])


def checkpoint_near(folder: Path, step: int) -> dict[str, Any]:
    """Read a folder's checkpoint of a step, or the nearest that can be read; GanToolsError if there is none."""
    return _first_usable(folder, sorted(list_checkpoints(folder), key=lambda path: abs(_step(path) - step)))


def _first_usable(folder: Path, paths: Sequence[Path]) -> dict[str, Any]:
    for path in paths:
        try:
            return load_checkpoint(path)
        except UnknownFormatError:  # no damage: an older one would quietly take the run back
            raise
        except GanToolsError as error:
            log.warning("left out: %s", error.message)
    raise GanToolsError(f"no usable checkpoint in {folder}", "start again with the command in the run's command.txt")


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint back; GanToolsError if it is damaged or of another format."""
    content, tensors = read_content(path, "checkpoint"), read_tensors(path)
    skeleton = content.get("state")
    if content.get("checksum") != checksum(tensors, json.dumps(skeleton)):
        raise GanToolsError(f"{path} is damaged: its checksum differs", "use the checkpoint before it")
    try:
        state: dict[str, Any] = _put_together(skeleton, tensors)
    except (KeyError, TypeError, ValueError, RecursionError):
        raise GanToolsError(f"{path} is damaged: it is no state", "use the checkpoint before it") from None
    return state


def _take_apart(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Move the tensors out of nested dicts and lists, leaving JSON; keys keep their types."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        return {"items": [[key, _take_apart(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_take_apart(item, tensors) for item in value]}
    return {"value": value}


def _put_together(node: Any, tensors: dict[str, Tensor]) -> Any:
    match node:
        case {"tensor": name}:
            return tensors[name]
        case {"items": items}:
            return {key: _put_together(item, tensors) for key, item in items}
        case {"list": items}:
            return [_put_together(item, tensors) for item in items]
        case _:
            return node["value"]
