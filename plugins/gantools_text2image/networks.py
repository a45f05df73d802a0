"""A one-stage generator and a one-way discriminator, written from the paper (Tao et al. 2022, DF-GAN, section 3).

Both follow the size of the pictures: the generator doubles 4 x 4 features until they are as large, the discriminator
halves them down to 4 x 4.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate, layer_norm, leaky_relu

from gantools.networks import AutoEncoder, PictureConv2d, convolve_doubled
from gantools.objectives import Verdict

_SEED_SIDE, _WIDEST = 4, 8
_CODE = 16


class Affine(nn.Module):
    """Scale and shift of each channel, drawn from the condition: γ(c) x + β(c), at first x itself (eq. 2 and 3)."""

    def __init__(self, cond: int, channels: int) -> None:
        super().__init__()
        self.gamma, self.beta = _two_layers(cond, channels, 1.0), _two_layers(cond, channels, 0.0)

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        """Modulate [N, C, H, W] by conditions [N, D]."""
        result: Tensor = self.gamma(cond)[:, :, None, None] * x + self.beta(cond)[:, :, None, None]
        return result


class FusionBlock(nn.Module):
    """Doubles the side; two convolutions, in front of each two affine layers with ReLUs: deep text-image fusion."""

    def __init__(self, cond: int, inside: int, outside: int) -> None:
        super().__init__()
        self.affines = nn.ModuleList(Affine(cond, channels) for channels in (inside, inside, outside, outside))
        self.first = nn.Conv2d(inside, outside, 3, padding=1)
        self.second = nn.Conv2d(outside, outside, 3, padding=1)
        self.shortcut = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: Tensor, cond: Tensor) -> Tensor:
        """Turn [N, C, H, W] into [N, C', 2H, 2W]."""
        y = convolve_doubled(self._fuse(x, cond, 0), self.first)
        y = self.second(self._fuse(y, cond, 2))
        result: Tensor = interpolate(self.shortcut(x), scale_factor=2.0) + y
        return result

    def _fuse(self, x: Tensor, cond: Tensor, first: int) -> Tensor:
        """Apply two affine layers, each with its ReLU; pixel by pixel, so that it may come before the doubling."""
        for affine in self.affines[first : first + 2]:
            x = leaky_relu(affine(x, cond), 0.2)
        return x


class WordAttention(nn.Module):
    """Lets every place look at the words it is about: [N, C, H, W] and tokens [N, T, D] -> [N, C, H, W].

    What it sees is added, scaled by a learned factor that begins at 0 (as in Xu et al. 2018, AttnGAN, section 3.1).
    """

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.words = nn.Linear(dim, channels)
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Attend to the tokens [N, T, D] where ``mask`` [N, T] is true."""
        words = self.words(tokens.to(x.dtype))
        places = x.flatten(2).transpose(1, 2)
        likeness = (places @ words.transpose(1, 2)) / words.shape[2] ** 0.5
        shares = likeness.masked_fill(~mask[:, None, :], float("-inf")).softmax(2)
        seen: Tensor = (shares @ words).transpose(1, 2).reshape(x.shape)
        return x + self.scale * seen


class Generator(nn.Module):
    """Noise [N, Z] and a sentence [N, D] -> pictures [N, 3, size, size]; with ``attention`` it looks at tokens too.

    The paper's first 4 x 4 features come from noise alone, and its pixels from tanh. With ``layout``, not the paper's,
    the first features come from noise and sentence, so that words say what is where; the sentence is normalised, as
    encoders give it in any scale; and pixels are linear, about [-1, 1]: drawings on white paper drive tanh to where
    it has no gradient left.
    """

    def __init__(
        self, dim: int, noise: int, size: int, width: int = 32, attention: bool = False, layout: bool = True
    ) -> None:
        super().__init__()
        channels = [width * min(2**i, _WIDEST) for i in range(doublings(size), -1, -1)]
        self.layout = layout
        self.seed = nn.Linear(noise + dim * layout, channels[0] * _SEED_SIDE**2)
        self.blocks = nn.ModuleList(FusionBlock(noise + dim, *pair) for pair in itertools.pairwise(channels))
        self.attended = max(0, len(channels) - 4)  # a quarter of the side
        self.attention = WordAttention(channels[self.attended + 1], dim) if attention else None
        self.head = PictureConv2d(channels[-1], 3, 3, padding=1)

    def forward(self, noise: Tensor, sentence: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        """Paint a sentence [N, D]; ``tokens`` [N, T, D] and ``mask`` [N, T] are looked at by attention alone."""
        if self.layout:
            sentence = layer_norm(sentence, sentence.shape[1:])
        cond = torch.cat([noise, sentence], 1)
        x = self.seed(cond if self.layout else noise).unflatten(1, (-1, _SEED_SIDE, _SEED_SIDE))
        for i, block in enumerate(self.blocks):
            x = block(x, cond)
            if self.attention is not None and i == self.attended:
                x = self.attention(x, tokens, mask)
        pixels: Tensor = self.head(leaky_relu(x, 0.2))
        return pixels if self.layout else pixels.tanh()


class Discriminator(nn.Module):
    """One score for a picture [N, 3, size, size] together with a sentence [N, D]: the one-way output (section 3.2)."""

    def __init__(self, dim: int, size: int, width: int = 32) -> None:
        super().__init__()
        channels = [width * min(2**i, _WIDEST) for i in range(doublings(size) + 1)]
        self.stem = nn.Conv2d(3, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList(_Halving(*pair) for pair in itertools.pairwise(channels))
        self.joint = nn.Conv2d(channels[-1] + dim, 2 * width, 3, padding=1)
        self.head = nn.Conv2d(2 * width, 1, _SEED_SIDE)

    def forward(self, image: Tensor, sentence: Tensor) -> Verdict:
        """Judge pictures in [-1, 1] and sentences."""
        x = self.stem(image)
        for block in self.blocks:
            x = block(x)
        maps = sentence.to(x.dtype)[:, :, None, None].expand(-1, -1, *x.shape[2:])
        y = leaky_relu(self.joint(torch.cat([x, maps], 1)), 0.2)
        return Verdict(self.head(y), (x,))


class EnergyDiscriminator(nn.Module):
    """An auto-encoder for energy-based objectives: what a picture's code and its sentence are decoded to."""

    def __init__(self, dim: int, width: int = 32, layers: int = 3) -> None:
        super().__init__()
        self.autoencoder = AutoEncoder(3, width, layers, "instance", _CODE)
        self.sentence = nn.Linear(dim, _CODE)
        self.head = self.autoencoder.head

    def forward(self, image: Tensor, sentence: Tensor) -> Verdict:
        """Judge pictures in [-1, 1] and sentences: minus the mean squared error of the reconstruction."""
        code = self.autoencoder.encoder(image) + self.sentence(sentence)[:, :, None, None]
        again = torch.tanh(self.head(self.autoencoder.decoder(code)))
        return Verdict(-(again.float() - image.float()).square().flatten(1).mean(1), (code,))


def _two_layers(inside: int, outside: int, start: float) -> nn.Sequential:
    """Return a small network that answers ``start`` until it has learned."""
    last = nn.Linear(outside, outside)
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, start)
    return nn.Sequential(nn.Linear(inside, outside), nn.ReLU(inplace=True), last)


def doublings(size: int) -> int:
    """Return how often 4 x 4 is doubled to ``size``, a power of 2."""
    return size.bit_length() - _SEED_SIDE.bit_length()


class _Halving(nn.Module):
    """A residual block whose residual is scaled by a learned factor, at first 0, and its mean over 2 x 2 pixels."""

    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(inside, outside, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
        )
        self.shortcut = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = avg_pool2d(self.shortcut(x), 2) + self.scale * self.residual(x)
        return result
