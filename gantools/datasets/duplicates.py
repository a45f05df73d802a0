"""Pictures that are there more than once: the same file, or one that looks the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from gantools.datasets.inspection import Look

_LEVELS = 12  # of 255: what saving and resizing change in a cell's mean colour


def same_content(looks: Iterable[Look]) -> list[list[Path]]:
    """Return the groups of files that are equal byte by byte."""
    found: dict[str, list[Path]] = {}
    for look in looks:
        found.setdefault(look.digest, []).append(look.path)
    return [paths for paths in found.values() if len(paths) > 1]


def look_alike(looks: Sequence[Look]) -> list[list[Path]]:
    """Return the groups of different files whose signatures differ by 12 levels or less in every cell.

    Saved again, resized or slightly retouched pictures are found; mirrored and cropped ones are not. A group is held
    together by its first picture: a slow pan does not become one group.
    """
    different = list({look.digest: look for look in looks}.values())
    if len(different) < 2:
        return []
    signatures = np.stack([look.signature for look in different]).astype(np.int16)
    means = signatures.mean(axis=1)
    order = np.argsort(means, kind="stable")
    signatures, means = signatures[order], means[order]
    ends = np.searchsorted(means, means + _LEVELS, side="right")  # beyond these the mean alone tells them apart
    taken = np.zeros(len(order), dtype=bool)
    groups = []
    for first, end in enumerate(ends):
        if taken[first] or end - first < 2:
            continue
        others = signatures[first + 1 : end]
        near = (np.abs(others - signatures[first]).max(axis=1) <= _LEVELS) & ~taken[first + 1 : end]
        if near.any():
            members = [first, *(first + 1 + np.flatnonzero(near))]
            taken[members] = True
            groups.append(sorted(different[order[member]].path for member in members))
    return sorted(groups)
