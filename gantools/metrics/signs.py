"""What figures say in plain words where something is wrong with a generator."""

from __future__ import annotations

from collections.abc import Mapping

_LEAST = 0.5
_SIGNS = {
    "diversity": (
        "the pictures are more alike than real ones ({:.2f} of their distances): the outputs may be collapsing; look "
        "at them, and try another --objective or a lower --lr-g"
    ),
    "nearest": (
        "the pictures lie nearer to those trained on than unseen real ones do ({:.2f} of the distance): they may be "
        "learned by heart; use more pictures, --augment color,translation, or fewer --steps"
    ),
}


def signs(figures: Mapping[str, float]) -> dict[str, str]:
    """Return a warning for each metric whose figure, by its key such as ``diversity_lite0``, is a bad sign."""
    found = {}
    for key, value in figures.items():
        name = key if key in _SIGNS else key.rpartition("_")[0]
        if name in _SIGNS and value < _LEAST:
            found[name] = _SIGNS[name].format(value)
    return found
