"""What the builders of data sets share: fetching packages, the split by SHA-256, drawing and writing pictures."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

OPENMOJI = "openmoji@17.0.0"


class BuildError(Exception):
    """A problem that the user can read in one line."""


def run(command: list[str], folder: Path) -> None:
    """Run `command` in `folder`; what it complains about becomes the error."""
    if shutil.which(command[0]) is None:
        raise BuildError(f"the program {command[0]} is not installed; it is needed for: {' '.join(command)}")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        complaint = " ".join(done.stderr.split())[:300] or "no message"
        raise BuildError(f"{' '.join(command)} failed: {complaint}")


def fetch(cache: Path, name: str, command: list[str]) -> Path:
    """Return the file `name` in `cache`, fetched by `command` when it is not there yet."""
    target = cache / name
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        (cache / ".gitignore").write_text("*\n", encoding="utf-8")
        print(f"fetching {name}", flush=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:  # a broken download never gets the name
            run(command, Path(folder))
            found = Path(folder) / name
            if not found.exists():
                raise BuildError(f"{' '.join(command)} did not leave the file {name}")
            found.replace(target)
    return target


def fetch_npm(cache: Path, package: str) -> Path:
    """Return the archive of `package`, written ``name@version``."""
    name, _, version = package.rpartition("@")
    file = f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"
    return fetch(cache, file, ["npm", "pack", package])


def members(archive: Path, wanted: set[tuple[str, str]]) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Yield the files of an archive in the `wanted` (folder, suffix); nothing is unpacked to disk."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if member.isfile() and (str(path.parent), path.suffix) in wanted:
                    stream = tar.extractfile(member)
                    yield path, stream.read() if stream else b""
    except (tarfile.TarError, zlib.error, EOFError, OSError) as problem:
        raise BuildError(f"cannot read {archive} ({problem}); delete it and try again") from problem


def emoji_key(code: str) -> str:
    """Return the key of a file name such as ``2764-FE0F``: ``2764``."""
    return "-".join(part for part in code.lower().split("-") if part != "fe0f")


def key_hash(key: str) -> int:
    """Return the number that decides which set `key` belongs to."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16)


def is_test(key: str) -> bool:
    """Tell whether `key` belongs to the test set."""
    return key_hash(key) % 10 == 0


def draw(data: bytes, size: int, background: str = "#ffffff") -> Image:
    """Turn an SVG, PNG or WebP file into an RGB picture of `size` x `size` over a colour."""
    from PIL import Image

    if b"<svg" in data[:1000]:
        data = draw_svg(data.decode(), size, background)
    picture = Image.open(io.BytesIO(data)).convert("RGBA")
    under = Image.new("RGBA", picture.size, background)
    flat = Image.alpha_composite(under, picture).convert("RGB")
    return flat.resize((size, size), Image.Resampling.LANCZOS)


def draw_svg(text: str, size: int, background: str = "#ffffff") -> bytes:
    """Draw an SVG document over a colour and return a PNG file."""
    from resvg_py import svg_to_bytes

    return svg_to_bytes(text, width=size, height=size, background=background, skip_system_fonts=True)


def save(picture: Image, path: Path) -> None:
    """Write a small PNG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, optimize=True)


def refuse_old(out: Path) -> None:
    """Refuse a folder with a data set in it: pictures of two runs must not mix."""
    for part in ("train", "test", "unpaired"):
        if (out / part).exists():
            raise BuildError(f"{out / part} already exists; delete it or give another folder")
