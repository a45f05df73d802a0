"""The text-to-image task's settings: for training, and for generating."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from gantools.config import Options as BaseOptions
from gantools.config import Settings, option
from gantools.data.settings import CaptionSettings


class Config(CaptionSettings):
    """Training settings. The defaults give a good picture soonest; ``--preset paper`` gives DF-GAN's."""

    objective: str = option("df-gan", "adversarial loss or recipe, NAME[:key=value,…]", "Objective")

    width: int = option(32, "channels of the generator's last layer", "Networks", ge=1, le=4096)
    d_width: int | None = option(
        None, "channels of the discriminator's first layer [default: as --width]", "Networks", ge=1, le=4096
    )
    noise: int = option(16, "numbers of noise", "Networks", ge=1)
    attention: bool = option(False, "let the generator look at single words, at a quarter of the side", "Networks")
    generator: Literal["layout", "df-gan"] = option(
        "layout",
        "layout: words lay the picture out, too; df-gan: the paper's, they modulate channels",
        "Networks",
    )
    reconstruction: float = option(
        0.0,
        "weight of an L1 loss to a picture with the caption: for data where captions say nearly all",
        "Losses",
        ge=0,
    )
    interpolated: float = option(
        0.0, "share of the generated pictures whose sentence lies between two captions", "Losses", ge=0, le=1
    )

    presets: ClassVar[dict[str, Settings]] = {
        # Tao et al. 2022, section 4; 1301 epochs are those of the birds
        "paper": {
            "size": 256, "load_size": 304, "flip": True, "batch_size": 32, "epochs": 1301, "decay_from": 1.0,
            "lr_g": 1e-4, "lr_d": 4e-4, "betas": (0.0, 0.9), "optimizer": "adam", "ema": 0.0, "augment": "",
            "objective": "df-gan", "n_critic": 1, "width": 32, "d_width": 32,
            "noise": 100, "attention": False, "generator": "df-gan", "reconstruction": 0.0, "interpolated": 0.0,
        }
    }  # fmt: skip

    @classmethod
    def for_device(cls, device: str) -> Settings:
        """Return small pictures for a CPU."""
        if device == "cpu":
            return {"size": 64, "width": 24, "batch_size": 16, "steps": 6000}
        return {"size": 128, "batch_size": 32, "steps": 60_000}


class Options(BaseOptions):
    """Settings of a generation."""

    truncation: float | None = Field(
        None, gt=0, description="keep noise within this many standard deviations: tamer, more alike pictures"
    )
