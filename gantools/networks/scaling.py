"""Pictures of any size through a network that works at one size."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import interpolate


def translate_at_size(network: Callable[[Tensor], Tensor], images: Tensor, size: int, detail: bool) -> Tensor:
    """Scale [N, C, H, W] to ``size`` x ``size``, run the network, scale back to H x W.

    ``detail`` adds what the source loses by being scaled down and up, its fine lines, to the result: right where both
    show the same lines, and possible only where both have as many channels.
    """
    if images.shape[-2:] == (size, size):
        return network(images)
    small = _scaled(images, (size, size))
    result = _scaled(network(small), images.shape[-2:])
    if detail and result.shape == images.shape:
        result = result + images - _scaled(small, images.shape[-2:])
    return result.clamp(-1, 1)


def _scaled(images: Tensor, size: tuple[int, ...]) -> Tensor:
    if size[1] == 1 < images.shape[3]:  # columns first, then: torch (seen in 2.14) makes a single one all the same
        images = _scaled(images, (size[0], images.shape[3]))
    return interpolate(images, tuple(size), mode="bicubic", antialias=True, align_corners=False)
