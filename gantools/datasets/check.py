"""What is in a data set, what is wrong with it, and what to train on it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median_low
from typing import Any

from gantools.datasets.duplicates import look_alike, same_content
from gantools.datasets.inspection import Broken, Look, look_at_all
from gantools.datasets.layout import ATTRIBUTES, Layout
from gantools.datasets.recognition import recognise
from gantools.errors import GanToolsError
from gantools.plugins import TaskInfo, manager

Sizes = dict[str, tuple[int, int]]  # smallest, median and largest: width and height, by area


@dataclass(frozen=True)
class Checked:
    """A data set that was looked at. ``counts`` are readable pictures, ``bad`` the files that are not.

    ``problems`` are what training would leave out or be misled by, ``duplicates`` the groups of equal files
    ("exact") and of similar pictures ("near"); ``task`` is one that learns from such data.
    """

    layout: Layout
    task: TaskInfo | None
    looks: dict[Path, Look]
    counts: dict[str, int]
    sizes: dict[str, Sizes]
    modes: dict[str, int]
    duplicates: dict[str, list[list[Path]]]
    problems: list[str] = field(default_factory=list)

    def group(self, name: str) -> list[Look]:
        """Return the readable pictures of a group."""
        return [self.looks[path] for path in self.layout.groups[name] if path in self.looks]

    def as_json(self) -> dict[str, Any]:
        """Return what `gantools data check --json` prints but advice: counts, sizes in pixels, file names."""
        duplicates = {kind: [list(map(str, some)) for some in groups] for kind, groups in self.duplicates.items()}
        kept = {name: value for name, value in asdict(self).items() if name in {"counts", "sizes", "modes", "problems"}}
        return {
            "layout": self.layout.name,
            "task": self.task.name if self.task else None,
            **kept,
            "duplicates": duplicates,
            "held_out": len(self.layout.held_out),
        }


def check(
    folders: Sequence[Path], task: str | None = None, report: Callable[[str, int, int], None] = lambda *_: None
) -> Checked:
    """Look at every picture of a data set; ``report(what, done, total)`` is called after each.

    GanToolsError if there is nothing that could be trained on, or not for the ``task``.
    """
    kind = manager().tasks.get(task).data if task else None
    with _warnings() as problems:
        layout = recognise(folders, kind)
    paths = list(dict.fromkeys(path for group in (*layout.groups.values(), layout.held_out) for path in group))
    paths = list(dict.fromkeys([*paths, *(path for files in layout.pairs for path in files)]))
    looks: dict[Path, Look] = {}
    broken = []
    for done, found in enumerate(look_at_all(paths), start=1):
        report("looking", done, len(paths))
        if isinstance(found, Broken):
            broken.append(found.reason)
        else:
            looks[found.path] = found
    if not any(path in looks for group in layout.groups.values() for path in group):
        raise GanToolsError(f"none of the {len(paths)} pictures can be read: {broken[-1]}", "check the files")
    groups = {name: [looks[path] for path in group if path in looks] for name, group in layout.groups.items()}
    return Checked(
        layout,
        manager().tasks.get(task) if task else _task_for(layout.kind),
        looks,
        {name: len(group) for name, group in groups.items()},
        {name: _sizes(group) for name, group in groups.items() if group},
        dict(Counter(look.mode for look in looks.values()).most_common()),
        _duplicates(layout, groups),
        [*broken, *problems, *_mismatched(layout, looks), *_of_two_kinds(layout, groups), *_leaked(layout, looks)],
    )


def _duplicates(layout: Layout, groups: dict[str, list[Look]]) -> dict[str, list[list[Path]]]:
    """Return the duplicates inside each group; attributes share their pictures, so that there all are one group."""
    apart = list(groups.values())
    if layout.name == ATTRIBUTES:
        apart = [list({look.path: look for group in apart for look in group}.values())]
    return {
        "exact": [paths for group in apart for paths in same_content(group)],
        "near": [paths for group in apart for paths in look_alike(group)],
    }


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect what the readers warn of, in place of showing it."""
    found: list[str] = []
    log = logging.getLogger("gantools")

    def collect(record: logging.LogRecord) -> bool:
        found.append(record.getMessage().removeprefix("left out: "))
        return False

    log.addFilter(collect)
    try:
        yield found
    finally:
        log.removeFilter(collect)


def _task_for(kind: str) -> TaskInfo | None:
    """Return the task of this distribution that learns from a kind of data."""
    tasks = manager().tasks
    return next(
        (info for info in tasks if info.data == kind and tasks.origin(info.name).distribution == "gantools"), None
    )


def _sizes(looks: Sequence[Look]) -> Sizes:
    ordered = sorted((look.size for look in looks), key=lambda size: (size[0] * size[1], size))
    return {"smallest": ordered[0], "median": median_low(ordered), "largest": ordered[-1]}


def _mismatched(layout: Layout, looks: dict[Path, Look]) -> list[str]:
    """Return what is wrong with pairs: other shapes, or a width that has no halves."""
    found = []
    for files in layout.pairs:
        sizes = [looks[path].size for path in files if path in looks]
        if len(files) == 1 and sizes and sizes[0][0] % 2:
            found.append(f"{files[0]} is {sizes[0][0]} pixels wide: two halves need an even width")
        elif len(sizes) == 2 and sizes[0][0] * sizes[1][1] != sizes[1][0] * sizes[0][1]:
            (a, b), (c, d) = sizes
            found.append(f"{files[0]} and {files[1]} are of different shape, {a} x {b} and {c} x {d}")
    return found


def _of_two_kinds(layout: Layout, groups: dict[str, list[Look]]) -> list[str]:
    """Return the files that are in two kinds' folders, and teach no difference between them."""
    if layout.kind not in {"unpaired", "domains"} or layout.name == ATTRIBUTES:
        return []
    owners: dict[str, dict[str, Path]] = {}
    for name, group in groups.items():
        for look in group:
            owners.setdefault(look.digest, {}).setdefault(name, look.path)
    both = [paths for paths in owners.values() if len(set(paths.values())) > 1]
    return [f"the same picture is in {' and '.join(paths)}: {next(iter(paths.values()))}" for paths in both]


def _leaked(layout: Layout, looks: dict[Path, Look]) -> list[str]:
    """Return the test pictures that are in the training set too: they say nothing of new pictures."""
    trained = {looks[path].digest for group in layout.groups.values() for path in group if path in looks}
    leaked = [path for path in layout.held_out if path in looks and looks[path].digest in trained]
    return [f"{path} is a test picture, and in the training set too" for path in leaked]
