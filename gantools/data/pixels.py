"""Between Pillow's pictures and the tensors that networks see."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_bytes(image: Image.Image) -> Tensor:
    """Return an RGB picture as uint8 [3, H, W]."""
    return torch.from_numpy(np.array(image, dtype=np.uint8)).permute(2, 0, 1).contiguous()


def to_unit(pixels: Tensor) -> Tensor:
    """Map uint8 pixels to float in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1.0)


def to_image(tensor: Tensor) -> Image.Image:
    """Return [3, H, W] in [-1, 1] as a picture; values are rounded, not cut."""
    pixels = tensor.detach().float().clamp(-1, 1).add(1).mul(127.5).round().to("cpu", torch.uint8)
    return Image.fromarray(pixels.permute(1, 2, 0).numpy())
