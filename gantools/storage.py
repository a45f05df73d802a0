"""Writing files so that a crash leaves the old one or the new one. Only what is about tensors imports torch."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from gantools.errors import GanToolsError

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = 1
_ENTRY = "gantools"


class UnknownFormatError(GanToolsError):
    """A file of ours, of a format that this gantools does not know."""


def _ordinary_mode() -> int:
    """Return the permissions that a new file gets here."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


_MODE = _ordinary_mode()


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Call ``write`` with a temporary name, flush to disk, rename to ``path``; GanToolsError if the disk refuses."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        temporary.chmod(_MODE)  # safetensors lets only the owner read
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if not isinstance(error, OSError | SafetensorError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise GanToolsError(
            f"cannot write {path}: {reason}", "check free space and permissions; earlier files are intact"
        ) from error


def remove_unfinished(folder: Path) -> None:
    """Delete what processes that were killed while they wrote have left in a folder and below it."""
    for left in folder.rglob(".*.tmp"):
        if left.name.split(".")[-2].isdigit():
            left.unlink(missing_ok=True)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], kind: str, content: Mapping[str, Any]) -> None:
    """Write a safetensors file atomically, ``content`` as JSON in its header; equal contents give equal bytes."""
    from safetensors.torch import save_file

    plain: dict[str, Tensor] = {}
    memory = set()
    for name, tensor in tensors.items():
        here = tensor.detach().contiguous().cpu()
        address = here.untyped_storage().data_ptr()
        plain[name] = here.clone() if address in memory else here  # two names for one memory are not allowed
        memory.add(address)
    header = json.dumps({"format": FORMAT, "kind": kind, **content})
    # One entry: safetensors writes several in an order that changes from run to run.
    write_atomically(path, lambda temporary: save_file(plain, temporary, {_ENTRY: header}))


def read_content(path: Path, kind: str) -> dict[str, Any]:
    """Return the JSON in the header of a file of ours; GanToolsError if it is none, damaged, or of another format."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError, ValueError) as error:
        raise _unreadable(path, error) from None
    try:
        content = json.loads(metadata.get(_ENTRY, "null"))
    except (ValueError, RecursionError):
        raise GanToolsError(f"the header of {path} is damaged", "copy or download it again") from None
    if not isinstance(content, dict) or content.get("kind") != kind:
        raise GanToolsError(
            f"{path} holds no {kind} written by gantools", "give the file or run folder that training made"
        )
    if content.get("format") != FORMAT:
        version = content.get("format")
        raise UnknownFormatError(
            f"{path} is of format {version!r}, and this gantools reads {FORMAT}", "install a newer gantools"
        )
    return content


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, on the CPU; GanToolsError if it is none, or damaged."""
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no dictionary)
    except (OSError, SafetensorError, ValueError) as error:
        raise _unreadable(path, error) from None


def checksum(tensors: Mapping[str, Tensor], text: str = "") -> int:
    """Return a CRC-32 of tensors, in the order of their names, and of a text: damage of a disk or a copy changes it."""
    import torch

    value = zlib.crc32(text.encode())
    for _, tensor in sorted(tensors.items()):
        value = zlib.crc32(tensor.detach().cpu().reshape(-1).contiguous().view(torch.uint8).numpy().data, value)
    return value


def _unreadable(path: Path, error: Exception) -> GanToolsError:
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        return GanToolsError(f"cannot read {path}: {reason}", "check the path")
    return GanToolsError(f"{path} is damaged or no safetensors file: {error}", "copy or download it again")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
