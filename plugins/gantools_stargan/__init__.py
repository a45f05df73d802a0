"""StarGAN: one generator between any number of domains (Choi et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable

from gantools.hookspecs import hookimpl
from gantools.plugins import TaskInfo


@hookimpl
def gantools_register_tasks(register: Callable[[TaskInfo], None]) -> None:
    """Register the task `stargan`."""
    register(
        TaskInfo(
            name="stargan",
            summary="translate between any number of kinds of pictures by one generator",
            data="domains",
            config="gantools_stargan.config:Config",
            options="gantools_stargan.config:Options",
            task="gantools_stargan.task:StarGAN",
        )
    )


@hookimpl
def gantools_register_importers(register: Callable[..., None]) -> None:
    """Register the reader of other programs' weights for it."""
    register("stargan", "gantools_stargan.importer:OriginalStarGAN", "StarGAN: *-G.ckpt")
