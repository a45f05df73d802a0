"""The header that lets a weights file describe itself."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from torch import Tensor

import gantools
from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.storage import read_content, read_tensors, write_tensors
from gantools.weights.onnx import SUFFIX, open_session, read_metadata


class Header(BaseModel):
    """What a weights file says of itself: enough to rebuild its networks and to use them without a flag."""

    model_config = ConfigDict(extra="ignore")

    task: str
    plugin: dict[str, str]
    config: dict[str, Any]
    step: int = 0
    steps: int | None = None
    size: int | None = None
    data: dict[str, Any] = Field(default_factory=dict)
    domains: list[str] = Field(default_factory=list)
    licence: str | None = None
    metrics: dict[str, Any] = Field(default_factory=dict)
    extra: dict[str, Any] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the run that made it reached its planned end."""
        return self.steps is not None and self.step >= self.steps


def plugin_of(task: str) -> dict[str, str]:
    """Return which installed plugin brings a task, for the header."""
    record = manager().tasks.origin(task)
    return {"name": record.name, "distribution": record.distribution, "version": record.version}


def environment() -> dict[str, str]:
    """Return the versions that a run was made with."""
    return {
        "gantools": gantools.__version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


_CRITICS = "discriminators."


def with_critics(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return discriminators' tensors as a weights file may hold them beside the generators', for fine-tuning."""
    return {f"{_CRITICS}{name}": tensor for name, tensor in tensors.items()}


def read_networks(path: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the tensors of a weights file: the generators', and the discriminators' if there are any.

    GanToolsError if a number among them is not finite: every picture would come out black, and say nothing.
    """
    tensors = read_tensors(path)
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise GanToolsError(
                f"`{name}` in {path} holds numbers that are not finite",
                "its training broke down, or the file is damaged: copy it again, or take weights of an earlier step",
            )
    critics = {name.removeprefix(_CRITICS): value for name, value in tensors.items() if name.startswith(_CRITICS)}
    return {name: value for name, value in tensors.items() if not name.startswith(_CRITICS)}, critics


def save_weights(path: Path, tensors: Mapping[str, Tensor], header: Header) -> None:
    """Write generators and header, atomically."""
    write_tensors(path, tensors, "weights", header.model_dump(mode="json"))


def read_header(path: Path) -> Header:
    """Read the header of a weights or ONNX file without its tensors; GanToolsError if it is not one of ours."""
    try:
        if path.suffix == SUFFIX:
            return Header.model_validate(read_metadata(open_session(path), path)[0])
        return Header.model_validate(read_content(path, "weights"))
    except ValidationError:
        raise GanToolsError(f"the header of {path} is damaged", "copy or download it again") from None
