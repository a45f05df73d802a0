"""CUT (Park et al. 2020): translation without pairs, by one generator. This module imports no torch."""

from typing import ClassVar

from gantools import hookimpl
from gantools.config import option
from gantools.data.settings import UnpairedSettings
from gantools.plugins import TaskInfo


class Config(UnpairedSettings):
    """The flags of `gantools train cut`, beside those that every task with two folders has."""

    width: int = option(64, "channels of the networks' first layers", "Networks", ge=1)
    blocks: int = option(9, "residual blocks of the generator", "Networks", ge=0)
    d_layers: int = option(3, "halving layers of the discriminator", "Networks", ge=1, le=6)
    patches: int = option(256, "places whose patches are contrasted, in each layer", "Losses", ge=2)
    nce: float = option(1.0, "weight of the contrastive loss", "Losses", ge=0)
    identity: bool = option(True, "contrast pictures of B with their own translations too", "Losses")
    temperature: float = option(0.07, "of the contrastive loss: lower is stricter", "Losses", gt=0)

    presets: ClassVar = {"fast": {"nce": 10.0, "identity": False}}  # FastCUT: the paper's section 4.1

    @classmethod
    def for_device(cls, device):
        return {"size": 64, "width": 24, "blocks": 4, "batch_size": 4, "steps": 3000} if device == "cpu" else {}


@hookimpl
def gantools_register_tasks(register):
    register(
        TaskInfo(
            name="cut",
            summary="translate one kind of pictures into another, learned without pairs by contrasting patches",
            data="unpaired",
            config="gantools_cut:Config",
            task="gantools_cut.task:CUT",
        )
    )
