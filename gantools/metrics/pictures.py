"""Sets of pictures that metrics look at, with features that are computed once, whoever asks."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from torch import Tensor

from gantools.cache import cache_folder
from gantools.data.comparison import Picture
from gantools.data.decode import Background, to_rgb
from gantools.data.pixels import to_bytes
from gantools.data.places import read
from gantools.errors import GanToolsError
from gantools.metrics.backbones import Backbone, Features
from gantools.storage import read_tensors, write_tensors

log = logging.getLogger("gantools")
_KIND = "features"


class PictureSet:
    """Pictures in a fixed order: ``pictures[i]`` is uint8 [3, H, W] over ``background``, decoded as it is asked for.

    Features go into the cache if they are to be kept.
    """

    def __init__(
        self,
        pictures: Sequence[Picture],
        backbone: Backbone,
        background: Background = (255, 255, 255),
        keep: bool = True,
    ) -> None:
        self.pictures, self.backbone, self.background, self.keep = list(pictures), backbone, background, keep

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Tensor:
        return to_bytes(to_rgb(self.pictures[index].open(), self.background))

    def __iter__(self) -> Iterator[Tensor]:
        return (self[index] for index in range(len(self)))

    @cached_property
    def features(self) -> Features:
        """The backbone's features, from the cache if the same pictures were looked at before."""
        if not self.keep:
            return self.backbone.features(iter(self))
        place = cache_folder() / "features" / f"{self._key()}.safetensors"
        with suppress(GanToolsError, TypeError):  # not there, or not whole
            return Features(**read_tensors(place))
        found = self.backbone.features(iter(self))
        _keep(place, found)
        return found

    def _key(self) -> str:
        """Return a hash of all that the features depend on: what the files hold, not what they are called."""
        digest = sha256(f"{self.backbone.protocol} {self.background}".encode())
        for picture in self.pictures:
            digest.update(sha256(_content(picture.path)).digest())
            digest.update((picture.half or "").encode())
        return digest.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return read(path)
    except OSError as error:
        raise GanToolsError(f"{path} cannot be read: {error.strerror}", "check the file, or leave it out") from None


def _keep(place: Path, features: Features) -> None:
    """Write features to the cache; one that cannot be written costs time, not the figures."""
    try:
        write_tensors(place, features._asdict(), _KIND, {})
    except GanToolsError as error:
        log.warning("features are not kept: %s", error.message)
