"""What is in a plain tar and where, from its headers alone; nothing is unpacked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gantools.errors import GanToolsError

_BLOCK = 512
_END = bytes(_BLOCK)
_AHEAD = 16 * 1024
_FILES = {b"0", b"\0", b"7", b"1"}
_NO_DATA = {b"1", b"2", b"3", b"4", b"5", b"6"}  # links, devices, folders, pipes
_TEXTS = {b"x": "", b"L": "path", b"K": "linkpath"}
_LONGEST = 2**20
_NOWHERE = (0, 0)
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_PLAIN = "give plain tars: pictures are compressed themselves, and in a plain tar each can be found at once"


class Member(NamedTuple):
    """A file in a tar: its name as it stands there, and where its bytes are."""

    name: str
    offset: int
    size: int


def members_of(path: Path) -> Iterator[Member]:
    """Yield the files in a plain tar, of ustar's, GNU's or pax's kind; GanToolsError if it is none, or cut off.

    A hard link is the earlier file that it names, under another name; symbolic links, devices and pipes are no files.
    """
    try:
        with path.open("rb", buffering=_AHEAD) as tar:
            yield from _members(tar, path, os.fstat(tar.fileno()).st_size)
    except OSError as error:
        raise GanToolsError(f"{path} cannot be read: {error.strerror}", "check the file") from None


def _members(tar: BinaryIO, path: Path, length: int) -> Iterator[Member]:
    """Go from header to header. What those of long names say holds for the next file."""
    place, said, linked = 0, dict[str, str](), dict[str, tuple[int, int]]()
    while True:
        tar.seek(place)
        header = tar.read(_BLOCK)
        if header == _END:
            return
        if len(header) < _BLOCK:
            raise _cut_off(path, place) if place or not length else _no_tar(path, header)
        if not _is_header(header):
            raise _no_tar(path, header) if not place else _damaged(path, place)
        kind = header[156:157]
        try:
            size = 0 if kind in _NO_DATA else int(said.get("size") or _number(header[124:136]))
        except ValueError:
            raise _damaged(path, place) from None
        if size < 0 or (kind in _TEXTS and size > _LONGEST):
            raise _damaged(path, place)
        start, place = place + _BLOCK, place + _BLOCK + -(-size // _BLOCK) * _BLOCK
        if start + size > length:
            raise _cut_off(path, length)
        if kind in _TEXTS:
            said |= _said(kind, tar.read(size))
        elif kind != b"g":
            name, where = said.get("path") or _name(header), (start, size)
            if kind == b"1":
                where = linked.get(said.get("linkpath") or _text(header[157:257]), _NOWHERE)
            if kind in _FILES and where != _NOWHERE and not name.endswith("/"):
                linked[name] = where
                yield Member(name, *where)
            said = {}


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
    prefix = header[345:500] if header[257:263] == b"ustar\0" and header[345] else b""  # GNU keeps times there
    return f"{_text(prefix)}/{_text(header[:100])}" if prefix else _text(header[:100])


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="surrogateescape")


def _said(kind: bytes, data: bytes) -> dict[str, str]:
    """Return what a header of GNU's or pax's kind says of the next file: its path, what it links to, its size."""
    if kind != b"x":
        return {_TEXTS[kind]: _text(data)}
    found = {}
    while data:
        digits = data.partition(b" ")[0]
        if not digits.isdigit() or not len(digits) < int(digits) <= len(data):
            break
        key, _, value = data[len(digits) + 1 : int(digits) - 1].partition(b"=")
        if key in {b"path", b"linkpath", b"size"}:
            found[key.decode()] = value.decode(errors="surrogateescape")
        data = data[int(digits) :]
    return found


def _no_tar(path: Path, header: bytes) -> GanToolsError:
    for mark, name in _COMPRESSED.items():
        if header.startswith(mark):
            return GanToolsError(f"{path} is compressed with {name}", _PLAIN)
    return GanToolsError(f"{path} is no tar", _PLAIN)


def _cut_off(path: Path, place: int) -> GanToolsError:
    return GanToolsError(f"{path} is cut off: it ends after {place:,} bytes without a tar's end", "copy it again")


def _damaged(path: Path, place: int) -> GanToolsError:
    return GanToolsError(f"{path} is damaged: there is no header at byte {place:,}", "copy it again")
