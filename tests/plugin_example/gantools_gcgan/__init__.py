"""GcGAN (Fu et al. 2019): translation without pairs, by one generator and one discriminator."""

from gantools import hookimpl
from gantools.config import option
from gantools.data.settings import UnpairedSettings
from gantools.plugins import TaskInfo


class Config(UnpairedSettings):
    """The flags of `gantools train gcgan`, beside those that every task with two folders has."""

    width: int = option(32, "channels of the networks' first layers", "Networks", ge=1)
    blocks: int = option(6, "residual blocks of the generator", "Networks", ge=0)
    d_layers: int = option(3, "halving layers of the discriminator", "Networks", ge=1, le=6)
    geometry: float = option(10.0, "weight of the geometry consistency", "Losses", ge=0)
    identity: float = option(5.0, "weight of leaving pictures of the second kind as they are", "Losses", ge=0)

    @classmethod
    def for_device(cls, device):
        return {"size": 64} if device == "cpu" else {}


@hookimpl
def gantools_register_tasks(register):
    register(
        TaskInfo(
            name="gcgan",
            summary="translate one kind of pictures into another, learned without pairs by one generator",
            data="unpaired",
            config="gantools_gcgan:Config",
            task="gantools_gcgan.task:GcGAN",
        )
    )
