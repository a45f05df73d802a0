"""Figures of what a picture is of: the domain that was asked for, the words of a caption."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import comb
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, one_hot, pad

from gantools.metrics.base import Evidence, Metric, Need, Value
from gantools.metrics.sets import share

_RIDGE, _TOP = 1.0, 5
_AWAY, _CONTRAST = 40, 60  # sums over red, green and blue, in 255ths
# fills of drawings as OpenMoji mixes them, light to dark: what the words for colours mean
_PALETTE = {
    "blue": ("92d3f5", "61b2e4", "1e50a0"),
    "red": ("ea5a47", "d22f27", "781e32"),
    "green": ("b1cc33", "5c9e31", "186648"),
    "yellow": ("fcea2b", "f1b31c"),
    "grey": ("d0cfce", "9b9b9a", "3f3f3f"),
    "orange": ("f4aa41", "e27022"),
    "pink": ("ffa7c0", "e67a94"),
    "purple": ("b399c8", "8967aa"),
    "brown": ("a57939", "6a462f"),
}
_BLACK, _WHITE = ("000000",), ("ffffff",)


class DomainAccuracy(Metric):
    """The share of pictures that look like the domain asked for, to a linear classifier of the backbone's features.

    It is fitted to the real pictures of all domains: ridge regression to ±1 for each, on standardised features.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"domains", "features"})
    better: ClassVar[Literal["lower", "higher"] | None] = "higher"

    def __call__(self, seen: Evidence) -> Value:
        """Return the share and its standard error."""
        names = list(seen.domains)
        scores = LinearClassifier([seen.domains[name].features.pooled for name in names])(seen.made.features.pooled)
        return share(float((scores.argmax(1) == names.index(str(seen.domain))).double().mean()), len(seen.made))


class Retrieval(Metric):
    """The share of pictures among whose five nearest real ones is one of their own caption, to the backbone.

    Where captions name a colour, only real pictures of captions with the same colour are asked: it is about the rest.
    These may be few, and so the share that five of them drawn at random would have stands beside, as ``chance``.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"prompts", "features", "pairs"})
    better: ClassVar[Literal["lower", "higher"] | None] = "higher"

    def __call__(self, seen: Evidence) -> Value:
        """Return the share and its standard error."""
        made, real = seen.made.features.pooled, seen.real.features.pooled
        words = {j: seen.prompts[i] for i, j in seen.pairs}
        colours = {k: colour_in(text) for k, text in words.items()}
        hits, chances = [], []
        for i, j in seen.pairs:
            rivals = [k for k, colour in colours.items() if colour == colours[j]]
            right = [words[k] == words[j] for k in rivals]
            near = torch.cdist(made[i : i + 1], real[rivals])[0].argsort()[:_TOP].tolist()
            hits.append(any(right[k] for k in near))
            drawn = min(_TOP, len(rivals))
            chances.append(1 - comb(len(rivals) - sum(right), drawn) / comb(len(rivals), drawn))
        return share(sum(hits) / len(hits), len(hits), sum(chances) / len(chances))


class ColourAccuracy(Metric):
    """The share of pictures whose most frequent colour, beside black and white, is the one that their words name.

    ``chance`` is that of one of the nine colours drawn at random.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"prompts"})
    better: ClassVar[Literal["lower", "higher"] | None] = "higher"

    def applies(self, seen: Evidence) -> bool:
        """Whether any words name a colour."""
        return super().applies(seen) and any(map(colour_in, seen.prompts))

    def __call__(self, seen: Evidence) -> Value:
        """Return the share, of the pictures whose words name a colour."""
        named = [(i, colour) for i, text in enumerate(seen.prompts) if (colour := colour_in(text))]
        hits = [dominant_colour(seen.made[i]) == colour for i, colour in named]
        return share(sum(hits) / len(hits), len(hits), 1 / len(_PALETTE))


class LinearClassifier:
    """Ridge regression from standardised features to ±1 for each class: no randomness, and no steps to choose."""

    def __init__(self, classes: Sequence[Tensor]) -> None:
        x = torch.cat(list(classes))
        self.mean, self.spread = x.mean(0), x.std(0).clamp_min(1e-6)
        z = self._standard(x)
        truth = torch.cat([torch.full((len(part),), i) for i, part in enumerate(classes)])
        wanted = 2 * one_hot(truth, len(classes)).to(z.dtype) - 1
        self.offset = wanted.mean(0)
        gram = z @ z.T  # fewer pictures than features: the dual problem is the smaller one
        ridge = _RIDGE * z.shape[1] * torch.eye(len(z), dtype=z.dtype)
        self.weights = z.T @ torch.linalg.solve(gram + ridge, wanted - self.offset)

    def __call__(self, features: Tensor) -> Tensor:
        """Return a score [N, classes] for each class."""
        scores: Tensor = self._standard(features) @ self.weights + self.offset
        return scores

    def _standard(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.spread


def colour_in(text: str) -> str | None:
    """Return the one word for a colour in a text, or None if there is none or several."""
    found = {word for word in re.findall(r"[a-z]+", text.lower()) if word in _PALETTE}
    return found.pop() if len(found) == 1 else None


def dominant_colour(picture: Tensor) -> str | None:
    """Return the palette's colour that most of a picture, uint8 [3, H, W], is near to; None if it is ink and paper.

    A pixel counts the less the further it is from its colour and the more its neighbours differ: between ink and paper
    lie greys, between ink and yellow browns.
    """
    names, values = _nearest_table({**_PALETTE, "black": _BLACK, "white": _WHITE})
    pixels = picture.double()
    away, nearest = torch.cdist(pixels.flatten(1).T, values, p=1).min(1)
    around = pad(pixels, (1, 1, 1, 1), mode="replicate")
    contrast = (max_pool2d(around, 3, 1) + max_pool2d(-around, 3, 1)).sum(0).flatten()
    weights = torch.exp(-((away / _AWAY) ** 2)) / (1 + contrast / _CONTRAST) ** 2
    counts = torch.bincount(nearest, weights, minlength=len(values)).tolist()
    totals: dict[str, float] = {}
    for name, count in zip(names, counts, strict=True):
        totals[name] = totals.get(name, 0) + count
    coloured = {name: totals[name] for name in _PALETTE if totals[name]}
    return max(coloured, key=lambda name: coloured[name]) if coloured else None


def _nearest_table(palette: Mapping[str, Sequence[str]]) -> tuple[list[str], Tensor]:
    entries = [(name, code) for name, codes in palette.items() for code in codes]
    values = [[int(code[i : i + 2], 16) for i in (0, 2, 4)] for _, code in entries]
    return [name for name, _ in entries], torch.tensor(values, dtype=torch.float64)
