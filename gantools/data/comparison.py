"""What an evaluation compares: pictures by where they are, without reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from gantools.data.decode import open_image


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
        middle = image.width // 2
        box = (0, 0, middle, image.height) if self.half == "left" else (middle, 0, image.width, image.height)
        return image.crop(box)


Pictures = tuple[Picture, ...]


@dataclass(frozen=True)
class Comparison:
    """One row of an evaluation: what is made out of what, and which real pictures it is compared with.

    Either ``sources`` are translated with ``options``, or ``prompts`` painted. ``truth`` holds for each of them the
    index of the one real picture that it should look like, or None. ``back`` are the options that translate a result
    back, for each source. ``domains`` are real pictures by what they are, ``domain`` which of these is asked for.
    """

    title: str
    real: Pictures
    sources: Pictures = ()
    prompts: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    truth: tuple[int | None, ...] = ()
    back: tuple[Mapping[str, Any], ...] = ()
    domains: Mapping[str, Pictures] = field(default_factory=dict)
    domain: str | None = None
