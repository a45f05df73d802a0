"""What to compare on each kind of data: the rows of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from gantools.data.captions import read_captions
from gantools.data.comparison import Comparison, Picture, Pictures
from gantools.data.folders import list_images, two_folders
from gantools.data.labels import LabelledSet, read_sets
from gantools.data.pairs import find_pairs
from gantools.data.settings import CaptionSettings, DomainSettings, PairedSettings, UnpairedSettings
from gantools.errors import GanToolsError


def unpaired_comparisons(config: UnpairedSettings) -> list[Comparison]:
    """Compare both directions, ``a2b`` and ``b2a``, each translated back; pictures of equal name belong together."""
    a, b = (_below(folder, list_images(folder)) for folder in two_folders(config.a, config.b, config.data))
    return [
        Comparison(
            way,
            real,
            sources,
            options={"direction": way},
            truth=partners(sources, real),
            back=({"direction": other},) * len(sources),
        )
        for way, other, sources, real in (("a2b", "b2a", a, b), ("b2a", "a2b", b, a))
    ]


def paired_comparisons(config: PairedSettings) -> list[Comparison]:
    """Compare each source's translation with its target."""
    _, pairs = find_pairs(config.a, config.b, config.data)
    sides: list[Pictures] = [
        tuple(
            Picture(files[0].stem, files[-1 if side == "right" and len(files) > 1 else 0], _half(files, side))
            for files in pairs
        )
        for side in ("left", "right")
    ]
    sources, real = sides if config.direction == "a2b" else sides[::-1]
    return [Comparison(config.direction, real, sources, truth=tuple(range(len(real))))]


def domain_comparisons(config: DomainSettings, told: bool = False) -> list[Comparison]:
    """Compare, for each domain, the pictures of all others translated into it with its own.

    Of an attribute, pictures without it get it; weights that do not see which others they have are ``told``. Where
    there are folders for domains, equal names in them belong together.
    """
    found = read_sets(config.data, config.attributes, config.select, config.labels)
    return [row for labelled in found for row in _into_each(labelled, told)]


def caption_comparisons(config: CaptionSettings) -> list[Comparison]:
    """Compare what is painted of each picture's first caption with the pictures."""
    if config.data is None:
        raise GanToolsError("--data missing: pictures with captions are needed", "give --data DIR")
    found = read_captions(config.data)
    real = _below(config.data, [one.file for one in found])
    prompts = tuple(one.texts[0] for one in found)
    return [Comparison("captions", real, prompts=prompts, truth=tuple(range(len(real))))]


def partners(sources: Sequence[Picture], real: Sequence[Picture]) -> tuple[int | None, ...]:
    """Return for each source the index of the real picture of its name, or None."""
    places = {picture.name: index for index, picture in enumerate(real)}
    return tuple(places.get(source.name) for source in sources)


def _into_each(labelled: LabelledSet, told: bool) -> list[Comparison]:
    """Return a row for each domain or attribute of one data set."""
    columns = list(range(len(labelled.names)))
    exclusive = labelled.kind == "exclusive"
    pictures = {
        i: _of(labelled, [k for k, label in enumerate(labelled.labels) if label[i]], labelled.names[i]) for i in columns
    }
    rows = []
    for i in columns:
        name = labelled.names[i]
        own: list[dict[str, Any]] = []
        if exclusive:
            others = [(one, labelled.names[j]) for j in columns if j != i for one in pictures[j]]
            domains = {labelled.names[j]: pictures[j] for j in columns}
            options, back = {"to": [name]}, [{"to": [origin]} for _, origin in others]
        else:
            places = [k for k, label in enumerate(labelled.labels) if not label[i]]
            without = _of(labelled, places, "")
            others = [(one, "") for one in without]
            domains = {name: pictures[i], f"not {name}": without}
            own = [{"from_": _attributes(labelled, k)} if told else {} for k in places]
            options, back = {"to": [f"+{name}"]}, [{"to": [f"-{name}"], **kept} for kept in own]
        if not others or not pictures[i]:
            continue
        sources = tuple(one for one, _ in others)
        rows.append(
            Comparison(
                f"to {name}",
                pictures[i],
                tuple(_told_apart(one, origin) for one, origin in others),
                options=options,
                own=tuple(own),
                truth=partners(sources, pictures[i]) if exclusive else (),
                back=tuple(back),
                domains=domains,
                domain=name,
            )
        )
    return rows


def _attributes(labelled: LabelledSet, place: int) -> str:
    """Return which attributes a picture has, as --from takes them."""
    has = zip(labelled.names, labelled.labels[place], strict=True)
    return ",".join(name for name, there in has if there) or "none"


def _told_apart(picture: Picture, origin: str) -> Picture:
    """Put the domain that a source is of before its name: two domains may draw the same thing."""
    return Picture(f"{origin}/{picture.name}" if origin else picture.name, picture.path, picture.half)


def _of(labelled: LabelledSet, places: Sequence[int], name: str) -> Pictures:
    """Return some pictures of a data set, by their names inside the folder of their domain if there is one."""
    files = [labelled.files[k] for k in places]
    return tuple(map(Picture, labelled.titles(name, files), files))


def _below(folder: Path, files: Sequence[Path]) -> Pictures:
    return tuple(Picture(path.relative_to(folder).with_suffix("").as_posix(), path) for path in files)


def _half(files: Sequence[Path], side: Literal["left", "right"]) -> Literal["left", "right"] | None:
    return side if len(files) == 1 else None
