"""pix2pix: pairs of pictures, one made from the other (Isola et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable

from gantools.hookspecs import hookimpl
from gantools.plugins import TaskInfo


@hookimpl
def gantools_register_tasks(register: Callable[[TaskInfo], None]) -> None:
    """Register the task `pix2pix`."""
    register(
        TaskInfo(
            name="pix2pix",
            summary="make one kind of picture from another, learned from pairs",
            data="paired",
            config="gantools_pix2pix.config:Config",
            options="gantools_pix2pix.config:Options",
            task="gantools_pix2pix.task:Pix2Pix",
        )
    )


@hookimpl
def gantools_register_importers(register: Callable[..., None]) -> None:
    """Register the reader of other programs' weights for it."""
    register("junyanz-pix2pix", "gantools_pix2pix.importer:JunyanzPix2Pix", "pix2pix: *_net_G.pth")
