"""What an importer is: all that the author of a plugin has to know who reads another program's weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from torch import Tensor

from gantools.errors import GanToolsError

Parts = Mapping[str, Mapping[str, Tensor]]


@dataclass(frozen=True)
class Wishes:
    """What the user says of foreign weights, as nothing in them tells; None or empty where nothing was said.

    ``inference`` is how they are meant to be run: by batch statistics with dropout on, or as ``eval()`` leaves them.
    ``domains`` holds ``A,B,…`` for each data set, ``labels`` the kind of each, ``size`` the side of the pictures,
    ``encoder`` the name or folder of the text encoder.
    """

    inference: Literal["batch", "eval"] = "batch"
    dropout: float | None = None
    domains: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    size: int | None = None
    encoder: str | None = None


@dataclass(frozen=True)
class Imported:
    """Foreign weights as ours: the settings of the task's Config that rebuild the generators, and their tensors.

    ``layout`` says in words what was read; ``domains`` are the names of what is translated into what. ``critics`` are
    tensors of the discriminators, where there are any that ours can go on with.
    """

    layout: str
    settings: dict[str, Any]
    tensors: dict[str, Tensor]
    domains: list[str] = field(default_factory=list)
    critics: dict[str, Tensor] = field(default_factory=dict)


class Importer:
    """Base class of importers: weights of other programs become weights of ``task``.

    ``parts`` are the networks of a file or folder by name, such as "G_A" and "D_A" of ``latest_net_G_A.pth`` and
    ``latest_net_D_A.pth``, prefixes of wrappers taken off.
    """

    task: ClassVar[str]

    def suits(self, parts: Parts) -> int:
        """Return 2 for weights of this kind, 1 for such as can be read if the task is asked for, 0 for others."""
        raise TypeError(f"{type(self).__name__} does not say what it reads")

    def read(self, parts: Parts, wishes: Wishes) -> Imported:
        """Convert them; GanToolsError says what does not fit."""
        raise TypeError(f"{type(self).__name__} reads nothing")


def only_generator(parts: Parts, is_generator: Callable[[Mapping[str, Tensor]], bool]) -> Mapping[str, Tensor]:
    """Return the one network that is a generator; GanToolsError if there are several."""
    found = [tensors for tensors in parts.values() if is_generator(tensors)]
    if len(found) != 1:
        raise GanToolsError("there are several generators", "give the file of one of them")
    return found[0]


def named(wishes: Wishes, defaults: list[str]) -> list[str]:
    """Return the names of the domains, as the user gave them or the defaults; GanToolsError if it is not as many."""
    names = [name.strip() for part in wishes.domains for name in part.split(",") if name.strip()]
    if not names:
        return defaults
    if len(names) != len(defaults) or len(set(names)) != len(names):
        given = ", ".join(names)
        raise GanToolsError(
            f"--domains names {given}, and these weights have {len(defaults)} domains",
            f"give {len(defaults)} different names, separated by commas",
        )
    return names
