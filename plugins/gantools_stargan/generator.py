"""StarGAN's generator (Choi et al. 2018, appendix 7.2, table 4), and what stands beside the paper's."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import grid_sample, mse_loss, pad

from gantools.networks import Doubling, InstanceNorm, PictureConv2d
from gantools.networks.blur import BlurUp
from gantools.networks.resnet import Upsample
from gantools.objectives.base import precise

Norm = Literal["demodulation", "instance"]
Padding = Literal["replicate", "zeros"]
_SOURCE = 0.9
_TOLERANCE, _PACE = 0.05, 5.0  # of Smoothing: what it begins with, and how much faster than other weights it changes
_NODES, _NOISE, _QUICK = 17, 0.1, 20.0  # of Palette: nodes along an axis, the noise, and its pace
_THROUGH = 0.5  # share of a gradient that passes through the tables of Palette


class Generator(nn.Module):
    """A ResNet that is told the target labels: [N, 3, H, W] and [N, C] -> [N, 3, H, W].

    H and W are multiples of 4 (`stride`).

    ``norm`` says how it is told. "instance", the paper's: labels are further channels of the picture, which the first
    norm takes away again but for the borders. "demodulation": each label scales what every convolution sees and shifts
    what it returns, and the weights are demodulated in place of a norm (Karras et al. 2020, eq. 1 to 3). How a place is
    painted then depends on what is around it alone, not on how much white there is elsewhere.

    ``skips``, not the paper's, hand what the halving layers see on to the doubling ones (Ronneberger et al. 2015), and
    the network paints over its source: tanh(change + kept artanh(0.9 source)), with ``kept`` from 0 to 2 at each pixel,
    so that a line can be taken out without painting its negative. It starts with the source's lines and colours, where
    the paper's may settle on inverted colours, which the reconstruction loss does not mind.

    ``refine``, not the paper's, adds two convolutions at full size, whose channels the last one sees besides.

    ``tanh_slope``, not the paper's, lets colours at the end of the range come back (`bounded`).

    ``smoothing``, not the paper's, ends it with a filter that takes haze off flat colours (`Smoothing`); ``palette``
    with a table that moves colours towards those of the domain (`Palette`).
    """

    stride = 4

    def __init__(
        self,
        labels: int,
        width: int = 64,
        blocks: int = 6,
        upsample: Upsample = "resize",
        skips: bool = False,
        norm: Norm = "instance",
        smoothing: bool = False,
        palette: bool = False,
        refine: bool = False,
        tanh_slope: float = 0.0,
    ) -> None:
        super().__init__()
        self.tanh_slope = tanh_slope
        self.skips, self.sees_labels = skips, norm == "instance"
        twice, seen = 2 if skips else 1, labels if self.sees_labels else 0
        padding: Padding = "zeros" if self.sees_labels else "replicate"

        def layer(convolution: nn.Module, channels: int, activates: bool = True) -> nn.Module:
            if norm == "instance":
                return _Normalised(convolution, channels, activates)
            return _Demodulated(convolution, channels, labels, activates)

        def residual(channels: int) -> nn.Module:
            first, second = (_conv(channels, channels, 3, 1, 1, padding) for _ in range(2))
            share = 1.0 if norm == "instance" else 0.5**0.5  # without a norm, what adds up would grow
            return _Residual(layer(first, channels), layer(second, channels, activates=False), share)

        self.stem = layer(_conv(3 + seen, width, 7, 1, 3, padding), width)
        self.down = nn.ModuleList(layer(_conv(i, 2 * i, 4, 2, 1, padding), 2 * i) for i in (width, 2 * width))
        self.blocks = nn.ModuleList(residual(4 * width) for _ in range(blocks))
        self.up = nn.ModuleList(
            layer(_doubling(inside, outside, upsample, padding), outside)
            for inside, outside in ((4 * width, 2 * width), (twice * 2 * width, width))
        )
        self.head = PictureConv2d(
            (twice + refine) * width, 4 if skips else 3, 7, 1, 3, bias=False, padding_mode=padding
        )
        self.smoothing = Smoothing(labels) if smoothing else None
        self.palette = Palette(labels) if palette else None
        pairs = ((twice * width, width), (width, width)) if refine else ()
        self.refine = nn.ModuleList(layer(_conv(i, o, 3, 1, 1, padding), o) for i, o in pairs)

    def forward(self, image: Tensor, labels: Tensor) -> Tensor:
        """Translate pictures in [-1, 1] to the domains of ``labels`` [N, C], 0 or 1 each."""
        labels = labels.to(image.dtype)
        seen = image
        if self.sees_labels:
            seen = torch.cat([image, as_maps(labels).expand(-1, -1, *image.shape[2:])], 1)
        whole = self.stem(seen, labels)
        half = self.down[0](whole, labels)
        x = self.down[1](half, labels)
        for block in self.blocks:
            x = block(x, labels)
        x = self.up[0](x, labels)
        x = self.up[1](self._beside(x, half), labels)
        x = seen = self._beside(x, whole)
        for finer in self.refine:
            x = finer(x, labels)
        painted: Tensor = self.head(torch.cat([seen, x], 1) if self.refine else x)
        change, kept = painted[:, :3], painted[:, 3:]
        if self.skips:
            change = change + 2 * kept.sigmoid() * (_SOURCE * image).atanh()
        slope = self.tanh_slope if self.training else 0.0
        result = bounded(change, slope) if slope else change.tanh()
        result = result if self.smoothing is None else self.smoothing(result, labels)
        return result if self.palette is None else self.palette(result, labels)

    def _beside(self, x: Tensor, seen: Tensor) -> Tensor:
        return torch.cat([x, seen], 1) if self.skips else x


def bounded(x: Tensor, least: float) -> Tensor:
    """Return tanh(x), whose slope is at least ``least`` for a gradient that leads back from an end of the range.

    White is there: what has to become a little darker hardly learns it otherwise, as hardly any of its gradient passes.
    """
    result: Tensor = _Bounded.apply(x, least)
    return result


class _Bounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, least: float) -> Tensor:
        result: Tensor = x.tanh()
        ctx.save_for_backward(result)
        ctx.least = least
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        result: Tensor = ctx.saved_tensors[0]
        slope = 1 - result.square()
        return gradient * torch.where(gradient * result > 0, slope.clamp(min=ctx.least), slope), None


class Smoothing(nn.Module):
    """Average each pixel with those around that are much like it, as much as labels say: [N, 3, H, W], alike.

    A bilateral filter (Tomasi & Manduchi 1998, eq. 5) of neighbours 1, 2 and then 4 pixels away (Dammertz et al. 2010):
    a pixel whose colour is d apart, in [-1, 1], weighs exp(-d^2 / 2 tolerance^2). Each label scales the tolerance,
    and learns by how much: a style of flat colours loses its haze, one of soft shades keeps them. Without any label it
    stays 0.05, six grey levels. H and W are 4 or more.
    """

    kernel_size = 15  # as far as it sees, like that of a convolution

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.tolerance = nn.Parameter(torch.zeros(labels))  # log of the factor, over _PACE

    def forward(self, image: Tensor, labels: Tensor) -> Tensor:
        """Smooth pictures in [-1, 1] as the labels [N, C], 0 or 1 each, have it; in float32 at least."""
        image = precise(image)
        factors = (precise(labels) * precise(self.tolerance)).sum(1).clamp(-1, 1)  # a product of matrices has 16 bits
        tolerance = _TOLERANCE * (_PACE * factors).exp()
        fall = -0.5 / tolerance.square()[:, None, None, None]
        for reach in (1, 2, 4):
            image = _with_neighbours(image, fall, reach)
        return image


def _with_neighbours(image: Tensor, fall: Tensor, reach: int) -> Tensor:
    """Return the mean of each pixel and its eight neighbours so far away, weighed by exp(fall d^2)."""
    height, width = image.shape[2:]
    total, weight = image, torch.ones_like(image[:, :1])
    for down, right in ((0, reach), (reach, 0), (reach, reach), (reach, -reach)):  # the others are these, from there
        left, low = max(0, -right), max(0, right)
        one = image[..., : height - down, left : width - low]
        other = image[..., down:, low : width - left]
        alike = (fall * (one - other).square().sum(1, keepdim=True)).exp()
        at_one, at_other = (left, low, 0, down), (low, left, down, 0)
        total = total + pad(alike * other, at_one) + pad(alike * one, at_other)
        weight = weight + pad(alike, at_one) + pad(alike, at_other)
    return total / weight


class Palette(nn.Module):
    """Move each colour towards those near it that the labels' pictures have: [N, 3, H, W], alike.

    Each label adds to a colour what its table says: values at 17 x 17 x 17 nodes of the cube [-1, 1]^3, linear between
    them. The tables learn from real pictures alone (`loss`): to take normal noise of 0.1, 13 grey levels, off single
    pixels, which are then kept within [-1, 1]. Inside, what does so best gives y + 0.01 d/dy log p(y), p the density of
    the noisy colours (Miyasawa 1961; Alain & Bengio 2014, theorem 1): one step of mean shift (Comaniciu & Meer 2002). A
    generator in front of it has to hit a colour of the style but nearly. Colours far from all pictures' hardly move.
    """

    kernel_size = 1

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.tables = nn.Parameter(torch.zeros(labels, 3, _NODES, _NODES, _NODES))  # over _QUICK

    def forward(self, image: Tensor, labels: Tensor) -> Tensor:
        """Return pictures in [-1, 1] in the colours of the labels [N, C], 0 or 1 each.

        Half of a gradient passes as if it were not there (straight through, Bengio et al. 2013), half by way of the
        tables, which do not learn from it. With the first half alone, hatching grew where two colours meet, as nothing
        told how the tables enlarge it; with the other, what was white stayed white, as all around is taken there.
        """
        image = precise(image)
        shift = self._look_up(image, labels, self.tables.detach()).clamp(-1, 1) - image
        return image + _THROUGH * shift + (1 - _THROUGH) * shift.detach()

    def loss(self, image: Tensor, labels: Tensor, noise: Tensor) -> Tensor:
        """Return the mean squared error of denoising pictures that have these labels, noise given as N(0, 1)."""
        image = precise(image)
        return mse_loss(self._look_up((image + _NOISE * noise).clamp(-1, 1), labels, self.tables), image)

    def _look_up(self, image: Tensor, labels: Tensor, tables: Tensor) -> Tensor:
        shares = precise(labels)[..., None, None, None, None]
        shift = _QUICK * (shares * precise(tables)).sum(1)  # a product of matrices may have 16 bits
        places = image.movedim(1, -1).flip(-1)[:, None]  # blue is the last axis of the tables, which comes first here
        return image + grid_sample(shift, places, padding_mode="border", align_corners=True)[:, :, 0]


def _conv(inside: int, outside: int, kernel: int, stride: int, around: int, padding: Padding) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, kernel, stride, around, bias=False, padding_mode=padding)


def _doubling(inside: int, outside: int, upsample: Upsample, padding: Padding) -> nn.Module:
    layers = nn.Sequential(_conv(inside, outside, 3, 1, 1, padding))
    if upsample == "resize":
        return Doubling(layers)
    if upsample == "blur":
        return nn.Sequential(BlurUp(), layers)  # weights have the names that they have above: --init takes those
    return nn.ConvTranspose2d(inside, outside, 4, 2, 1, bias=False)


def as_maps(values: Tensor) -> Tensor:
    """Return values [N, C] as maps [N, C, 1, 1]."""
    return values[:, :, None, None]


class _Normalised(nn.Module):
    """Convolution, instance norm and ReLU, whatever the labels."""

    def __init__(self, convolution: nn.Module, channels: int, activates: bool) -> None:
        super().__init__()
        self.conv, self.activates = convolution, activates
        self.norm = InstanceNorm(channels, affine=True)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        return x.relu_() if self.activates else x


class _Demodulated(nn.Module):
    """Convolution whose weights labels scale, demodulated, then a shift by labels and ReLU.

    Scaling the weights of an input channel is scaling the channel, and demodulating those of an output channel is
    scaling what comes out: so one convolution serves a batch of different labels.
    """

    def __init__(self, convolution: nn.Module, channels: int, labels: int, activates: bool) -> None:
        super().__init__()
        self.conv, self.activates = convolution, activates
        self.scale = nn.Linear(labels, self._power().shape[1])
        self.shift = nn.Linear(labels, channels)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        scale = 1 + precise(self.scale(labels))
        x = self.conv(x * as_maps(scale).to(x.dtype))
        x = torch.addcmul(as_maps(self.shift(labels)).to(x.dtype), x, as_maps(self._gain(scale)).to(x.dtype))
        return x.relu_() if self.activates else x

    def _gain(self, scale: Tensor) -> Tensor:
        """Return what demodulates each output channel, [N, out], given the scales of the input channels [N, in]."""
        with torch.autocast(scale.device.type, enabled=False):  # squares of small weights are none in 16 bits
            gain = (scale.square() @ self._power().T + 1e-8).rsqrt()
        return gain * 2**0.5 if self.activates else gain  # of unit variance, ReLU leaves half

    def _power(self) -> Tensor:
        """Return the sum of the squared weights between each output channel and each input channel [out, in]."""
        inner = next(layer for layer in self.conv.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d))
        power = precise(inner.weight).square().sum((2, 3))
        if isinstance(inner, nn.ConvTranspose2d):  # of whose kernel a pixel sees a part
            power = power.T / (inner.stride[0] * inner.stride[1])
        return power


class _Residual(nn.Module):
    """(x + second(first(x))) times ``share``."""

    def __init__(self, first: nn.Module, second: nn.Module, share: float) -> None:
        super().__init__()
        self.first, self.second, self.share = first, second, share

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        result: Tensor = x + self.second(self.first(x, labels), labels)
        return result if self.share == 1 else result * self.share
