"""StarGAN's networks that judge: discriminators (Choi et al. 2018, appendix 7.2, table 5), and what sees attributes."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from gantools.networks import AutoEncoder, init_leaky
from gantools.objectives import Verdict
from gantools.objectives.base import precise
from gantools_stargan.generator import as_maps

_LEAK = 0.01
_EDGE, _EDGES = 0.03, 12  # of edges: the difference that counts as one, and how many channels they are


class Discriminator(nn.Module):
    """Halving convolutions with two heads: scores of patches, and domain logits [N, C] as ``aux["domains"]``.

    With ``projection``, not the paper's, the scores say how real a picture is *as one of its labels*: each label adds a
    projection of the features (Miyato & Koyama 2018, eq. 3, here for each patch). The domain logits are then those of
    patches, averaged: the paper's head looks at each place by weights of its own, and a generator may please it with
    a fleck in the same corner of all pictures. Of 2 x 2 patches, the default, the average still tells each from the
    others, as every patch sees its neighbours and the border; with fewer ``layers`` it does so less.

    With ``edges``, not the paper's, it also sees how far each pixel is from its neighbours, small differences enlarged.
    A gradient penalty makes it blind to them otherwise: it took pictures with and without haze for the same.

    With ``fine``, not the paper's, small patches have scores too, after so many halvings: with 2, of 18 x 18 pixels (20
    with edges). In a large patch there is much that a generator which is held to its source cannot change; a small one
    is nearly all style. Both maps count alike: the coarse one is enlarged to the size of the fine one. (Wang et al.
    2018, pix2pixHD, have a discriminator for each size; here they share layers.)

    The halving convolutions begin as He et al. 2015 have it (`init_leaky`), where the authors' program begins as torch
    does.
    """

    def __init__(
        self,
        labels: int,
        size: int,
        width: int,
        layers: int,
        projection: bool = False,
        edges: bool = False,
        fine: int = 0,
    ) -> None:
        super().__init__()
        self.edges, self.fine_depth = edges, fine
        channels = [3 + _EDGES if edges else 3, *(width * 2**i for i in range(layers))]
        self.body = nn.Sequential(*(_halving(a, b) for a, b in itertools.pairwise(channels)))
        self.head = _patch_head(channels[-1], 1)
        kernel, padding = (3, 1) if projection else (max(1, size >> layers), 0)
        self.domains = nn.Conv2d(channels[-1], labels, kernel, padding=padding, bias=False)
        self.projection = _patch_head(channels[-1], labels) if projection else None
        self.fine_head = _patch_head(channels[fine], 1) if fine else None
        self.fine_projection = _patch_head(channels[fine], labels) if fine and projection else None

    def forward(self, image: Tensor, labels: Tensor | None = None) -> Verdict:
        """Judge pictures [N, 3, size, size] in [-1, 1], with ``projection`` together with their labels [N, C].

        Scores are [N, 1, H, W], or with ``fine`` [N, 2, H, W].
        """
        features = torch.cat([image, edges(image)], 1) if self.edges else image
        among = features
        for depth, layer in enumerate(self.body, 1):
            features = layer(features)
            among = features if depth == self.fine_depth else among
        score = _scores(features, labels, self.head, self.projection)
        if self.fine_head is not None:
            fine = _scores(among, labels, self.fine_head, self.fine_projection)
            score = torch.cat([interpolate(score, fine.shape[2:], mode="nearest-exact"), fine], 1)
        return Verdict(score, aux={"domains": self.domains(features).flatten(2).mean(2)})


def edges(image: Tensor) -> Tensor:
    """Return how far pixels in [-1, 1] are from their neighbours: [N, 12, H, W] in [-1, 1].

    Of brightness (R + G + B) / 3, G - (R + B) / 2 and B - (R + G) / 2 in turn, the first differences to the right and
    downwards, then the second ones in these directions, each d as 1 - 2 exp(-d^2 / 2 s^2) with s of 4 grey levels in
    256: -1 where there is none, 1 from about 12 on. As colour has channels of its own, the rim of another tint that is
    left of an outline can be told from a change of brightness; by second differences, hatching from a slope.
    """
    image = precise(image)
    mean = image.mean(1, keepdim=True)
    seen = torch.cat([mean, 1.5 * (image[:, 1:] - mean)], 1)
    right, down = seen.diff(dim=3), seen.diff(dim=2)
    differences = [
        pad(right, (0, 1)),
        pad(down, (0, 0, 0, 1)),
        pad(right.diff(dim=3), (1, 1)),
        pad(down.diff(dim=2), (0, 0, 1, 1)),
    ]
    return 1 - 2 * (-0.5 / _EDGE**2 * torch.cat(differences, 1).square()).exp()


class EnergyDiscriminator(nn.Module):
    """An auto-encoder for energy-based objectives, with a domain head on its code; it is shown no edges."""

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


def _patch_head(inside: int, outside: int) -> nn.Conv2d:
    return nn.Conv2d(inside, outside, 3, 1, 1, bias=False)


def _scores(features: Tensor, labels: Tensor | None, head: nn.Conv2d, projection: nn.Conv2d | None) -> Tensor:
    """Return how real patches are [N, 1, H, W], with a projection as ones of their labels [N, C]."""
    score: Tensor = head(features)
    if projection is None or labels is None:
        return score
    of_labels: Tensor = projection(features) * as_maps(labels.to(features.dtype))
    return score + of_labels.sum(1, keepdim=True)


def _halving(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(init_leaky(nn.Conv2d(inside, outside, 4, 2, 1), _LEAK), nn.LeakyReLU(_LEAK))
