"""Downloading a file whose size and SHA-256 are known: it goes on where it stopped, and is checked at the end."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable
from hashlib import file_digest
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from filelock import FileLock, Timeout

from gantools import __version__
from gantools.errors import GanToolsError

Progress = Callable[[str, int, int], None]
_CHUNK, _TIMEOUT, _TRIES, _MEGABYTE = 1 << 18, 30.0, 5, 1_000_000
_WAIT = 1.0  # seconds before the second try in vain, twice as many before the third, …


def download(url: str, target: Path, size: int, sha256: str, report: Progress = lambda *_: None) -> None:
    """Download a file of ``size`` bytes; what is there of it already is kept, and only the rest is asked for.

    A connection that breaks is tried again while anything comes. ``report(what, done, total)`` is called after each
    piece, in megabytes. GanToolsError if it cannot be had, or is not the recorded file; then ``target`` is not there.
    """
    if not re.match(r"https?://", url):
        raise GanToolsError(f"{url} is no address", "give one that begins with https://")
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f"{target.name}.lock"), timeout=0):
            _complete(url, part, size, report)
            check(part, size, sha256, url)
            part.replace(target)
    except Timeout:
        raise GanToolsError(f"{url} is being downloaded by another process", "wait for it") from None
    except OSError as error:
        hint = "check free space and permissions, or name another folder in GANTOOLS_CACHE"
        raise GanToolsError(f"cannot write {target}: {error.strerror}", hint) from None


def check(file: Path, size: int, sha256: str, source: str) -> None:
    """Raise GanToolsError unless a file is the recorded one; another one is removed, if it is a partial download."""
    with file.open("rb") as content:
        found = file_digest(content, "sha256").hexdigest()
    if (file.stat().st_size, found) != (size, sha256):
        if file.suffix == ".part":
            file.unlink()
        raise GanToolsError(
            f"{source} is not the recorded file: SHA-256 {found[:12]}… in place of {sha256[:12]}…",
            "try again later, or give another address with --url",
        )


def _complete(url: str, part: Path, size: int, report: Progress) -> None:
    """Fetch what is missing of a file; give up after some tries that brought nothing."""
    tries, reason = 0, ""
    while (have := _bytes_of(part)) < size:
        if tries == _TRIES:
            stopped = f"stopped at {have / 1e6:,.0f} of {size / 1e6:,.0f} MB: {reason}"
            raise GanToolsError(f"{url}: {stopped}", "the same command goes on from there; --url gives another address")
        try:
            _append(url, part, have, size, report)
        except HTTPError as error:
            raise GanToolsError(f"{url}: {error.code} {error.reason}", "give another address with --url") from None
        except (OSError, http.client.HTTPException) as error:
            reason = str(error.reason if isinstance(error, URLError) else error) or type(error).__name__
        tries = 0 if _bytes_of(part) > have else tries + 1
        time.sleep(_WAIT * tries)


def _append(url: str, part: Path, have: int, size: int, report: Progress) -> None:
    """Ask for the rest of a file; a server that begins again is written from the beginning."""
    headers = {"User-Agent": f"gantools/{__version__}", **({"Range": f"bytes={have}-"} if have else {})}
    with urlopen(Request(url, headers=headers), timeout=_TIMEOUT) as response:  # noqa: S310  (the scheme is checked)
        begins = re.match(r"bytes (\d+)-", response.headers.get("Content-Range") or "bytes 0-")
        goes_on = begins is not None and int(begins[1]) == have
        with part.open("ab" if goes_on else "wb") as file:
            while file.tell() <= size and (piece := response.read(_CHUNK)):
                file.write(piece)
                report("downloading, MB", min(file.tell(), size) // _MEGABYTE, size // _MEGABYTE)


def _bytes_of(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
