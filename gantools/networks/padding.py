"""Pictures of any size through a network of fixed stride."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import pad


def translate_any_size(
    network: Callable[[Tensor], Tensor], images: Tensor, stride: int, smallest: int | None = None
) -> Tensor:
    """Pad [N, C, H, W] by reflection to a multiple of ``stride``, run the network, crop back to H x W.

    ``smallest`` is the smallest side that the network takes; by default twice the stride, as convolutions padded by
    reflection need more than one pixel at the lowest resolution.
    """
    height, width = images.shape[-2:]
    smallest = 2 * stride if smallest is None else smallest
    down = max(smallest, -(-height // stride) * stride) - height
    right = max(smallest, -(-width // stride) * stride) - width
    if down or right:
        mode = "reflect" if down < height and right < width else "replicate"
        images = pad(images, (0, right, 0, down), mode=mode)
    return network(images)[..., :height, :width]
