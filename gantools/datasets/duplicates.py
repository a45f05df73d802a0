"""Pictures that are there more than once: the same file, or one that looks the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gantools.datasets.inspection import CELLS, Look

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
    from scipy.spatial import KDTree

    different = list({look.digest: look for look in looks}.values())
    if len(different) < 2:
        return []
    signatures = np.stack([look.signature for look in different]).astype(np.int16)
    quarters = _quarters(signatures)
    tree = KDTree(quarters)  # those that differ in no cell by more do not in the mean of a quarter either
    taken = np.zeros(len(different), dtype=bool)
    groups = []
    for first in range(len(different)):
        if taken[first]:
            continue
        others = np.array(tree.query_ball_point(quarters[first], _LEVELS, p=np.inf))
        others = others[(others > first) & ~taken[others]]
        near = others[np.abs(signatures[others] - signatures[first]).max(axis=1, initial=0) <= _LEVELS]
        if len(near):
            taken[near] = True
            groups.append([different[first].path, *(different[index].path for index in sorted(near))])
    return groups


def _quarters(signatures: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """Return the mean colours of the four quarters, [N, 12]."""
    half = CELLS // 2
    cells = signatures.reshape(-1, 2, half, 2, half, 3)
    return np.asarray(cells.mean(axis=(2, 4), dtype=np.float64)).reshape(len(signatures), -1)
