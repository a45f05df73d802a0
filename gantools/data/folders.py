"""Finding pictures: what lies in a folder, and what to say when it is not what was expected."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image

from gantools.data.frames import is_video
from gantools.data.listing import Listing
from gantools.data.places import folders_in, is_file, is_folder, names_below, refresh
from gantools.errors import GanToolsError
from gantools.registry import folder_suggestion

_LAYOUTS = "give --a DIR --b DIR, or --data DIR with A/ and B/ (or trainA/ and trainB/) inside"


@cache
def image_suffixes() -> frozenset[str]:
    """Return the file name endings that Pillow can open, in lower case."""
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN)


def is_image(path: Path | str) -> bool:
    """Say whether a file is named as a picture."""
    name = str(path)
    return name[name.rfind(".") :].lower() in image_suffixes()


def walk(folder: Path) -> Iterator[Path]:
    """Yield every visible file below a folder, sorted as paths are."""
    return (folder / name for name in names_below(folder))


def list_images(folder: Path, hint: str = _LAYOUTS) -> Listing:
    """Return all pictures below a folder, sorted by name; GanToolsError says what is there instead, and ``hint``."""
    refresh(folder)
    if not is_folder(folder):
        if is_file(folder):
            raise GanToolsError(f"{folder} is a file, not a folder of pictures", _of_video(folder) or hint)
        raise GanToolsError(f"folder {folder} does not exist", nearby(folder))
    images = Listing(folder, filter(is_image, names_below(folder)))
    if not images:
        others = Counter(path.suffix.lower() or "no suffix" for path in walk(folder))
        hint = f"name its tars: '{folder}/{{000..099}}.tar'" if ".tar" in others else hint
        raise GanToolsError(f"no pictures in {folder}: {_found(others)}", hint)
    return images


def two_folders(a: Path | None, b: Path | None, data: Path | None) -> tuple[Path, Path]:
    """Return the folders of the two kinds of pictures, however they were given."""
    if data is not None:
        if a is not None or b is not None:
            raise GanToolsError("--data excludes --a and --b", _LAYOUTS)
        return _inside(data)
    if a is None or b is None:
        missing = " and ".join(name for name, folder in (("--a", a), ("--b", b)) if folder is None)
        raise GanToolsError(f"{missing} missing: two folders of pictures are needed", _LAYOUTS)
    if a == b or (a.exists() and b.exists() and a.samefile(b)):
        raise GanToolsError(f"--a and --b are the same folder, {a}", _LAYOUTS)
    return a, b


def _inside(data: Path) -> tuple[Path, Path]:
    if not is_folder(data):
        if is_file(data):
            raise GanToolsError(f"{data} is a file, not a folder", _LAYOUTS)
        raise GanToolsError(f"folder {data} does not exist", nearby(data))
    named = named_folders(data)
    if named is not None:
        return named
    folders = folders_in(data)
    found = f"sub-folders {', '.join(folders[:6])}" if folders else "no sub-folders"
    hint = _LAYOUTS
    if len(folders) == 2:
        hint = "give " + shlex.join(["--a", str(data / folders[0]), "--b", str(data / folders[1])])
    raise GanToolsError(f"{data} holds neither A/ and B/ nor trainA/ and trainB/, but {found}", hint)


def named_folders(data: Path) -> tuple[Path, Path] | None:
    """Return A/ and B/, or trainA/ and trainB/, inside a folder, or None if it has neither."""
    for names in (("A", "B"), ("trainA", "trainB"), ("a", "b")):
        if all(is_folder(data / name) for name in names):
            return data / names[0], data / names[1]
    return None


def _found(others: Counter[str]) -> str:
    if not others:
        return "it is empty"
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in others.most_common(4))
    return f"it holds {sum(others.values())} other files ({kinds})"


def _of_video(path: Path) -> str | None:
    return f"make pictures of it: {shlex.join(['gantools', 'data', 'prepare', str(path)])}" if is_video(path) else None


def nearby(folder: Path) -> str:
    """Say which folder was probably meant by one that is not there, or which folders are beside it."""
    parent = folder.parent
    if not is_folder(parent):
        return f"{parent} does not exist either; check the path"
    return folder_suggestion(folder.name, folders_in(parent), f"folders in {parent}")
