"""Two sets of pictures without pairs, as CycleGAN wants them."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from gantools.data.decode import open_image
from gantools.data.folders import list_images, two_folders
from gantools.data.framing import bytes_of, framed, window
from gantools.data.images import ImageSet, Report
from gantools.data.listing import Files, Items
from gantools.data.order import Shuffled, centre
from gantools.data.places import name_of
from gantools.data.profile import profile
from gantools.data.settings import UnpairedSettings

_SIDES = ("a", "b")


class UnpairedImages:
    """Samples ``{"a": uint8 [3, size, size], "b": …}``; sample ``k`` is a function of the seed and ``k``.

    A few pictures of each side are held back from training for the sample sheets, if there are enough of them.
    """

    def __init__(self, config: UnpairedSettings, report: Report, held_back: int = 4) -> None:
        self.config = config
        folders = two_folders(config.a, config.b, config.data)
        listed = [list_images(folder) for folder in folders]
        total = sum(map(len, listed))
        self.sets: dict[str, ImageSet] = {}
        self.shown: dict[str, list[int]] = {}
        self.order: dict[str, Shuffled] = {}
        for side, folder, paths in zip(_SIDES, folders, listed, strict=True):
            share = config.cache_mb * 2**20 * len(paths) // total
            images = ImageSet(Items(paths), self._read, bytes_of(config), share)
            images.load(str(folder), report)
            training, self.shown[side] = images.split(held_back)
            self.sets[side], self.order[side] = images, Shuffled(training, config.seed, "order", side)
        self._described = self._describe(folders)

    @property
    def cached(self) -> bool:
        """Whether every picture is in memory."""
        return all(images.cached for images in self.sets.values())

    def __len__(self) -> int:
        return max(map(len, self.order.values()))

    def __getitem__(self, k: int) -> dict[str, Tensor]:
        return {side: window(self._picture(side, k), self.config, side, k) for side in _SIDES}

    def files(self, k: int) -> Files:
        """Return the two files of sample ``k``."""
        return tuple(self.sets[side].items[self.order[side][k]][0] for side in _SIDES)

    def sheet(self) -> dict[str, Tensor]:
        """Return the held-back pictures of both sides, uint8 [N, 3, size, size]."""
        rows = min(map(len, self.shown.values()))
        return {
            side: torch.stack([centre(self.sets[side][i], self.config.size) for i in self.shown[side][:rows]])
            for side in _SIDES
        }

    def describe(self) -> dict[str, object]:
        """Return what goes into the weights' header: names, counts, fingerprint; no absolute paths."""
        return dict(self._described)

    def _read(self, files: Files) -> Tensor:
        return framed(open_image(files[0]), self.config)

    def _picture(self, side: str, k: int) -> Tensor:
        """Return the picture of sample ``k``; a broken one gives way to the next in the order, never to a held-back."""
        order = self.order[side]
        return self.sets[side].first_readable(order[k + step] for step in range(len(order)))

    def _describe(self, folders: tuple[Path, Path]) -> dict[str, object]:
        """Describe the data as it is now: a run must end well even if its folders are gone by then."""
        return {
            "kind": "unpaired",
            "domains": [name_of(folder) for folder in folders],
            "counts": [len(self.sets[side]) for side in _SIDES],
            "trained_on": [len(self.order[side]) for side in _SIDES],
            "fingerprint": [self.sets[side].fingerprint() for side in _SIDES],
            "profile": {side: profile(images.some(256)) for side, images in self.sets.items()},
        }
