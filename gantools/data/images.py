"""A set of pictures of one kind: decoded once where memory allows, resized, with the broken ones left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

from torch import Tensor

from gantools.data.listing import Files
from gantools.data.places import size_of
from gantools.errors import GanToolsError

_GOLDEN = 0.618
_FINGERPRINTED = 100_000
log = logging.getLogger("gantools")
Report = Callable[[str, int, int], None]


class ImageSet:
    """Items read from one or more files each, a picture or a pair, as uint8 tensors of one size.

    ``keep_bytes`` is the memory that items of ``item_bytes`` may take: if all fit, they are read at once, and a broken
    one is left out with a warning; otherwise each is read when asked for, and a broken one gives way to another.
    ``read`` raises GanToolsError for files that are broken.
    """

    def __init__(
        self, items: Sequence[Files], read: Callable[[Files], Tensor], item_bytes: int, keep_bytes: int
    ) -> None:
        self.items = items
        self.places: Sequence[int] = range(len(items))  # of the items among those that were given
        self.cached = len(self.items) * item_bytes <= keep_bytes
        self._read = read
        self._kept: list[Tensor] = []
        self._warned: set[Files] = set()

    def load(self, name: str, report: Report) -> None:
        """Read everything if it is to be kept; ``report(what, done, total)`` is called after each item."""
        if not self.cached:
            return
        total = len(self.items)
        kept = []
        with ThreadPoolExecutor() as pool:
            for i, item in enumerate(pool.map(self._try, self.items)):
                if item is not None:
                    kept.append((i, item))
                report(f"pictures from {name}", i + 1, total)
        if not kept:
            raise self._nothing()
        self.places = [place for place, _ in kept]
        self.items = [self.items[place] for place in self.places]
        self._kept = [item for _, item in kept]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Tensor:
        count = len(self)
        return self.first_readable((index + step) % count for step in range(count))

    def first_readable(self, indices: Iterable[int]) -> Tensor:
        """Return the first of these items that can be read."""
        return self.pick(indices)[1]

    def pick(self, indices: Iterable[int]) -> tuple[int, Tensor]:
        """Return the first of these items that can be read, with its index."""
        for index in indices:
            item = self.read(index)
            if item is not None:
                return index, item
        raise self._nothing()

    def read(self, index: int) -> Tensor | None:
        """Return an item, or None if it is broken."""
        return self._kept[index] if self.cached else self._try(self.items[index])

    def some(self, most: int) -> Iterator[Tensor]:
        """Yield up to ``most`` items, spread evenly."""
        step = max(1, len(self) // most)
        return (self[index] for index in range(0, len(self), step))

    def split(self, held_back: int, among: Sequence[int] | None = None, first: int = 0) -> tuple[list[int], list[int]]:
        """Return the indices to train on and ``held_back`` others, all or ``among`` some; a small set holds none back.

        Those are spread evenly, each at another place of its stretch. Sets that are named alike show different things
        if each goes on counting from the ``first`` that the others have left.
        """
        indices = range(len(self)) if among is None else among
        count = len(indices)
        rows = min(held_back, count)
        shown = [indices[int((i + (first + i) * _GOLDEN % 1) * count / rows)] for i in range(rows)]
        kept = set(shown)
        training = [index for index in indices if index not in kept]
        return (training, shown) if len(training) >= 6 * held_back else (list(indices), shown)

    def fingerprint(self) -> str:
        """Return a short hash of the names and sizes of the files; of a huge set, of some spread evenly, and of all.

        Asking the disk for the size of every file would take longer than all else before training.
        """
        digest = sha256()
        step = max(1, len(self) // _FINGERPRINTED)
        for path in (path for files in self.items[::step] for path in files):
            digest.update(f"{path.name}:{size_of(path)}\n".encode(errors="surrogateescape"))
        if step > 1:
            digest.update(f"{len(self)}\n".encode())
        return digest.hexdigest()[:16]

    def _try(self, files: Files) -> Tensor | None:
        try:
            return self._read(files)
        except GanToolsError as error:
            if files not in self._warned:
                self._warned.add(files)
                log.warning("left out: %s", error.message)
            return None

    def _nothing(self) -> GanToolsError:
        folder = self.items[0][0].parent
        return GanToolsError(
            f"none of the {len(self.items)} pictures in {folder} can be read", "check the files; the warnings say why"
        )
