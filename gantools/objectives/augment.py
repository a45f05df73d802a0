"""Differentiable augmentation of everything a critic sees (Zhao et al. 2020, DiffAugment)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import pad

from gantools.errors import GanToolsError
from gantools.objectives.base import Sample
from gantools.registry import suggestion

if TYPE_CHECKING:
    from torch import Tensor

    from gantools.randomness import StepRandom

Policy = Callable[[tuple["Tensor", ...], "StepRandom"], tuple["Tensor", ...]]


class DiffAugment:
    """Random but differentiable changes, the same for a picture and the pictures it is judged with.

    ``policy`` lists any of ``color``, ``translation``, ``cutout``, separated by commas.
    """

    def __init__(self, policy: str) -> None:
        names = [name.strip() for name in policy.split(",") if name.strip()]
        for name in names:
            if name not in _POLICIES:
                raise GanToolsError(f"unknown augmentation `{name}`", suggestion(name, list(_POLICIES)))
        self._policies = [_POLICIES[name] for name in names]

    def __call__(self, sample: Sample, rng: StepRandom) -> Sample:
        """Return the sample with its pictures [N, C, H, W] changed; other conditions stay."""
        pictures = (sample.image, *(cond for cond in sample.cond if cond.dim() == 4))
        for policy in self._policies:
            pictures = policy(pictures, rng)
        changed = iter(pictures[1:])
        return Sample(pictures[0], tuple(next(changed) if cond.dim() == 4 else cond for cond in sample.cond))


def _color(pictures: tuple[Tensor, ...], rng: StepRandom) -> tuple[Tensor, ...]:
    """Brightness ± 0.5, saturation 0 … 2, contrast 0.5 … 1.5."""
    brightness, saturation, contrast = rng.uniform(3, 1, 1, 1).unbind(1)

    def change(x: Tensor) -> Tensor:
        bright, saturated, contrasted = (draw.to(x.dtype) for draw in (brightness, saturation, contrast))
        x = x + (bright - 0.5)
        grey = x.mean(1, keepdim=True)
        x = torch.lerp(grey, x, saturated * 2)
        mean = x.mean((1, 2, 3), keepdim=True)
        return torch.lerp(mean, x, contrasted + 0.5)

    return tuple(change(x) for x in pictures)


def _translation(pictures: tuple[Tensor, ...], rng: StepRandom) -> tuple[Tensor, ...]:
    """Shift by up to an eighth of the size; what comes in is 0."""
    height, width = pictures[0].shape[-2:]
    most_y, most_x = round(height / 8), round(width / 8)
    shift = rng.uniform(2)
    down = (shift[:, 0] * (2 * most_y + 1)).long() - most_y
    right = (shift[:, 1] * (2 * most_x + 1)).long() - most_x

    def change(x: Tensor) -> Tensor:
        y = (torch.arange(height, device=x.device)[None] - down[:, None] + 1).clamp(0, height + 1)
        z = (torch.arange(width, device=x.device)[None] - right[:, None] + 1).clamp(0, width + 1)
        rows = torch.arange(len(x), device=x.device)[:, None, None]
        padded = pad(x, (1, 1, 1, 1)).permute(0, 2, 3, 1)
        return padded[rows, y[:, :, None], z[:, None, :]].permute(0, 3, 1, 2)

    return tuple(change(x) for x in pictures)


def _cutout(pictures: tuple[Tensor, ...], rng: StepRandom) -> tuple[Tensor, ...]:
    """Blank a square of half the size, its centre anywhere."""
    height, width = pictures[0].shape[-2:]
    centre = rng.uniform(2)
    device = pictures[0].device
    y = torch.arange(height, device=device)[None] + 0.5 - centre[:, :1] * height
    x = torch.arange(width, device=device)[None] + 0.5 - centre[:, 1:] * width
    inside = (y.abs() < height / 4)[:, :, None] & (x.abs() < width / 4)[:, None, :]
    return tuple(picture.masked_fill(inside[:, None], 0.0) for picture in pictures)


_POLICIES: dict[str, Policy] = {"color": _color, "translation": _translation, "cutout": _cutout}
