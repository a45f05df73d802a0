"""CycleGAN's settings: for training, and for translating."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from gantools.config import Options as BaseOptions
from gantools.config import Settings, option
from gantools.data.settings import UnpairedSettings


class Config(UnpairedSettings):
    """Training settings. The defaults give a good picture soonest; ``--preset paper`` gives the paper's."""

    width: int = option(64, "channels of the generator's first layer", "Networks", ge=1, le=4096)
    blocks: int = option(9, "residual blocks of the generator", "Networks", ge=0, le=64)
    upsample: Literal["resize", "transpose", "blur"] = option(
        "resize", "how the generator enlarges; transpose, the paper's, can leave checkerboards", "Networks"
    )
    downsample: Literal["stride", "blur"] = option(
        "stride", "how it makes smaller; blur, in both, is CUT's: a shifted picture gives a shifted result", "Networks"
    )
    skips: bool = option(
        True, "hand lines and colours of the source on, and paint a change of it; not the paper's", "Networks"
    )
    norm: Literal["instance", "batch"] = option("instance", "normalisation of the generator", "Networks")
    dropout: float = option(0.0, "dropout inside the generator's residual blocks", "Networks", ge=0, lt=1)
    inference: Literal["picture", "stored"] = option(
        "stored",
        "how batch norm and dropout translate: by each picture's own statistics with dropout on, or by stored ones "
        "without",
        "Networks",
    )
    directions: Literal["both", "a2b", "b2a"] = option(
        "both", "directions that the weights have; imported ones may have a single one, training has both", "Networks"
    )
    critic: Literal["patch", "pixel"] = option("patch", "what the discriminator scores", "Networks")
    d_width: int | None = option(
        None, "channels of the discriminator's first layer [default: as --width]", "Networks", ge=1, le=4096
    )
    d_layers: int = option(3, "halving layers of the patch discriminator; 3 see 70 x 70 pixels", "Networks", ge=1, le=6)

    cycle: float = option(10.0, "weight of the cycle loss", "Losses", ge=0)
    identity: float = option(0.5, "weight of the identity loss, as a share of --cycle", "Losses", ge=0)
    adversarial: float = option(
        1.0, "weight of the generators' adversarial loss; 2 makes up for the 1/2 in lsgan", "Losses", ge=0
    )
    pool_size: int = option(50, "earlier translations that the discriminators are shown again", "Losses", ge=0)

    presets: ClassVar[dict[str, Settings]] = {
        # Zhu et al. 2017, section 4 and appendix 7. Its generator loss is E(D(G(x)) - 1)², without the 1/2 that
        # `lsgan` states for both players: hence adversarial 2.
        "paper": {
            "size": 256, "load_size": 286, "flip": True, "batch_size": 1, "epochs": 200, "decay_from": 0.5,
            "lr_g": 2e-4, "lr_d": 2e-4, "betas": (0.5, 0.999), "optimizer": "adam", "ema": 0.0, "augment": "",
            "objective": "lsgan", "adversarial": 2.0, "cycle": 10.0, "identity": 0.5, "pool_size": 50,
            "width": 64, "blocks": 9, "upsample": "transpose", "skips": False,
            "critic": "patch", "d_width": 64, "d_layers": 3,
        }
    }  # fmt: skip

    @classmethod
    def for_device(cls, device: str) -> Settings:
        """Return small pictures and networks for a CPU; a GPU has the paper's."""
        if device == "cpu":
            return {"size": 64, "width": 32, "blocks": 6, "batch_size": 4, "steps": 2000}
        return {"batch_size": 1, "steps": 100_000}

    @classmethod
    def begun_with(cls, settings: Settings) -> Settings:
        """Train both directions, from weights of a single one too."""
        return {**settings, "directions": "both"}


class Options(BaseOptions):
    """Settings of a translation."""

    direction: Literal["a2b", "b2a"] | None = Field(
        None,
        description="a2b, from the first kind of pictures to the second, or b2a, back; "
        "default: a2b, or what the weights have",
    )
