"""New plugins: a distribution that works, is tested, and waits to be changed.

The templates are files whose names and contents hold ``$name``, ``$package`` and ``$Class``.
"""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Literal, get_args

from gantools.errors import GanToolsError

Kind = Literal["task", "objective", "metric", "command"]
KINDS: tuple[Kind, ...] = get_args(Kind)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_SUFFIX = ".template"


def write_plugin(name: str, kind: Kind, folder: Path) -> list[Path]:
    """Write a plugin's files below ``folder``, which must not be there yet or be empty; return them.

    ``name`` is what the plugin brings is called; its distribution is ``gantools-NAME``, its package ``gantools_NAME``.
    GanToolsError if it is no such name, or the folder is in the way.
    """
    if not _NAME.fullmatch(name):
        raise GanToolsError(f"`{name}` is no name for a plugin", "use small letters, digits and hyphens: line-drawing")
    words = {
        "name": name,
        "package": f"gantools_{name.replace('-', '_')}",
        "Class": "".join(word.capitalize() for word in name.split("-")),
    }
    root = files("gantools.scaffold") / "templates"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise GanToolsError(f"{folder} is not empty", "give another folder with --out")
        return [path for part in ("common", kind) for path in _write(root / part, folder, words)]
    except OSError as error:
        raise GanToolsError(f"cannot write {folder}: {error.strerror}", "give another folder with --out") from None


def _write(source: Traversable, folder: Path, words: dict[str, str]) -> list[Path]:
    """Fill a folder of templates in, folders and all."""
    written = []
    for item in sorted(source.iterdir(), key=lambda item: item.name):
        place = folder / Template(item.name.removesuffix(_SUFFIX)).substitute(words)
        if item.is_dir():
            place.mkdir(exist_ok=True)
            written += _write(item, place, words)
        else:
            place.write_text(Template(item.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
            written.append(place)
    return written
