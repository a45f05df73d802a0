"""What becomes of one picture: its size, and the pair that is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image, ImageOps

from gantools.data.decode import alpha_of, parse_background, to_channels, to_rgb
from gantools.datasets.drawing import DRAWINGS
from gantools.errors import GanToolsError


@dataclass(frozen=True)
class Recipe:
    """How pictures are prepared.

    ``size``: side in pixels, None to keep theirs; ``fit``: "crop" and "pad" make squares, "whole" keeps the shape.
    ``test``: share of the test set. ``make``: the drawing that becomes A, with the picture as B; ``halves``: cut
    side-by-side pictures into A and B. ``every``: seconds between the frames of a video.
    """

    size: int | None = None
    fit: Literal["crop", "pad", "whole"] = "crop"
    test: float = 0.0
    make: str | None = None
    halves: bool = False
    every: float = 1.0
    background: str = "white"

    def __post_init__(self) -> None:
        try:
            parse_background(self.background)
        except ValueError:
            raise GanToolsError(f"`{self.background}` is no colour", "give a name, or #rrggbb") from None

    @property
    def pairs(self) -> bool:
        """Whether each picture becomes a pair."""
        return bool(self.make or self.halves)


def pictures_of(path: Path, image: Image.Image, recipe: Recipe) -> dict[str, Image.Image]:
    """Return the pictures that one becomes, by the folder that they belong in: "", or "A" and "B".

    GanToolsError if it has no halves.
    """
    background = parse_background(recipe.background)
    if recipe.halves:
        width, height = image.size
        if width % 2:
            raise GanToolsError(f"{path} is {width} pixels wide: two halves need an even width", "crop it")
        boxes = {"A": (0, 0, width // 2, height), "B": (width // 2, 0, width, height)}
        return {side: _fitted(image.crop(box), recipe) for side, box in boxes.items()}
    if recipe.make:
        photo = _fitted(to_rgb(image, background), recipe)
        return {"A": DRAWINGS[recipe.make](photo), "B": photo}
    return {"": _fitted(image, recipe)}


def _fitted(image: Image.Image, recipe: Recipe) -> Image.Image:
    """Return a picture in RGB, or RGBA where parts are transparent, in the size asked for."""
    background = parse_background(recipe.background)
    picture = to_channels(image, 4 if alpha_of(image) else 3, background)
    if recipe.size is None:
        return picture
    square = (recipe.size, recipe.size)
    if recipe.fit == "crop":
        return ImageOps.fit(picture, square, Image.Resampling.LANCZOS)
    if recipe.fit == "pad":
        ground = (*background, 0) if picture.mode == "RGBA" else background
        return ImageOps.pad(picture, square, Image.Resampling.LANCZOS, color=ground)
    scale = recipe.size / min(picture.size)
    width, height = (max(recipe.size, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)
