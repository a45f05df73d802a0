"""Pairs of pictures, as pix2pix wants them."""

from __future__ import annotations

import torch
from torch import Tensor

from gantools.data.decode import parse_background, to_channels
from gantools.data.images import ImageSet, Report
from gantools.data.listing import Files
from gantools.data.order import Shuffled, centre, crop_and_flip
from gantools.data.pairs import find_pairs, open_pair
from gantools.data.pixels import resized
from gantools.data.profile import profile
from gantools.data.settings import PairedSettings


class PairedImages:
    """Samples ``{"a": uint8 [C, size, size], "b": …}`` with one crop and one flip for both.

    ``a`` is the source in the direction asked for. A few pairs are held back from training for the sample sheets.
    """

    def __init__(self, config: PairedSettings, report: Report, held_back: int = 4) -> None:
        self.config = config
        domains, pairs = find_pairs(config.a, config.b, config.data)
        channels = config.in_channels + config.out_channels
        # Both pictures of a pair are one item with the channels of both, so that they cannot come apart.
        self.images = ImageSet(pairs, self._read, channels * config.resize_to**2, config.cache_mb * 2**20)
        self.images.load(" and ".join(domains), report)
        training, self.shown = self.images.split(held_back)
        self.order = Shuffled(training, config.seed, "order")
        self._described = self._describe(domains if config.direction == "a2b" else domains[::-1])

    @property
    def cached(self) -> bool:
        """Whether every picture is in memory."""
        return self.images.cached

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, k: int) -> dict[str, Tensor]:
        config = self.config
        pair = self.images.first_readable(self.order[k + step] for step in range(len(self.order)))
        return self._split(crop_and_flip(pair, config.size, config.flip, config.seed, "crop", k))

    def files(self, k: int) -> Files:
        """Return the files of sample ``k``: two, or one with both halves."""
        return self.images.items[self.order[k]]

    def sheet(self) -> dict[str, Tensor]:
        """Return the held-back pairs, uint8 [N, C, size, size]."""
        return self._split(torch.stack([centre(self.images[i], self.config.size) for i in self.shown]))

    def describe(self) -> dict[str, object]:
        """Return what goes into the weights' header: names, counts, fingerprint; no absolute paths."""
        return dict(self._described)

    def _describe(self, domains: list[str]) -> dict[str, object]:
        """Describe the data as it is now: a run must end well even if its folders are gone by then."""
        pictures = list(map(self._split, self.images.some(256)))
        return {
            "kind": "paired",
            "domains": domains,
            "counts": [len(self.images)],
            "trained_on": [len(self.order)],
            "fingerprint": [self.images.fingerprint()],
            "profile": {side: profile(picture[side] for picture in pictures) for side in ("a", "b")},
        }

    def _split(self, pictures: Tensor) -> dict[str, Tensor]:
        source = self.config.in_channels
        return {"a": pictures[..., :source, :, :], "b": pictures[..., source:, :, :]}

    def _read(self, files: Files) -> Tensor:
        config = self.config
        background = parse_background(config.background)
        a, b = open_pair(files)
        source, target = (a, b) if config.direction == "a2b" else (b, a)
        wanted = ((source, config.in_channels), (target, config.out_channels))
        pictures = (to_channels(image, channels, background) for image, channels in wanted)
        return torch.cat([resized(picture, config.resize_to) for picture in pictures])
