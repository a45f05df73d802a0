"""Which layout folders have, and so which kind of data they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gantools.data.folders import list_images
from gantools.data.places import is_folder, name_of
from gantools.datasets import readers
from gantools.datasets.layout import HELD_OUT, Layout
from gantools.errors import GanToolsError

_KINDS = {
    "unpaired": "two folders of pictures",
    "paired": "two folders of pictures that are named alike, or pictures with both halves side by side",
    "domains": "a folder with a sub-folder for each kind of picture, or a file of attributes",
    "captions": "a folder of pictures with metadata.jsonl, metadata.csv or NAME.txt beside each",
}
_READERS: tuple[tuple[str, Callable[[Path, bool], Layout | None]], ...] = (  # the first that finds something counts
    ("captions", readers.with_captions),
    ("domains", readers.with_attributes),
    ("paired", readers.as_pairs),
    ("unpaired", readers.without_pairs),
    ("domains", readers.in_sub_folders),
)


def recognise(folders: Sequence[Path], kind: str | None = None) -> Layout:
    """Return the layout of one folder, or of two or more that belong together, as a ``kind`` of data if one is given.

    GanToolsError says what is missing.
    """
    if kind is not None and kind not in _KINDS:
        raise GanToolsError(f"data of the kind `{kind}` are no pictures", f"kinds that are: {', '.join(_KINDS)}")
    if len(folders) == 1:
        return _one(folders[0], kind)
    if len(folders) == 2 and kind in {None, "unpaired", "paired"}:
        return replace(readers.two_folders_of(folders[0], folders[1], kind), held_out=_held_out(*folders))
    parents = {folder.resolve().parent for folder in folders}
    if len(parents) == 1 and kind in {None, "domains"}:
        found = readers.domains_of(folders[0].parent, ",".join(folder.name for folder in folders))
        return replace(found, held_out=_held_out(*folders))
    raise GanToolsError(
        f"{len(folders)} folders do not make one data set", f"give {_KINDS[kind] if kind else 'one or two folders'}"
    )


def _one(top: Path, kind: str | None) -> Layout:
    list_images(top, f"give {_KINDS[kind]}" if kind else "give a folder of pictures")  # or says what is there instead
    folder = top / "train" if is_folder(top / "train") else top
    for wanted, reader in _READERS:
        if kind in {None, wanted}:
            found = reader(folder, kind is not None)
            if found is not None:
                return replace(found, held_out=_held_out(top))
    if kind is not None:
        raise GanToolsError(f"{folder} is not laid out for data of the kind `{kind}`", f"give {_KINDS[kind]}")
    return Layout("one folder of pictures", "", (), {name_of(top): list_images(folder)}, held_out=_held_out(top))


def _held_out(*folders: Path) -> list[Path]:
    """Return the test pictures inside a data set, or for folders inside its train/ those of the same name."""
    places = [folder / name for folder in folders for name in HELD_OUT]
    for folder in folders:
        if "train" in (folder.name, folder.parent.name):
            inside = folder.name if folder.name != "train" else ""
            top = folder.parent.parent if inside else folder.parent
            places += [top / name / inside for name in HELD_OUT]
    return [path for place in places if is_folder(place) for path in list_images(place)]
