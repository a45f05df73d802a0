"""Pictures of any size through a network of fixed stride."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import pad


def translate_any_size(network: Callable[[Tensor], Tensor], images: Tensor, stride: int) -> Tensor:
    """Pad [N, C, H, W] by reflection to a multiple of ``stride``, run the network, crop back to H x W."""
    height, width = images.shape[-2:]
    smallest = 2 * stride  # reflection inside the network needs a few pixels at its lowest resolution
    down = max(smallest, -(-height // stride) * stride) - height
    right = max(smallest, -(-width // stride) * stride) - width
    if down or right:
        mode = "reflect" if down < height and right < width else "replicate"
        images = pad(images, (0, right, 0, down), mode=mode)
    return network(images)[..., :height, :width]
