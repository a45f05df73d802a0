"""Translating by each picture's own statistics, as pix2pix and CycleGAN are tested by their authors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

Inference = Literal["picture", "stored"]


def by_picture(generator: nn.Module, apply: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Apply a generator to pictures one by one: batch norm by the picture's own statistics, dropout on."""
    if not len(images):
        return apply(images)
    with picture_statistics(generator):
        return torch.cat([apply(image[None]) for image in images])


@contextmanager
def picture_statistics(generator: nn.Module) -> Iterator[None]:
    """Let batch norm use the batch's own statistics without storing them, and dropout drop."""
    changed = [module for module in generator.modules() if isinstance(module, _BatchNorm | _DropoutNd)]
    tracking = [(module, module.track_running_stats) for module in changed if isinstance(module, _BatchNorm)]
    for module in changed:
        module.training = True
    for norm, _ in tracking:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for module in changed:
            module.training = False
        for norm, tracked in tracking:
            norm.track_running_stats = tracked
