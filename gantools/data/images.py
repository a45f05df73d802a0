"""A set of pictures of one kind: decoded once where memory allows, resized, with the broken ones left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from PIL import Image
from torch import Tensor

from gantools.data.decode import Background, open_image, to_rgb
from gantools.data.pixels import to_bytes
from gantools.errors import GanToolsError

log = logging.getLogger("gantools")
Report = Callable[[str, int, int], None]


class ImageSet:
    """Pictures from files, resized to ``side`` x ``side`` by bicubic interpolation, as uint8 [3, side, side].

    ``keep_bytes`` is the memory that decoded pictures may take: if all fit, they are decoded at once, and a broken
    file is left out with a warning; otherwise each is decoded when asked for, and a broken one gives way to another.
    """

    def __init__(self, paths: Sequence[Path], side: int, background: Background, keep_bytes: int) -> None:
        self.paths = list(paths)
        self.side = side
        self.background = background
        self.cached = len(self.paths) * 3 * side * side <= keep_bytes
        self._pictures: list[Tensor] = []
        self._warned: set[Path] = set()

    def load(self, name: str, report: Report) -> None:
        """Decode everything if it is to be kept; ``report(name, done, total)`` is called now and then."""
        if not self.cached:
            return
        total = len(self.paths)
        kept = []
        with ThreadPoolExecutor() as pool:
            for i, (path, picture) in enumerate(zip(self.paths, pool.map(self._try, self.paths), strict=True)):
                if picture is not None:
                    kept.append((path, picture))
                report(name, i + 1, total)
        if not kept:
            raise GanToolsError(
                f"none of the {total} pictures in {self.paths[0].parent} can be read",
                "check the files; the warnings say why",
            )
        self.paths = [path for path, _ in kept]
        self._pictures = [picture for _, picture in kept]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor:
        count = len(self)
        return self.first_readable((index + step) % count for step in range(count))

    def first_readable(self, indices: Iterable[int]) -> Tensor:
        """Return the first of these pictures that can be read."""
        for index in indices:
            picture = self._pictures[index] if self.cached else self._try(self.paths[index])
            if picture is not None:
                return picture
        raise GanToolsError(
            f"none of the pictures in {self.paths[0].parent} can be read", "check the files; the warnings say why"
        )

    def split(self, held_back: int) -> tuple[list[int], list[int]]:
        """Return the indices to train on and ``held_back`` others, spread evenly; a small set holds none back."""
        count = len(self)
        rows = min(held_back, count)
        shown = [count * i // rows for i in range(rows)]
        training = sorted(set(range(count)) - set(shown))
        return (training, shown) if len(training) >= 6 * held_back else (list(range(count)), shown)

    def fingerprint(self) -> str:
        """Return a short hash of the names and sizes of the files."""
        digest = sha256()
        for path in self.paths:
            size = path.stat().st_size if path.exists() else 0
            digest.update(f"{path.name}:{size}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()[:16]

    def _try(self, path: Path) -> Tensor | None:
        try:
            image = to_rgb(open_image(path), self.background)
        except GanToolsError as error:
            if path not in self._warned:
                self._warned.add(path)
                log.warning("left out: %s", error.message)
            return None
        return to_bytes(image.resize((self.side, self.side), Image.Resampling.BICUBIC))
