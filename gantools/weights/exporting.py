"""Weights files of ours become checkpoints that other programs load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from gantools.config import RunConfig, validate
from gantools.errors import GanToolsError
from gantools.networks.junyanz import write_network
from gantools.networks.renaming import on_meta
from gantools.plugins import manager
from gantools.registry import load_object, suggestion
from gantools.storage import read_tensors, write_atomically
from gantools.task import Networks, Task
from gantools.weights.find import Found

_SIDES = {"g_ab": "G_A", "g_ba": "G_B"}
Writer = Callable[[nn.Module, Mapping[str, Tensor]], dict[str, Tensor]]
FORMATS: dict[str, Writer] = {"junyanz": write_network}


def export_weights(found: Found, format_: str, target: Path, force: bool = False) -> list[Path]:
    """Write each generator as a state dict of another program and return the files.

    A single generator becomes the file ``target``; two directions become the files ``latest_net_G_A.pth`` and
    ``latest_net_G_B.pth`` in the folder ``target``. GanToolsError says what the format cannot hold.
    """
    if format_ not in FORMATS:
        raise GanToolsError(f"unknown format `{format_}`", suggestion(format_, ["onnx", *FORMATS]))
    info = manager().tasks.get(found.header.task)
    config: RunConfig = validate(load_object(info.config), found.header.config)
    task: Task[Any] = load_object(info.task)(config)
    networks = on_meta(lambda: Networks(task.generators())).generators
    tensors = read_tensors(found.path)
    written = {}
    for name, network in networks.items():
        own = {key.removeprefix(f"{name}."): tensor for key, tensor in tensors.items() if key.startswith(f"{name}.")}
        if own.keys() != network.state_dict().keys():
            raise GanToolsError(f"{found.name} does not fit its own header", "copy it again if it is damaged")
        written[name] = FORMATS[format_](network, own)
    files = _files(list(written), target)
    for file in files.values():
        if file.exists() and not force:
            raise GanToolsError(f"{file} exists", "choose another name with -o, or replace it with --force")
    for name, file in files.items():
        _save(written[name], file)
    return list(files.values())


def _files(names: list[str], target: Path) -> dict[str, Path]:
    if len(names) == 1:
        if target.is_dir():
            raise GanToolsError(f"{target} is a folder", "give the name of a file, such as latest_net_G.pth")
        return {names[0]: target}
    if target.is_file() or target.suffix:
        raise GanToolsError(
            f"there are {len(names)} generators, and {target} names one file", "give the name of a folder with -o"
        )
    return {name: target / f"latest_net_{_SIDES.get(name, name)}.pth" for name in names}


def _save(tensors: dict[str, Tensor], file: Path) -> None:
    write_atomically(file, lambda temporary: torch.save(tensors, temporary))
