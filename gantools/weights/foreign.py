"""Reading other programs' checkpoints: tensors and plain values only, nothing in them is executed."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from gantools.errors import GanToolsError
from gantools.storage import read_tensors

Parts = dict[str, dict[str, Tensor]]
_NAMES = (
    re.compile(r"(?P<epoch>latest|iter_\d+|\d+)_net_(?P<part>\w+)\.pth"),  # pytorch-CycleGAN-and-pix2pix, CUT
    re.compile(r"(?P<epoch>\d+)-(?P<part>[GD])\.ckpt"),  # StarGAN
    re.compile(r"state_epoch_(?P<epoch>\d+)\.pth"),  # DF-GAN
)
_ENDINGS = {".pth", ".pt", ".ckpt", ".bin", ".safetensors"}
_WRAPPERS = ("module.", "_orig_mod.")
_DEEPEST = 4
_UNSAFE = re.compile(r"GLOBAL ([\w.]+)")


def read_parts(path: Path) -> tuple[Parts, list[Path]]:
    """Return the networks of a checkpoint, or of the newest ones in a folder, by name, and the files they are from.

    GanToolsError if there are none, or if a file is damaged or holds more than tensors and plain values.
    """
    if not path.exists():
        raise GanToolsError(f"{path} does not exist", "give a checkpoint file, or the folder with all of them")
    files = _newest(path) if path.is_dir() else [path]
    parts: Parts = {}
    for file in files:
        for name, tensors in _networks(_content(file), _part(file)):
            if name in parts:
                raise GanToolsError(f"{path} holds two networks `{name}`", "give the file of one")
            parts[name] = {_unwrapped(key): _checked(file, key, tensor) for key, tensor in tensors.items()}
    if not parts:
        raise GanToolsError(f"{path} holds no tensors", "give the file of a generator's state dict")
    return parts, files


def read_vocabulary(path: Path) -> list[str]:
    """Return the words of DAMSM's `captions*.pickle` by number; GanToolsError if it is none. Nothing is executed."""
    try:
        with path.open("rb") as file:
            content = _Plain(file, encoding="latin1").load()
    except OSError as error:
        raise GanToolsError(f"cannot read {path}: {error.strerror or error}", "check the path") from None
    except Exception as error:  # damaged pickles raise nearly anything
        raise GanToolsError(
            f"{path} is no pickle of plain values: {error}", "give captions_DAMSM.pickle; nothing in it was executed"
        ) from None
    words = content[2] if isinstance(content, list | tuple) and len(content) > 2 else None
    if not isinstance(words, dict) or sorted(words, key=str) != sorted(range(len(words)), key=str):
        raise GanToolsError(f"{path} holds no vocabulary", "give captions_DAMSM.pickle: captions, then number to word")
    return [str(words[number]) for number in range(len(words))]


class _Plain(pickle._Unpickler):
    """Reads lists, dictionaries, strings and numbers; the one in C lets a file of ten bytes ask for gigabytes."""

    dispatch: ClassVar = {
        code: load for code, load in pickle._Unpickler.dispatch.items() if code != pickle.BYTEARRAY8[0]
    }

    def find_class(self, module: str, name: str) -> Any:
        """Refuse everything that a pickle could run."""
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _newest(folder: Path) -> list[Path]:
    """Return the checkpoints of the last epoch in a folder, or the only file there."""
    files = [file for file in sorted(folder.iterdir()) if file.is_file() and file.suffix in _ENDINGS]
    ages = {file: _age(file) for file in files}
    known = [age for age in ages.values() if age is not None]
    if known:
        return [file for file in files if ages[file] == max(known)]
    if len(files) != 1:
        found = f"{len(files)} files with other names" if files else "no checkpoint"
        raise GanToolsError(
            f"{folder} holds {found}",
            "name the file, or a folder with *_net_G*.pth, *-G.ckpt or state_epoch_*.pth",
        )
    return files


def _age(file: Path) -> tuple[int, int] | None:
    """Return what orders checkpoints by how far training was; ``latest`` is the last, iterations come before epochs."""
    for pattern in _NAMES:
        if match := pattern.fullmatch(file.name):
            epoch = match["epoch"]
            if epoch == "latest":
                return (2, 0)
            return (0, int(epoch.removeprefix("iter_"))) if epoch.startswith("iter_") else (1, int(epoch))
    return None


def _part(file: Path) -> str:
    """Return which network a file's name says it holds, or the name."""
    for pattern in _NAMES:
        if (match := pattern.fullmatch(file.name)) and "part" in match.groupdict():
            return match["part"]
    return file.stem


def _content(file: Path) -> Any:
    """Load a file without executing anything that it holds."""
    if file.suffix == ".safetensors":
        return read_tensors(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch says of a strange pickle, the errors below say in two lines
            return torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise GanToolsError(f"cannot read {file}: {error.strerror or error}", "check the path") from None
    except Exception as error:  # damaged pickles raise nearly anything
        if unsafe := _UNSAFE.search(str(error)):
            raise GanToolsError(
                f"{file} holds more than tensors and plain values, {unsafe[1]}, and was not opened",
                "that could run any program; save a plain state dict where you trust the file: "
                "torch.save(network.state_dict(), FILE)",
            ) from None
        raise GanToolsError(
            f"{file} is damaged or no checkpoint of torch", "copy or download it again; nothing in it was executed"
        ) from None


def _networks(content: Any, name: str, depth: int = 0) -> Iterator[tuple[str, Mapping[str, Tensor]]]:
    """Yield the state dicts of a checkpoint, however they are wrapped; optimizers are left out.

    One alone keeps the name of what it is in, several have their own.
    """
    if not isinstance(content, Mapping) or depth > _DEEPEST:
        return
    tensors = {key: value for key, value in content.items() if isinstance(key, str) and isinstance(value, Tensor)}
    if tensors:
        yield name, tensors
        return
    inner = [
        (key, list(_networks(value, key, depth + 1)))
        for key, value in content.items()
        if isinstance(key, str) and not key.lower().startswith(("optim", "sched"))
    ]
    inner = [(key, found) for key, found in inner if found]
    for key, found in inner:
        for own, network in found:
            alone = len(inner) == 1 and len(found) == 1
            yield name if alone else own.removeprefix("net") or key, network


def _unwrapped(key: str) -> str:
    """Take off what DataParallel and torch.compile put in front of a name."""
    while key.startswith(_WRAPPERS):
        key = key.removeprefix("module.").removeprefix("_orig_mod.")
    return key


def _checked(file: Path, key: str, tensor: Tensor) -> Tensor:
    """Return a tensor of plain finite numbers that are all in the file; GanToolsError for anything else."""
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex() or tensor.is_meta:
        raise GanToolsError(f"`{key}` in {file} is no plain tensor", "save the network in float32")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise GanToolsError(f"`{key}` in {file} claims more numbers than there are", "copy or download it again")
    if not tensor.isfinite().all():
        raise GanToolsError(
            f"`{key}` in {file} holds numbers that are not finite", "it is damaged, or its training broke down"
        )
    return tensor
