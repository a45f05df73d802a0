"""What `--to` means: a domain, or attributes to have or to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gantools.errors import GanToolsError
from gantools.registry import suggestion


@dataclass(frozen=True)
class Target:
    """Labels to translate to: those of data set ``number``; ``on`` and ``off`` count over the labels of all sets.

    ``relative`` ones change a picture's own labels, the others are all that is on.
    """

    number: int
    on: tuple[int, ...]
    off: tuple[int, ...] = ()
    relative: bool = False


def read_target(spec: str, domains: Sequence[Sequence[str]], kinds: Sequence[str]) -> Target:
    """Read ``twemoji``, ``Smiling,Young`` (these and no others) or ``+Smiling,-Young`` (the rest as it is)."""
    words = [word.strip() for word in spec.split(",") if word.strip()]
    signs = {word[0] if word[0] in "+-" else "" for word in words}
    if not words or ("" in signs and len(signs) > 1):
        raise GanToolsError(
            f"`{spec}` names no target", "write A,B for these attributes alone, or +A,-B to change these"
        )
    places = [_place(word[1:] if word[0] in "+-" else word, domains) for word in words]
    number = places[0][0]
    if any(other != number for other, _ in places):
        raise GanToolsError(f"`{spec}` mixes labels of different data sets", "give --to once for each")
    relative = "" not in signs
    if kinds[number] == "exclusive" and (relative or len(words) > 1):
        raise GanToolsError(f"`{spec}`: a picture is of one domain", f"give one of {', '.join(domains[number])}")
    on = tuple(index for (_, index), word in zip(places, words, strict=True) if not word.startswith("-"))
    off = tuple(index for (_, index), word in zip(places, words, strict=True) if word.startswith("-"))
    if set(on) & set(off):
        raise GanToolsError(f"`{spec}` asks for an attribute and for its absence", "name each attribute once")
    return Target(number, on, off, relative)


def read_source(spec: str, number: int, domains: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Read what --from says a picture of data set ``number`` has: ``Smiling,Young``, or ``none`` of its attributes."""
    words = [word.strip() for word in spec.split(",") if word.strip()]
    if not words or words == ["none"]:
        return ()
    places = [_place(word, domains) for word in words]
    if any(other != number for other, _ in places):
        raise GanToolsError(
            f"--from {spec} is of another data set than --to", f"name some of {', '.join(domains[number])}"
        )
    return tuple(index for _, index in places)


def every_target(domains: Sequence[Sequence[str]], kinds: Sequence[str], relative: bool = True) -> list[str]:
    """Return a target for each domain, and for each attribute one that turns it on; if not ``relative``, it alone."""
    return [
        name if kind == "exclusive" or not relative else f"+{name}"
        for names, kind in zip(domains, kinds, strict=True)
        for name in names
    ]


def _place(name: str, domains: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Return the data set and the index of a label."""
    names = [name for part in domains for name in part]
    if name not in names:
        raise GanToolsError(f"there is no domain `{name}` in these weights", suggestion(name, names))
    number = next(i for i, part in enumerate(domains) if name in part)
    return number, names.index(name)
