"""What a kind of pictures looks like in a few numbers, to notice a picture that is plainly something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

Profile = dict[str, tuple[float, float]]

_WORDS = {
    "brightness": ("darker", "brighter"),
    "contrast": ("flatter", "richer in contrast"),
    "colour": ("less colourful", "more colourful"),
    "white": ("with less white", "with more white"),
}


def measure(picture: Tensor) -> dict[str, float]:
    """Return brightness, contrast, colourfulness and the share of white of a uint8 picture [C, H, W], in 0 … 1."""
    colours = picture[:3].float() / 255
    grey = colours.mean(0)
    return {
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
        "colour": float((colours.amax(0) - colours.amin(0)).mean()),
        "white": float((colours.amin(0) > 0.96).float().mean()),
    }


def profile(pictures: Iterable[Tensor]) -> Profile:
    """Return the range of each measure that all but the outer hundredth of the pictures lie in."""
    rows = [measure(picture) for picture in pictures]
    ends = torch.tensor([0.01, 0.99])
    ranges = {name: torch.quantile(torch.tensor([row[name] for row in rows]), ends).tolist() for name in rows[0]}
    return {name: (round(low, 4), round(high, 4)) for name, (low, high) in ranges.items()}


def strangeness(picture: Tensor, known: Mapping[str, tuple[float, float]]) -> str | None:
    """Say how a picture differs from all that ``known`` was made of, or None if it does not plainly.

    Plainly means two measures outside their range by half of it and at least 0.05, or one by 0.15 more than that.
    """
    reasons, plainly = [], False
    for name, value in measure(picture).items():
        low, high = known.get(name, (0.0, 1.0))
        margin = max(0.05, (high - low) / 2)
        plainly |= value < low - margin - 0.15 or value > high + margin + 0.15
        if value < low - margin:
            reasons.append(_WORDS[name][0])
        elif value > high + margin:
            reasons.append(_WORDS[name][1])
    return " and ".join(reasons) if plainly or len(reasons) > 1 else None
