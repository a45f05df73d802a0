"""Text to image: a GAN that paints what a sentence says (after Tao et al. 2022, DF-GAN)."""

from __future__ import annotations

from collections.abc import Callable

from gantools.hookspecs import hookimpl
from gantools.plugins import TaskInfo


@hookimpl
def gantools_register_tasks(register: Callable[[TaskInfo], None]) -> None:
    """Register the task `text2image`."""
    register(
        TaskInfo(
            name="text2image",
            summary="generate pictures from words, learned from pictures with captions",
            data="captions",
            config="gantools_text2image.config:Config",
            options="gantools_text2image.config:Options",
            task="gantools_text2image.task:TextToImage",
            capabilities=frozenset({"generate"}),
        )
    )


@hookimpl
def gantools_register_importers(register: Callable[..., None]) -> None:
    """Register the reader of other programs' weights for it."""
    register("df-gan", "gantools_text2image.importer:OriginalDFGAN", "DF-GAN: state_epoch_*.pth")
