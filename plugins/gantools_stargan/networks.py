"""StarGAN's networks (Choi et al. 2018, appendix 7.2, tables 4 and 5)."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from gantools.networks import AutoEncoder, Doubling, InstanceNorm, PictureConv2d
from gantools.networks.resnet import Upsample
from gantools.objectives import Verdict

_DEEPEST, _SOURCE = 6, 0.9


class Generator(nn.Module):
    """A ResNet that sees the target labels as further channels: [N, 3, H, W] and [N, C] -> [N, 3, H, W].

    H and W are multiples of 4 (`stride`). Padding is by zeros: mirrored borders would look like other places, and with
    constant label maps the network would not tell where a picture ends. ``skips``, not the paper's, hand what the
    halving layers see on to the doubling ones (Ronneberger et al. 2015), and the network paints a change of its source:
    tanh(change + artanh(0.9 source)). It then starts with the source's lines and colours, where the paper's may settle
    on inverted colours, which the reconstruction loss does not mind. ``conditional_norm``, not the paper's, gives each
    label a scale and shift of its own after every norm (conditional instance norm, Dumoulin et al. 2017, eq. 5): a
    constant label map moves a channel as a whole, and the norm takes that away again but for the borders.
    """

    stride = 4

    def __init__(
        self,
        labels: int,
        width: int = 64,
        blocks: int = 6,
        upsample: Upsample = "resize",
        skips: bool = False,
        conditional_norm: bool = False,
    ) -> None:
        super().__init__()
        self.skips = skips
        twice = 2 if skips else 1
        told = labels if conditional_norm else 0
        self.stem = _Layer(_conv(3 + labels, width, 7, 1, 3), width, told)
        self.down = nn.ModuleList(_Layer(_conv(i, 2 * i, 4, 2, 1), 2 * i, told) for i in (width, 2 * width))
        self.blocks = nn.ModuleList(_Residual(4 * width, told) for _ in range(blocks))
        self.up = nn.ModuleList(
            _Layer(_doubling(inside, outside, upsample), outside, told)
            for inside, outside in ((4 * width, 2 * width), (twice * 2 * width, width))
        )
        self.head = PictureConv2d(twice * width, 3, 7, 1, 3, bias=False)

    def forward(self, image: Tensor, labels: Tensor) -> Tensor:
        """Translate pictures in [-1, 1] to the domains of ``labels`` [N, C], 0 or 1 each."""
        labels = labels.to(image.dtype)
        maps = labels[:, :, None, None].expand(-1, -1, *image.shape[2:])
        whole = self.stem(torch.cat([image, maps], 1), labels)
        half = self.down[0](whole, labels)
        x = self.down[1](half, labels)
        for block in self.blocks:
            x = block(x, labels)
        x = self.up[0](x, labels)
        x = self.up[1](self._beside(x, half), labels)
        painted: Tensor = self.head(self._beside(x, whole))
        return (painted + (_SOURCE * image).atanh()).tanh() if self.skips else painted.tanh()

    def _beside(self, x: Tensor, seen: Tensor) -> Tensor:
        return torch.cat([x, seen], 1) if self.skips else x


class Discriminator(nn.Module):
    """Halving convolutions with two heads: scores of patches, and domain logits [N, C] as ``aux["domains"]``.

    With ``projection``, not the paper's, the scores say how real a picture is *as one of its labels*: each label adds a
    projection of the features (Miyato & Koyama 2018, eq. 3, here for each patch). The domain logits are then those of
    patches, averaged: the paper's head looks at each place by weights of its own, and a generator may please it with
    a fleck in the same corner of all pictures. Of 2 x 2 patches, the default, the average still tells each from the
    others, as every patch sees its neighbours and the border; with fewer ``layers`` it does so less.
    """

    def __init__(
        self, labels: int, size: int, width: int = 64, layers: int | None = None, projection: bool = False
    ) -> None:
        super().__init__()
        layers = layers or discriminator_layers(size)
        channels = [3, *(width * 2**i for i in range(layers))]
        self.body = nn.Sequential(
            *(
                nn.Sequential(nn.Conv2d(channels[i], channels[i + 1], 4, 2, 1), nn.LeakyReLU(0.01))
                for i in range(layers)
            )
        )
        self.head = nn.Conv2d(channels[-1], 1, 3, 1, 1, bias=False)
        kernel, padding = (3, 1) if projection else (max(1, size >> layers), 0)
        self.domains = nn.Conv2d(channels[-1], labels, kernel, padding=padding, bias=False)
        self.projection = nn.Conv2d(channels[-1], labels, 3, 1, 1, bias=False) if projection else None

    def forward(self, image: Tensor, labels: Tensor | None = None) -> Verdict:
        """Judge pictures [N, 3, size, size] in [-1, 1], with ``projection`` together with their labels [N, C]."""
        features = self.body(image)
        score = self.head(features)
        if self.projection is not None and labels is not None:
            of_labels = self.projection(features) * labels.to(features.dtype)[:, :, None, None]
            score = score + of_labels.sum(1, keepdim=True)
        return Verdict(score, aux={"domains": self.domains(features).flatten(2).mean(2)})


class EnergyDiscriminator(nn.Module):
    """An auto-encoder for energy-based objectives, with a domain head on its code."""

    def __init__(self, labels: int, size: int, width: int = 64, layers: int = 3, code: int = 16) -> None:
        super().__init__()
        self.autoencoder = AutoEncoder(3, width, layers, code=code)
        self.domains = nn.Linear(code * (size >> layers) ** 2, labels)
        self.head = self.autoencoder.head

    def forward(self, image: Tensor, labels: Tensor | None = None) -> Verdict:
        """Judge pictures [N, 3, size, size] in [-1, 1], whatever their labels: an energy knows no projection."""
        verdict: Verdict = self.autoencoder(image)
        return verdict._replace(aux={"domains": self.domains(verdict.features[0].flatten(1))})


class Recogniser(nn.Module):
    """A small network that sees which attributes a picture has: [N, 3, H, W] -> logits [N, C]; not the paper's."""

    def __init__(self, labels: int, width: int = 16) -> None:
        super().__init__()
        channels = [3, width, 2 * width, 4 * width, 4 * width]
        layers = [
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.GroupNorm(4, b), nn.ReLU(inplace=True))
            for a, b in itertools.pairwise(channels)
        ]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(channels[-1], labels)

    def forward(self, image: Tensor) -> Tensor:
        """Return a logit for each attribute; above 0 means that it is there."""
        result: Tensor = self.head(self.body(image).flatten(2).mean(2))
        return result


def discriminator_layers(size: int) -> int:
    """Return how many halvings leave 2 x 2 patches or 3 x 3, and 6 at most."""
    return max(1, min(_DEEPEST, size.bit_length() - 2))


def _conv(inside: int, outside: int, kernel: int, stride: int, padding: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, kernel, stride, padding, bias=False)


def _doubling(inside: int, outside: int, upsample: Upsample) -> nn.Module:
    if upsample == "resize":
        return Doubling(nn.Sequential(_conv(inside, outside, 3, 1, 1)))
    return nn.ConvTranspose2d(inside, outside, 4, 2, 1, bias=False)


class _Layer(nn.Module):
    """Convolution, instance norm and ReLU; ``told`` is the number of labels that scale and shift what is normalised."""

    def __init__(self, convolution: nn.Module, channels: int, told: int, activates: bool = True) -> None:
        super().__init__()
        self.conv, self.activates = convolution, activates
        self.norm = InstanceNorm(channels, affine=not told)
        self.style = nn.Linear(told, 2 * channels) if told else None

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        x = self.norm(self.conv(x))
        if self.style is not None:
            scale, shift = self.style(labels)[:, :, None, None].to(x.dtype).chunk(2, 1)
            x = torch.addcmul(shift, x, 1 + scale)
        return x.relu_() if self.activates else x


class _Residual(nn.Module):
    def __init__(self, channels: int, told: int) -> None:
        super().__init__()
        self.first = _Layer(_conv(channels, channels, 3, 1, 1), channels, told)
        self.second = _Layer(_conv(channels, channels, 3, 1, 1), channels, told, activates=False)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        result: Tensor = x + self.second(self.first(x, labels), labels)
        return result
