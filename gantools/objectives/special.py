"""Functions of scores whose gradients keep their digits where they vanish: Adam makes small gradients large again."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def expm1(x: Tensor) -> Tensor:
    """Return exp(x) - 1, whose gradient is exp(x) to the last digits (torch takes it from the value, plus 1)."""
    return torch.where(x < -1, torch.exp(x) - 1, torch.expm1(x))


def half_tanh(x: Tensor) -> Tensor:
    """Return tanh(x) / 2, with a gradient that is right far from 0 too (torch takes it from the value, squared)."""
    return torch.where(x.abs() < 1, 0.5 * torch.tanh(x), x.sign() * (0.5 - torch.sigmoid(-2 * x.abs())))


def log1mexp(x: Tensor) -> Tensor:
    """Return log(1 - exp(x)) for x < 0 (Mächler 2012, eq. 7)."""
    is_near = x > -math.log(2)
    near, far = torch.where(is_near, x, -0.5), torch.where(is_near, -1.0, x)  # no infinite gradient where not chosen
    return torch.where(is_near, torch.log(-torch.expm1(near)), torch.log1p(-torch.exp(far)))


class _WrightOmega(torch.autograd.Function):
    """ω with its derivative ω / (1 + ω)."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        # Newton's method for the logarithm y = log ω, y + exp(y) = z, from a start to the right of it.
        y = torch.where(z > 1, torch.log(z.clamp(min=1)), z)
        for _ in range(8):
            e = torch.exp(y)
            y = y - (y + e - z) / (1 + e)
        w = torch.exp(y)
        ctx.save_for_backward(w)
        return w

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (w,) = ctx.saved_tensors
        gradient: Tensor = gradients[0] * w / (1 + w)
        return gradient


def wright_omega(z: Tensor) -> Tensor:
    """Return Wright's ω(z): the w > 0 with w + log w = z, which is Lambert's W(exp(z)) without the exponential."""
    result: Tensor = _WrightOmega.apply(z)
    return result
