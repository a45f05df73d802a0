"""Making a data set: resized, split, in pairs; complete or not there at all."""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from gantools.data.captions import Captioned, read_captions
from gantools.datasets.layout import HELD_OUT, attribute_files, has_captions
from gantools.datasets.recipe import Recipe, pictures_of
from gantools.datasets.sources import Item, Source, find_sources, items_of
from gantools.errors import GanToolsError

_AT_ONCE = 16
_PARTS = {"train", *HELD_OUT}


@dataclass
class Prepared:
    """What was made: pictures by folder, files that could not be read, how many are larger than they were."""

    folder: Path
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    enlarged: int = 0


def prepare(
    paths: Sequence[Path],
    out: Path,
    recipe: Recipe,
    report: Callable[[str, int, int], None] = lambda *_: None,
) -> Prepared:
    """Make the data set ``out`` of pictures, folders and videos; ``report(what, done, total)`` is called after each.

    Nothing is overwritten, and ``out`` appears when it is complete. Captions and attributes come along. GanToolsError
    if ``out`` is there already, or nothing can be made.
    """
    sources = plan(paths, out, recipe)
    prepared = Prepared(out)
    texts = {} if recipe.pairs else {captioned.file: captioned for path in paths for captioned in _captions(path)}
    rows: dict[str, list[str]] = defaultdict(list)
    total = sum(source.frames for source in sources)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as temporary:
            folder = Path(temporary, "set")
            for done, (part, inside, item) in enumerate(_made(sources, recipe, folder, prepared), start=1):
                report("preparing", min(done, total), total)
                if item.path in texts:
                    rows[part].append(_row(inside, texts[item.path]))
            if not prepared.counts:
                raise GanToolsError(f"no picture could be prepared: {prepared.problems[0]}", "check the files")
            for part, lines in rows.items():
                (folder / part / "metadata.jsonl").write_text("".join(lines), encoding="utf-8")
            for file in (file for path in paths if path.is_dir() for file in attribute_files(path)):
                shutil.copy(file, folder)
            if out.exists():
                out.rmdir()
            folder.rename(out)
    except OSError as error:
        raise GanToolsError(f"cannot write {out}: {error.strerror}", "check free space and permissions") from None
    return prepared


def plan(paths: Sequence[Path], out: Path, recipe: Recipe) -> list[Source]:
    """Return what would be prepared; GanToolsError for wishes that exclude each other, or an ``out`` that is there."""
    if recipe.make and recipe.halves:
        raise GanToolsError("--make and --halves exclude each other", "side-by-side pictures have both halves already")
    if recipe.pairs and len(paths) > 1:
        raise GanToolsError("pairs are made from one folder", "prepare the folders one after another")
    kinds = Counter(path.resolve().name for path in paths if path.is_dir())
    if kinds and max(kinds.values()) > 1:
        raise GanToolsError(f"two folders are called {kinds.most_common(1)[0][0]}", "their names become the kinds'")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GanToolsError(f"{out} exists, and nothing is overwritten", "give another folder with --out")
    has_parts = [path for path in paths if path.is_dir() and any((path / name).is_dir() for name in _PARTS)]
    if has_parts and (recipe.test or recipe.pairs):
        raise GanToolsError(
            f"{has_parts[0]} has parts of its own, such as train or test", "give one of these, without --test"
        )
    return find_sources(paths, recipe.every)


def _made(
    sources: Sequence[Source], recipe: Recipe, folder: Path, prepared: Prepared
) -> Iterator[tuple[str, Path, Item]]:
    """Write every picture; yield its part, its path inside that, and what it was made of."""
    items = _readable(sources, recipe, prepared)
    with ThreadPoolExecutor() as pool:
        while batch := list(islice(items, _AT_ONCE)):  # few at once: frames of a video are large
            for item, made in zip(batch, pool.map(partial(_made_of, recipe), batch), strict=True):
                if isinstance(made, GanToolsError):
                    prepared.problems.append(made.message)
                    continue
                part, inside = _where(item, recipe)
                for side, picture in made.items():
                    target = folder / part / side / inside
                    target.parent.mkdir(parents=True, exist_ok=True)
                    picture.save(target)
                    prepared.counts[target.parent.relative_to(folder).as_posix()] += 1
                prepared.enlarged += recipe.size is not None and min(item.image.size) < recipe.size
                yield part, inside, item


def _readable(sources: Sequence[Source], recipe: Recipe, prepared: Prepared) -> Iterator[Item]:
    for source in sources:
        try:
            yield from items_of(source, recipe.every)
        except GanToolsError as error:
            prepared.problems.append(error.message)


def _made_of(recipe: Recipe, item: Item) -> dict[str, Image.Image] | GanToolsError:
    try:
        return pictures_of(item.path, item.image, recipe)
    except GanToolsError as error:
        return error


def _where(item: Item, recipe: Recipe) -> tuple[str, Path]:
    """Return the part of the data set that a picture is of, "" for all in one, and its path inside that."""
    path = Path(f"{item.name}.png")
    if recipe.test:
        return ("test" if item.place >= 1 - recipe.test else "train"), path
    first = path.parts[0]
    return (first, path.relative_to(first)) if first in _PARTS and len(path.parts) > 1 else ("", path)


def _captions(path: Path) -> list[Captioned]:
    """Return the captions of a folder, or of its train and test parts."""
    places = [path, *(path / name for name in sorted(_PARTS))]
    return [one for place in places if place.is_dir() and has_captions(place) for one in read_captions(place)]


def _row(inside: Path, captioned: Captioned) -> str:
    text = captioned.texts[0] if len(captioned.texts) == 1 else list(captioned.texts)
    return json.dumps({"file_name": inside.as_posix(), "text": text}, ensure_ascii=False) + "\n"
