"""Between Pillow's pictures and the tensors that networks see."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def to_bytes(image: Image.Image) -> Tensor:
    """Return a picture of mode L, RGB or RGBA as uint8 [1, 3 or 4, H, W]."""
    pixels = np.array(image, dtype=np.uint8)
    return torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1).contiguous()


def resized(image: Image.Image, side: int) -> Tensor:
    """Return a picture resized to ``side`` x ``side`` by bicubic interpolation, as `to_bytes` does."""
    return to_bytes(image.resize((side, side), Image.Resampling.BICUBIC))


def to_unit(pixels: Tensor) -> Tensor:
    """Map uint8 pixels to float in [-1, 1]."""
    return pixels.float().div_(127.5).sub_(1.0)


def to_image(tensor: Tensor) -> Image.Image:
    """Return [1, 3 or 4, H, W] in [-1, 1] as a picture; values are rounded, not cut."""
    pixels = tensor.detach().float().clamp(-1, 1).add(1).mul(127.5).round().to("cpu", torch.uint8)
    return Image.fromarray(pixels[0].numpy() if len(pixels) == 1 else pixels.permute(1, 2, 0).numpy())
