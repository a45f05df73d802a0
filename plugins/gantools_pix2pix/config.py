"""pix2pix's settings: for training, and for translating."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from gantools.config import Options as BaseOptions
from gantools.config import Settings, option
from gantools.data.settings import PairedSettings


class Config(PairedSettings):
    """Training settings. The defaults give a good picture soonest; ``--preset paper`` gives the paper's."""

    generator: Literal["unet", "resnet"] = option("unet", "network that makes the pictures", "Networks")
    width: int = option(64, "channels of the generator's first layer", "Networks", ge=1, le=4096)
    blocks: int = option(9, "residual blocks of a resnet generator", "Networks", ge=0)
    upsample: Literal["resize", "transpose", "blur"] = option("resize", "how a resnet generator enlarges", "Networks")
    downsample: Literal["stride", "blur"] = option("stride", "how a resnet generator makes smaller", "Networks")
    norm: Literal["batch", "instance"] = option("batch", "normalisation of generator and critic", "Networks")
    dropout: float = option(0.5, "dropout inside a unet generator: its noise", "Networks", ge=0, lt=1)
    dropping: int = option(3, "inner doublings of a unet generator that drop", "Networks", ge=0)
    block_dropout: float = option(0.0, "dropout inside the blocks of a resnet generator", "Networks", ge=0, lt=1)
    inference: Literal["picture", "stored"] = option(
        "picture",
        "how the weights translate: by each picture's own statistics with dropout on, as in the paper, "
        "or by stored statistics without dropout",
        "Networks",
    )
    resize: bool = option(
        True, "let a unet translate at the size it is trained for and scale back, rather than pad", "Networks"
    )
    detail: bool = option(
        False,
        "let a unet's translations of larger pictures keep the source's fine lines: for tasks where both show the same",
        "Networks",
    )
    critic: Literal["patch", "pixel", "image"] = option("patch", "what the discriminator scores", "Networks")
    d_width: int | None = option(
        None, "channels of the discriminator's first layer [default: as --width]", "Networks", ge=1, le=4096
    )
    d_layers: int = option(3, "halving layers of the patch discriminator; 3 see 70 x 70 pixels", "Networks", ge=1, le=6)

    l1: float = option(100.0, "weight of the L1 distance to the true picture", "Losses", ge=0)
    adversarial: float = option(1.0, "weight of the generator's adversarial loss", "Losses", ge=0)
    adversarial_d: float = option(1.0, "weight of the discriminator's adversarial loss", "Losses", gt=0)

    presets: ClassVar[dict[str, Settings]] = {
        # Isola et al. 2017, section 3.3 and appendix 6.2: "we divide the objective by 2 while optimizing D".
        "paper": {
            "size": 256, "load_size": 286, "flip": True, "batch_size": 1, "epochs": 200, "decay_from": 0.5,
            "lr_g": 2e-4, "lr_d": 2e-4, "betas": (0.5, 0.999), "optimizer": "adam", "ema": 0.0, "augment": "",
            "objective": "nonsaturating", "l1": 100.0, "adversarial": 1.0, "adversarial_d": 0.5,
            "generator": "unet", "width": 64, "norm": "batch", "dropout": 0.5, "inference": "picture",
            "critic": "patch", "d_width": 64, "d_layers": 3,
        }
    }  # fmt: skip

    @classmethod
    def for_device(cls, device: str) -> Settings:
        """Return small pictures and networks for a CPU; a GPU has the paper's."""
        if device == "cpu":
            return {"size": 64, "width": 32, "blocks": 6, "batch_size": 8, "steps": 2000}
        return {"batch_size": 4, "steps": 100_000}


class Options(BaseOptions):
    """Settings of a translation."""

    inference: Literal["picture", "stored"] | None = Field(
        None, description="statistics and dropout: picture (as the paper) or stored; default: as the weights say"
    )
    resize: bool | None = Field(
        None,
        description="let a unet work at the size it was trained for and scale back, rather than pad; "
        "default: as the weights say",
    )
