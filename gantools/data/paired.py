"""Pairs of pictures, as pix2pix wants them."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from gantools.data.decode import open_image, parse_background, to_channels
from gantools.data.folders import list_images, named_folders, two_folders
from gantools.data.images import Files, ImageSet, Report
from gantools.data.order import Shuffled, centre, crop_and_flip
from gantools.data.pixels import resized
from gantools.data.profile import profile
from gantools.data.settings import PairedSettings
from gantools.errors import GanToolsError

log = logging.getLogger("gantools")
_LAYOUTS = "give --a DIR --b DIR with files of the same names, or --data DIR of side-by-side pictures"


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


def find_pairs(a: Path | None, b: Path | None, data: Path | None) -> tuple[list[str], list[Files]]:
    """Return the names of the two kinds and the files of every pair; GanToolsError names what has no partner."""
    if data is not None and a is None and b is None and named_folders(data) is None:
        return ["A", "B"], [(path,) for path in _side_by_side(data)]
    folders = two_folders(a, b, data)
    named = [_by_name(folder) for folder in folders]
    for mine, other, place in ((named[0], named[1], folders[1]), (named[1], named[0], folders[0])):
        alone = sorted(mine.keys() - other.keys())
        if alone and len(alone) == len(mine):
            raise GanToolsError(f"no picture has a partner: {mine[alone[0]]} has none in {place}", _LAYOUTS)
        for name in alone[:5]:
            log.warning("left out: %s has no partner in %s", mine[name], place)
        if len(alone) > 5:
            log.warning("left out: %d more without a partner in %s", len(alone) - 5, place)
    pairs: list[Files] = [(named[0][name], named[1][name]) for name in sorted(named[0].keys() & named[1].keys())]
    return [folder.resolve().name for folder in folders], pairs


def _side_by_side(data: Path) -> list[Path]:
    """Return the pictures right inside a folder, or inside its train/."""
    folder = data / "train" if (data / "train").is_dir() else data
    pictures = [path for path in list_images(folder, _LAYOUTS) if path.parent == folder]
    if not pictures:
        found = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_dir())[:6])
        raise GanToolsError(f"{folder} holds no pictures itself, but sub-folders {found}", _LAYOUTS)
    return pictures


def open_pair(files: Files) -> tuple[Image.Image, Image.Image]:
    """Open both pictures of a pair, or cut a side-by-side one in two; GanToolsError if they do not match."""
    a = open_image(files[0])
    if len(files) == 1:
        if a.width % 2 or a.width < 2:
            raise GanToolsError(f"{files[0]} is {a.width} pixels wide: two halves need an even width", _LAYOUTS)
        if a.width <= a.height:
            log.warning("%s is %d x %d: cut in two, each half is narrow; is it side by side?", files[0], *a.size)
        middle = a.width // 2
        return a.crop((0, 0, middle, a.height)), a.crop((middle, 0, a.width, a.height))
    b = open_image(files[1])
    if a.width * b.height != b.width * a.height:
        sizes = f"{a.width} x {a.height} and {b.width} x {b.height}"
        raise GanToolsError(f"{files[0]} and {files[1]} are of different shape, {sizes}", "crop them alike")
    return a, b


def _by_name(folder: Path) -> dict[str, Path]:
    """Return a folder's pictures by relative name without suffix; GanToolsError if two share one."""
    found: dict[str, Path] = {}
    for path in list_images(folder, _LAYOUTS):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise GanToolsError(f"{found[name]} and {path} have the same name", "which belongs to the pair? remove one")
        found[name] = path
    return found
