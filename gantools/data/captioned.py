"""Pictures with captions, as text-to-image wants them: the captions come as the vectors of a frozen encoder."""

from __future__ import annotations

import logging
from random import Random

import torch
from torch import Tensor

from gantools.data.captions import read_captions
from gantools.data.decode import open_image, parse_background, to_rgb
from gantools.data.images import ImageSet, Report
from gantools.data.listing import Files, Items
from gantools.data.order import Shuffled, centre, crop_and_flip
from gantools.data.pixels import resized
from gantools.data.places import name_of
from gantools.data.settings import CaptionSettings
from gantools.errors import GanToolsError
from gantools.randomness import derive_seed
from gantools.text.cache import embed
from gantools.text.encoder import load_encoder

log = logging.getLogger("gantools")


class CaptionImages:
    """Samples ``{"image": uint8 [3, size, size], "sentence": [D], "tokens": [T, D], "mask": [T], "other": [D]}``.

    Of several captions of a picture each sample has one; ``other`` is the sentence of another picture with other words.
    Every caption goes through the encoder once, and once only for all runs: it is kept on disk.
    """

    def __init__(self, config: CaptionSettings, report: Report, held_back: int = 8) -> None:
        if config.data is None:
            raise GanToolsError("--data missing: pictures with captions are needed", "give --data DIR")
        self.config = config
        found = {captioned.file: captioned.texts for captioned in read_captions(config.data)}
        size = 3 * config.resize_to**2
        self.images = ImageSet(Items(list(found)), self._read, size, config.cache_mb * 2**20)
        self.images.load(str(config.data), report)
        self.captions = [found[files[0]] for files in self.images.items]
        texts = sorted({text for several in self.captions for text in several})
        if len(texts) < 2:
            raise GanToolsError(f"all captions in {config.data} are the same", "pictures of several things are needed")
        self._row = {text: row for row, text in enumerate(texts)}
        encoder = load_encoder(config.text_encoder, max_tokens=config.max_tokens)
        encoder.checked(config.text_sha256)
        self.encoded = embed(encoder, texts, lambda name, done, total: report(f"captions through {name}", done, total))
        self._warn_of_long(encoder.truncated(texts), texts)
        training, self.shown = self.images.split(held_back)
        self.order = Shuffled(training, config.seed, "order")
        self._described: dict[str, object] = {
            "kind": "captions",
            "domains": ["text", name_of(config.data)],
            "counts": [len(texts), len(self.images)],
            "trained_on": len(training),
            "fingerprint": self.images.fingerprint(),
        }

    @property
    def cached(self) -> bool:
        """Whether every picture is in memory."""
        return self.images.cached

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, k: int) -> dict[str, Tensor]:
        config = self.config
        index, picture = self.images.pick(self.order[k + step] for step in range(len(self.order)))
        random = Random(derive_seed(config.seed, "caption", k))  # noqa: S311  (nothing secret about a caption)
        text = random.choice(self.captions[index])
        return {
            "image": crop_and_flip(picture, config.size, config.flip, config.seed, "crop", k),
            **self._words(text),
            "other": self.encoded.sentence[self._row[self._another(random, index)]],
        }

    def files(self, k: int) -> Files:
        """Return the file of sample ``k``."""
        return self.images.items[self.order[k]]

    def sheet(self) -> dict[str, Tensor]:
        """Return held-back pictures with a caption of each."""
        words = [self._words(self.captions[index][0]) for index in self.shown]
        pictures = torch.stack([centre(self.images[index], self.config.size) for index in self.shown])
        return {"image": pictures, **{name: torch.stack([row[name] for row in words]) for name in words[0]}}

    def describe(self) -> dict[str, object]:
        """Return what goes into the weights' header: counts, fingerprint; no absolute paths."""
        return dict(self._described)

    def _words(self, text: str) -> dict[str, Tensor]:
        row = self._row[text]
        return {name: part[row] for name, part in self.encoded._asdict().items()}

    def _another(self, random: Random, index: int) -> str:
        """Return a caption that is none of this picture's, as often as it occurs; any other one, if none is found."""
        mine = self.captions[index]
        for _ in range(20):
            text = random.choice(self.captions[random.randrange(len(self.captions))])
            if text not in mine:
                return text
        return next((text for text in self._row if text not in mine), mine[0])

    def _warn_of_long(self, rows: list[int], texts: list[str]) -> None:
        if rows:
            log.warning(
                "%d of %d captions are longer than the %d tokens that are read, such as `%s…`; --max-tokens reads more",
                len(rows), len(texts), self.config.max_tokens, texts[rows[0]][:40],
            )  # fmt: skip

    def _read(self, files: Files) -> Tensor:
        image = to_rgb(open_image(files[0]), parse_background(self.config.background))
        return resized(image, self.config.resize_to)
