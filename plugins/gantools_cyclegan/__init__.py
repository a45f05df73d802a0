"""CycleGAN: two folders of pictures without pairs (Zhu et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable

from gantools.hookspecs import hookimpl
from gantools.plugins import TaskInfo


@hookimpl
def gantools_register_tasks(register: Callable[[TaskInfo], None]) -> None:
    """Register the task `cyclegan`."""
    register(
        TaskInfo(
            name="cyclegan",
            summary="translate between two kinds of pictures, learned without pairs",
            data="unpaired",
            config="gantools_cyclegan.config:Config",
            options="gantools_cyclegan.config:Options",
            task="gantools_cyclegan.task:CycleGAN",
        )
    )


@hookimpl
def gantools_register_importers(register: Callable[..., None]) -> None:
    """Register the reader of other programs' weights for it."""
    register(
        "junyanz-cyclegan",
        "gantools_cyclegan.importer:JunyanzCycleGAN",
        "CycleGAN and CUT: *_net_G_A.pth and *_net_G_B.pth, or one *_net_G.pth",
    )
