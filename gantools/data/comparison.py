"""What an evaluation compares: pictures by where they are, without reading them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from gantools.data.decode import open_image
from gantools.data.places import read
from gantools.errors import GanToolsError

log = logging.getLogger("gantools")
_SHOWN = 3


@dataclass(frozen=True)
class Picture:
    """A picture in a file, or in the left or right half of one; ``name`` is what its partners share, without ending."""

    name: str
    path: Path
    half: Literal["left", "right"] | None = None

    def open(self) -> Image.Image:
        """Decode it; GanToolsError says what is wrong with the file."""
        image = open_image(self.path)
        if self.half is None:
            return image
        if image.width % 2:
            raise GanToolsError(f"{self.path} is {image.width} pixels wide: two halves need an even width", "crop it")
        middle = image.width // 2
        box = (0, 0, middle, image.height) if self.half == "left" else (middle, 0, image.width, image.height)
        return image.crop(box)


Pictures = tuple[Picture, ...]


@dataclass(frozen=True)
class Comparison:
    """One row of an evaluation: what is made out of what, and which real pictures it is compared with.

    Either ``sources`` are translated with ``options``, to which ``own`` adds for each source, or ``prompts`` painted.
    ``truth`` holds for each of them the index of the one real picture that it should look like, or None. ``back`` are
    the options that translate a result back, for each source. ``domains`` are real pictures by what they are,
    ``domain`` which of these is asked for.
    """

    title: str
    real: Pictures
    sources: Pictures = ()
    prompts: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    own: tuple[Mapping[str, Any], ...] = ()
    truth: tuple[int | None, ...] = ()
    back: tuple[Mapping[str, Any], ...] = ()
    domains: Mapping[str, Pictures] = field(default_factory=dict)
    domain: str | None = None

    def there(self) -> list[Mapping[str, Any]]:
        """Return the options that translate each source."""
        return [{**self.options, **own} for own in self.own or ({},) * len(self.sources)]

    def fingerprint(self) -> str:
        """Return a hash of all pictures and words: of what files hold, and how they are called."""
        digest = sha256()
        for part in (self.real, self.sources):
            for picture in part:
                held = sha256(read(picture.path)).hexdigest()
                digest.update(f"{picture.name} {picture.half} {held}\n".encode(errors="surrogateescape"))
            digest.update(b"-\n")
        digest.update("\n".join(self.prompts).encode())
        return digest.hexdigest()[:16]

    def without(self, broken: Collection[Path]) -> Comparison:
        """Return this without the pictures in these files; GanToolsError if none is left."""
        kept = [i for i, one in enumerate(self.sources) if one.path not in broken]
        places = {i: new for new, i in enumerate(i for i, one in enumerate(self.real) if one.path not in broken)}
        if not places or (self.sources and not kept):
            raise GanToolsError(f"{self.title}: none of the pictures can be read", "the warnings say why")
        truth = [None if index is None else places.get(index) for index in self.truth]
        return replace(
            self,
            real=tuple(self.real[i] for i in places),
            sources=tuple(self.sources[i] for i in kept),
            truth=tuple(truth[i] for i in kept) if self.sources and truth else tuple(truth),
            own=tuple(self.own[i] for i in kept) if self.own else (),
            back=tuple(self.back[i] for i in kept) if self.back else (),
            domains={name: tuple(one for one in some if one.path not in broken) for name, some in self.domains.items()},
        )


def readable(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons without the pictures that cannot be read, which are warned of."""
    domains = [one for row in comparisons for some in row.domains.values() for one in some]
    broken = _broken([*(one for row in comparisons for one in (*row.real, *row.sources)), *domains])
    return [row.without(broken) for row in comparisons] if broken else list(comparisons)


def readable_pictures(pictures: Sequence[Picture]) -> list[Picture]:
    """Return the pictures that can be read; the others are warned of."""
    broken = _broken(pictures)
    return [one for one in pictures if one.path not in broken]


def _broken(pictures: Sequence[Picture]) -> set[Path]:
    """Return the files that cannot be read, with a warning for each."""
    broken = {path: problem for path, one in {one.path: one for one in pictures}.items() if (problem := _problem(one))}
    for problem in list(broken.values())[:_SHOWN]:
        log.warning("left out: %s", problem)
    if len(broken) > _SHOWN:
        log.warning("left out: %s more", f"{len(broken) - _SHOWN:,}")
    return set(broken)


def _problem(picture: Picture) -> str | None:
    try:
        picture.open()
    except GanToolsError as error:
        return error.message
    return None
