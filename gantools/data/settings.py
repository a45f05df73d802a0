"""The settings of image data: mixed into a task's Config, they become its flags. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import field_validator, model_validator

from gantools.config import RunConfig, option


class ImageSettings(RunConfig):
    """How pictures are read and cropped."""

    size: int = option(256, "side of the training crop in pixels", "Data", ge=8)
    load_size: int | None = option(
        None, "side that pictures are resized to before the crop [default: size x 286/256]", "Data", ge=8
    )
    flip: bool = option(True, "mirror half of the pictures at random", "Data")
    background: str = option("white", "colour under transparent pictures: a name or #rrggbb", "Data")
    cache_mb: int = option(1024, "memory for decoded pictures; a larger set is decoded as it is needed", "Data", ge=0)

    @field_validator("background")
    @classmethod
    def _known_colour(cls, value: str) -> str:
        from PIL import ImageColor

        try:
            ImageColor.getrgb(value)
        except ValueError:
            raise ValueError("not a colour name or #rrggbb") from None
        return value

    @model_validator(mode="after")
    def _crop_fits(self) -> Self:
        if self.load_size is not None and self.load_size < self.size:
            raise ValueError(f"--load-size {self.load_size} is smaller than --size {self.size}")
        return self

    @property
    def resize_to(self) -> int:
        """Side that pictures are resized to before the crop."""
        return self.load_size or round(self.size * 286 / 256)


class UnpairedSettings(ImageSettings):
    """Two folders of pictures without pairs."""

    a: Path | None = option(None, "folder of the first kind of pictures", "Data")
    b: Path | None = option(None, "folder of the second kind", "Data")
    data: Path | None = option(None, "one folder that holds A/ and B/, or trainA/ and trainB/", "Data")


class PairedSettings(ImageSettings):
    """Pairs of pictures: two folders matched by name, or pictures that hold both halves side by side."""

    a: Path | None = option(None, "folder of the source pictures", "Data")
    b: Path | None = option(None, "folder of the target pictures, named as the sources are", "Data")
    data: Path | None = option(
        None, "one folder that holds A/ and B/, or pictures with A on the left and B on the right", "Data"
    )
    direction: Literal["a2b", "b2a"] = option("a2b", "which of the two is the source", "Data")
    in_channels: Literal[1, 3, 4] = option(3, "channels of the source: 1 grey, 3 colour, 4 with transparency", "Data")
    out_channels: Literal[1, 3, 4] = option(3, "channels of the target", "Data")
