"""Pictures of several domains, as StarGAN wants them."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from gantools.data.decode import open_image
from gantools.data.framing import bytes_of, framed, window
from gantools.data.images import ImageSet, Report
from gantools.data.labels import LabelledSet, read_sets, warn_of_gaps
from gantools.data.listing import Files, Items
from gantools.data.order import Shuffled, centre
from gantools.data.profile import profile
from gantools.data.settings import DomainSettings
from gantools.errors import GanToolsError

log = logging.getLogger("gantools")


class DomainImages:
    """Samples of one data set, or of several in turn.

    ``{"image": uint8 [3, size, size], "label": [C], "target": [C], "set": int}``: the labels of all sets beside each
    other, 0 for other sets than the sample's own. The target is the label of another sample of the set, drawn by
    itself: it has the distribution of the paper's permuted labels and does not depend on how a batch is split. If
    ``config.partnered``, there is also ``"partner"``, the picture of the same name in the target's domain (in its own
    the picture itself), cut and mirrored alike, and ``"known"``: 1, or 0 where there is none. With ``config.twins``
    there is ``"twin"``, for a picture of either the other's, if it can be read and is not held back, else itself, and
    ``"twinned"``: 1, or 0 for itself.
    """

    def __init__(self, config: DomainSettings, report: Report, held_back: int = 8) -> None:
        self.config = config
        found = read_sets(config.data, config.attributes, config.select, config.labels)
        self._like = _twins(found, config.twins) if config.twins else {}
        total = sum(len(labelled.files) for labelled in found)
        self.sets: list[_Set] = []
        for number, labelled in enumerate(found):
            warn_of_gaps(labelled)
            budget = config.cache_mb * 2**20 * len(labelled.files) // total
            images = ImageSet(Items(labelled.files), self._read, bytes_of(config), budget)
            images.load(str(labelled), report)
            before = sum(len(earlier.names) for earlier in found[:number])
            after = sum(len(later.names) for later in found[number + 1 :])
            part = _Set(labelled, images, (before, after))
            part.prepare(config.seed, number, held_back)
            self.sets.append(part)
        if (config.partnered or config.twins) and not sum(part.find_partners() for part in self.sets):
            raise GanToolsError(
                f"{found[0].folder}: no picture has the name of one in another domain",
                "name pictures of the same thing alike, DOMAIN/NAME.png, or leave --paired and --aligned out",
            )
        self._described = self._describe(found)

    @property
    def cached(self) -> bool:
        """Whether every picture is in memory."""
        return all(part.images.cached for part in self.sets)

    def __len__(self) -> int:
        return len(self.sets) * max(len(part.order) for part in self.sets)

    def __getitem__(self, k: int) -> dict[str, Tensor]:
        number, position = k % len(self.sets), k // len(self.sets)
        part = self.sets[number]
        index, picture = part.images.pick(part.order[position + step] for step in range(len(part.order)))
        target = part.labels[part.targets[position]]
        sample = {
            "image": window(picture, self.config, k),
            "label": part.labels[index],
            "target": target,
            "set": torch.tensor(number),
        }
        if self.config.partnered:
            partner = self._partner(part, index, target, picture)
            sample["known"] = torch.tensor(float(partner is not None))
            sample["partner"] = window(picture if partner is None else partner, self.config, k)
        if self.config.twins:
            twin = self._twin(part, index, self.config.twins)
            sample["twinned"] = torch.tensor(float(twin is not None))
            sample["twin"] = window(picture if twin is None else twin, self.config, k)
        return sample

    def _partner(self, part: _Set, index: int, target: Tensor, picture: Tensor) -> Tensor | None:
        """Return the partner of a picture, which in its own domain is itself, or None if none can be read."""
        other = part.partner(index, int(target[part.own].argmax()))
        if other == index:
            return picture
        return None if other is None else part.images.read(other)

    def _twin(self, part: _Set, index: int, aligned: tuple[str, str]) -> Tensor | None:
        """Return the twin of a picture of one of two aligned domains, None of others or if there is none."""
        names = part.found.names
        own = names[int(part.labels[index, part.own].argmax())]
        if own not in aligned:
            return None
        first, second = aligned
        other = part.partner(index, names.index(second if own == first else first))
        return None if other is None else part.images.read(other)

    def files(self, k: int) -> Files:
        """Return the file of sample ``k``."""
        part = self.sets[k % len(self.sets)]
        return part.images.items[part.order[k // len(self.sets)]]

    def sheet(self) -> dict[str, Tensor]:
        """Return held-back pictures with their labels, of exclusive domains some of each in turn."""
        rows = [(number, part, index) for number, part in enumerate(self.sets) for index in part.shown]
        return {
            "image": torch.stack([centre(part.images[index], self.config.size) for _, part, index in rows]),
            "label": torch.stack([part.labels[index] for _, part, index in rows]),
            "set": torch.tensor([number for number, _, _ in rows]),
        }

    def describe(self) -> dict[str, object]:
        """Return what goes into the weights' header: names, counts, fingerprint; no absolute paths."""
        return dict(self._described)

    def _describe(self, found: list[LabelledSet]) -> dict[str, object]:
        """Describe the data as it is now: a run must end well even if its folders are gone by then."""
        pictures = [picture for part in self.sets for picture in part.images.some(256 // len(self.sets))]
        return {
            "kind": "domains",
            "domains": [name for labelled in found for name in labelled.names],
            "counts": [int(count) for part in self.sets for count in part.labels.sum(0)[part.own].tolist()],
            "trained_on": [len(part.order) for part in self.sets],
            "fingerprint": [part.images.fingerprint() for part in self.sets],
            "profile": {"image": profile(pictures)},
        }

    def _read(self, files: Files) -> Tensor:
        like = self._like.get(files[0])
        return framed(open_image(files[0]), self.config, None if like is None else open_image(like))


def _twins(found: list[LabelledSet], names: tuple[str, str]) -> dict[Path, Path]:
    """Return, for pictures of the second of two domains, those of the first; GanToolsError if there are none."""
    together = [labelled for labelled in found if set(names) <= set(labelled.names)]
    if not together:
        known = "; ".join(", ".join(labelled.names) for labelled in found)
        raise GanToolsError(f"--aligned {' '.join(names)}: not two domains of one data set", f"there are {known}")
    twins = {second: first for labelled in together for second, first in labelled.twins(*names).items()}
    if not twins:
        raise GanToolsError(
            f"--aligned {' '.join(names)}: no picture of the one has the name of one of the other",
            "name pictures that lie on each other alike, DOMAIN/NAME.png, or leave --aligned out",
        )
    return twins


class _Set:
    """One data set: its pictures, their labels among those of all sets, and two independent orders."""

    def __init__(self, found: LabelledSet, images: ImageSet, around: tuple[int, int]) -> None:
        before, after = around
        own = torch.frombuffer(bytearray(b"".join(found.labels)), dtype=torch.uint8).view(len(found.labels), -1)
        self.found, self.images = found, images
        self.labels = functional.pad(own[images.places].float(), (before, after))
        self.own = slice(before, before + len(found.names))
        self._partners: dict[int, dict[int, int]] = {}

    def prepare(self, seed: int, number: int, held_back: int) -> None:
        """Hold some pictures back, of exclusive domains some of each, and shuffle the others."""
        groups = self._groups()
        each = -(-held_back // len(groups))
        training: list[int] = []
        self.shown: list[int] = []
        for group in groups:
            rest, shown = self.images.split(each, group, len(self.shown))
            training += rest
            self.shown += shown
        self.order = Shuffled(sorted(training), seed, "order", number)
        self.targets = Shuffled(sorted(training), seed, "target", number)
        self._held_back = set(self.shown).difference(training)

    def find_partners(self) -> int:
        """Find, for each picture, those of its name in every domain; return how many have one in another.

        GanToolsError if a domain has two of one name.
        """
        named: dict[str, dict[int, int]] = {}
        for place, group in enumerate(self._groups()):
            files = [self.images.items[index][0] for index in group]
            titles = self.found.titles(self.found.names[place], files)
            for index, path, title in zip(group, files, titles, strict=True):
                alike = named.setdefault(title, {})
                twin = self.images.items[alike.setdefault(place, index)][0]
                if twin != path:
                    raise GanToolsError(f"{twin} and {path} have the same name", "which has the partners? remove one")
                self._partners[index] = alike
        count = sum(len(alike) for alike in named.values() if len(alike) > 1)
        if count < len(self.images):
            some = f"{count} of {len(self.images)} pictures"
            log.warning("%s: %s have one of their name in another domain", self.found.folder, some)
        return count

    def partner(self, index: int, domain: int) -> int | None:
        """Return the picture of the same name in a domain, None if it is held back or there is none."""
        found = self._partners[index].get(domain)
        return None if found in self._held_back else found

    def _groups(self) -> list[list[int]]:
        """Return the indices of each exclusive domain, or of all pictures; GanToolsError if a domain has none left."""
        if self.found.kind == "independent":
            return [list(range(len(self.images)))]
        place = self.labels[:, self.own].argmax(1)
        groups = [torch.nonzero(place == i).flatten().tolist() for i in range(len(self.found.names))]
        for name, group in zip(self.found.names, groups, strict=True):
            if not group:
                raise GanToolsError(
                    f"{self.found.folder}: no picture of {name} can be read",
                    "put pictures into it, or leave it out with --select",
                )
        return groups
