"""Getting a known data set: downloaded, checked and unpacked, or built from public packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path, PurePosixPath
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from zipfile import ZipFile, ZipInfo

from gantools.cache import cache_folder
from gantools.datasets.catalogue import KnownSet
from gantools.datasets.download import Progress, check, download
from gantools.errors import GanToolsError
from gantools.weights.places import examples_folder


def get(known: KnownSet, out: Path, source: str | None = None, report: Progress = lambda *_: None) -> None:
    """Put a data set into ``out``; ``source`` is another address or file of the same archive.

    GanToolsError if ``out`` is there already, or the set cannot be had.
    """
    check_free(out)
    if not known.url:
        _build(known, out)
        return
    given = Path(source) if source and "://" not in source else None
    archive = given or cache_folder() / "downloads" / f"{known.name}.zip"
    if given:
        if not given.is_file():
            raise GanToolsError(f"{given} does not exist", "give an address or a file with --url")
        check(given, known.size, known.sha256, str(given))
    else:
        download(source or known.url, archive, known.size, known.sha256, report)
    unpack(archive, out, report)
    if not given:
        archive.unlink()


def check_free(out: Path) -> None:
    """Raise GanToolsError if there is something at ``out`` already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GanToolsError(f"{out} exists, and nothing is overwritten", "give another folder with --out")


def unpack(archive: Path, out: Path, report: Progress = lambda *_: None) -> None:
    """Unpack a zip archive into the new folder ``out``, which appears when it is complete.

    A single folder around everything is left away. GanToolsError if a name leads out of the folder, or the archive is
    damaged.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with ZipFile(archive) as packed, TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as temporary:
            members = [member for member in packed.infolist() if not member.is_dir()]
            for done, member in enumerate(members, start=1):
                target = Path(temporary, "set", _inside(member))
                target.parent.mkdir(parents=True, exist_ok=True)
                with packed.open(member) as content, target.open("wb") as file:
                    copyfileobj(content, file)
                report("unpacking", done, len(members))
            folder = Path(temporary, "set")
            inner = list(folder.iterdir())
            if out.exists():
                out.rmdir()
            (inner[0] if len(inner) == 1 and inner[0].is_dir() else folder).rename(out)
    except GanToolsError:
        raise
    except OSError as error:
        raise GanToolsError(
            f"cannot write {out}: {error.strerror or error}", "check free space and permissions"
        ) from None
    except Exception as error:  # zipfile and the decompressors raise nearly anything
        raise GanToolsError(f"{archive} is damaged: {error}", "download it again") from None


def _inside(member: ZipInfo) -> PurePosixPath:
    """Return where a member goes; GanToolsError if that is no place inside the folder."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in member.filename or not path.parts:
        raise GanToolsError(f"the archive names {member.filename}, outside of its folder", "do not use this archive")
    return path


def _build(known: KnownSet, out: Path) -> None:
    """Build a set by the script that comes with the examples; it says itself what it does, and what is missing."""
    script = examples_folder() / "build_datasets.py"
    cache = cache_folder() / "packages"
    done = subprocess.run(  # noqa: S603  (our own script)
        [sys.executable, script, known.name, out, "--cache", cache],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["the script stopped"]
        raise GanToolsError(
            f"{known.name} cannot be built: {reason[-1].removeprefix('error: ')}",
            "it needs npm, on Debian apt-get for `earth`, and pip install resvg_py",
        )
