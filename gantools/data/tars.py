"""What is in a plain tar and where, from its headers alone; nothing is unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from gantools.errors import GanToolsError

_BLOCK = 512
_FILES = {b"0", b"\0", b"7"}
_NO_DATA = {b"1", b"2", b"3", b"4", b"5", b"6"}  # links, devices, folders, pipes: passed over
_LONGEST_NAME = 2**20
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_PLAIN = "give plain tars: pictures are compressed themselves, and in a plain tar each can be found at once"


class Member(NamedTuple):
    """A file in a tar: its name as it stands there, and where its bytes are."""

    name: str
    offset: int
    size: int


def members_of(path: Path) -> Iterator[Member]:
    """Yield the files in a plain tar, of ustar's, GNU's or pax's kind; GanToolsError if it is none, or cut off."""
    try:
        with closing(FileIO(path)) as tar:
            yield from _members(tar, path, os.fstat(tar.fileno()).st_size)
    except OSError as error:
        raise GanToolsError(f"{path} cannot be read: {error.strerror}", "check the file") from None


def _members(tar: FileIO, path: Path, length: int) -> Iterator[Member]:
    """Go from header to header. What long names' headers say holds for the next file."""
    place, said = 0, dict[str, str]()
    while True:
        header = _at(tar, place, _BLOCK)
        if len(header) < _BLOCK:
            raise _cut_off(path, place) if place or not length else _no_tar(path, header)
        if header.count(0) == _BLOCK:
            return
        kind = header[156:157]
        if not _is_header(header):
            raise _no_tar(path, header) if not place else _damaged(path, place)
        try:
            size = int(said.get("size", -1)) if "size" in said and kind in _FILES else _number(header[124:136])
        except ValueError:
            raise _damaged(path, place) from None
        stored = 0 if kind in _NO_DATA else size
        start, place = place + _BLOCK, place + _BLOCK + -(-stored // _BLOCK) * _BLOCK
        if stored < 0:
            raise _damaged(path, start - _BLOCK)
        if start + stored > length:
            raise _cut_off(path, length)
        if kind in b"xL":
            if size > _LONGEST_NAME:
                raise _damaged(path, start - _BLOCK)
            said |= _said(kind, _at(tar, start, size))
        elif kind not in b"gK":
            name = said.get("path") or _name(header)
            if kind in _FILES and not name.endswith("/"):
                yield Member(name, start, size)
            said = {}


def _at(tar: FileIO, place: int, size: int) -> bytes:
    tar.seek(place)
    return tar.read(size)


def _is_header(header: bytes) -> bool:
    """Say whether it is one by its mark, or for tars of before 1988 by its sum."""
    if header[257:262] == b"ustar":
        return True
    try:
        return _number(header[148:156]) == sum(header) - sum(header[148:156]) + 8 * ord(" ")
    except ValueError:
        return False


def _number(field: bytes) -> int:
    """Read a number: octal, or where that is too short binary with the first bit set."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big") if field[0] == 0x80 else -1
    return int(field.strip(b"\0 ") or b"0", 8)


def _name(header: bytes) -> str:
    name, prefix = header[:100].split(b"\0")[0], header[345:500].split(b"\0")[0]
    ustar = header[257:263] == b"ustar\0"  # GNU keeps times where ustar has the prefix
    return os.fsdecode(prefix + b"/" + name if ustar and prefix else name)


def _said(kind: bytes, data: bytes) -> dict[str, str]:
    """Return what a header of GNU's or pax's kind says of the next file: its path, perhaps its size."""
    if kind == b"L":
        return {"path": os.fsdecode(data.split(b"\0")[0])}
    found = {}
    while data:
        digits = data.partition(b" ")[0]
        if not digits.isdigit() or not len(digits) < int(digits) <= len(data):
            break
        key, _, value = data[len(digits) + 1 : int(digits) - 1].partition(b"=")
        found[os.fsdecode(key)] = os.fsdecode(value)
        data = data[int(digits) :]
    return {key: value for key, value in found.items() if key in {"path", "size"}}


def _no_tar(path: Path, header: bytes) -> GanToolsError:
    for mark, name in _COMPRESSED.items():
        if header.startswith(mark):
            return GanToolsError(f"{path} is compressed with {name}", _PLAIN)
    return GanToolsError(f"{path} is no tar", _PLAIN)


def _cut_off(path: Path, place: int) -> GanToolsError:
    return GanToolsError(f"{path} is cut off: it ends after {place:,} bytes without a tar's end", "copy it again")


def _damaged(path: Path, place: int) -> GanToolsError:
    return GanToolsError(f"{path} is damaged: there is no header at byte {place:,}", "copy it again")
