"""Encoded captions on disk, so that no caption goes through an encoder twice.

Below GANTOOLS_CACHE (default: the platform's cache folder) each encoder has a folder, ``text/FINGERPRINT``, where every
call leaves a safetensors file with the captions that were new. It holds a short hash of each caption, its vector, and
its tokens in float16: 24 kB a caption where 32 tokens have 384 numbers each.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError, safe_open

from gantools.cache import cache_folder
from gantools.errors import GanToolsError
from gantools.storage import checksum, read_content, read_tensors, write_tensors
from gantools.text.encoder import Encoded, Report, TextEncoder

log = logging.getLogger("gantools")
_KIND = "encoded captions"
_KEY_BYTES = 16
_AT_ONCE = 4096  # captions in a file; what is written is not lost when the next ones fail


class _Part(NamedTuple):
    """Some captions' keys, and what they became."""

    keys: Sequence[bytes]
    encoded: Encoded


def embed(encoder: TextEncoder, captions: Sequence[str], report: Report | None = None) -> Encoded:
    """Return captions encoded, a row for each, from the cache where it has them; new ones are added to it.

    ``tokens`` are float16, in the first call too, so that a second one returns the same. ``report(name, done, total)``
    is called while captions are encoded. A damaged file is made anew; a disk that refuses costs a warning.
    """
    folder = cache_folder() / "text" / encoder.fingerprint
    by_key = {_key(caption): caption for caption in captions}
    parts = list(_kept(folder, by_key.keys()))
    known = {key for part in parts for key in part.keys}
    parts += _encode(encoder, {key: text for key, text in by_key.items() if key not in known}, folder, report)
    return _rows(parts, [_key(caption) for caption in captions], (encoder.max_tokens, encoder.dim))


def _key(caption: str) -> bytes:
    return sha256(caption.encode(errors="surrogatepass")).digest()[:_KEY_BYTES]


def _kept(folder: Path, wanted: Iterable[bytes]) -> Iterator[_Part]:
    """Read the files that hold wanted captions; a damaged one is deleted."""
    missing = set(wanted)
    for path in sorted(folder.glob("*.safetensors")):
        try:
            keys = _keys(path)
            if not missing.isdisjoint(keys):
                yield _Part(keys, _read(path))
                missing.difference_update(keys)
        except GanToolsError as error:
            log.warning("the captions kept in %s are encoded again: %s", path, error.message)
            with suppress(OSError):
                path.unlink()


def _keys(path: Path) -> list[bytes]:
    try:
        with safe_open(path, "pt") as file:
            data = file.get_tensor("keys").numpy().tobytes()
    except (OSError, SafetensorError, ValueError) as error:
        raise GanToolsError(str(error)) from None
    return [data[start : start + _KEY_BYTES] for start in range(0, len(data), _KEY_BYTES)]


def _read(path: Path) -> Encoded:
    tensors = read_tensors(path)
    if read_content(path, _KIND).get("checksum") != checksum(tensors):
        raise GanToolsError("its checksum is wrong")
    return Encoded(tensors["sentence"], tensors["tokens"], tensors["mask"])


def _encode(encoder: TextEncoder, by_key: dict[bytes, str], folder: Path, report: Report | None) -> Iterator[_Part]:
    """Encode captions, and write each part to a file named by what it holds."""
    keys = list(by_key)
    for start in range(0, len(keys), _AT_ONCE):
        chunk = keys[start : start + _AT_ONCE]
        encoded = encoder.encode([by_key[key] for key in chunk], _from(start, len(keys), report))
        part = _Part(chunk, encoded._replace(tokens=encoded.tokens.half()))
        _write(part, folder)
        yield part


def _from(start: int, total: int, report: Report | None) -> Report | None:
    """Return a report that counts on from ``start``."""
    if report is None:
        return None
    return lambda name, done, _: report(name, start + done, total)


def _write(part: _Part, folder: Path) -> None:
    joined = b"".join(part.keys)
    keys = torch.frombuffer(bytearray(joined), dtype=torch.uint8).view(-1, _KEY_BYTES)
    tensors = {"keys": keys, **part.encoded._asdict()}
    path = folder / f"{sha256(joined).hexdigest()[:16]}.safetensors"
    try:
        write_tensors(path, tensors, _KIND, {"checksum": checksum(tensors)})
    except GanToolsError as error:
        log.warning("encoded captions are not kept: %s", error.message)


def _rows(parts: Iterable[_Part], keys: Sequence[bytes], shape: tuple[int, int]) -> Encoded:
    """Gather the rows of these keys, in order."""
    count, (length, dim) = len(keys), shape
    result = Encoded(
        torch.zeros(count, dim), torch.zeros(count, length, dim, dtype=torch.half), torch.zeros(count, length).bool()
    )
    for part in parts:
        place = {key: row for row, key in enumerate(part.keys)}
        rows = [row for row, key in enumerate(keys) if key in place]
        there = [place[keys[row]] for row in rows]
        for target, source in zip(result, part.encoded, strict=True):
            target[rows] = source[there]
    return result
