"""Names and what they stand for: tasks, objectives, data kinds, all resolved late and with close matches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar

from gantools.errors import GanToolsError


class Named(Protocol):
    """What a registry can hold: something with a name."""

    @property
    def name(self) -> str:
        """The name it is found by."""
        ...


@dataclass(eq=False)
class PluginRecord:
    """What is known of one plugin. ``error`` says why it is not in use, or is None."""

    name: str
    distribution: str
    version: str
    hooks: list[str] = field(default_factory=list)
    error: str | None = None

    def __str__(self) -> str:
        return f"plugin `{self.name}` ({self.distribution} {self.version})"


T = TypeVar("T", bound=Named)


_LISTED = 8  # names of folders, which may be many


def suggestion(name: str, known: list[str]) -> str:
    """Say which known name was probably meant, or list them all."""
    return meant(name, known) or "known: " + (", ".join(sorted(known)) or "none")


def folder_suggestion(name: str, known: list[str], title: str) -> str:
    """Say which folder was probably meant, or list some under a title."""
    more = ", …" if len(known) > _LISTED else ""
    return meant(name, known) or f"{title}: {', '.join(known[:_LISTED]) or 'none'}{more}"


def meant(name: str, known: list[str]) -> str:
    """Say which known name was probably meant; nothing if none is like it."""
    close = get_close_matches(name, known, n=2, cutoff=0.6)
    return "did you mean " + " or ".join(f"`{match}`" for match in close) + "?" if close else ""


def load_object(reference: str) -> Any:
    """Import ``"package.module:Name"`` and return the object."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


class Registry(Generic[T]):
    """A dictionary of named things that refuses duplicates and suggests close matches.

    ``what`` is the noun of its error messages ("task", "objective").
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._items: dict[str, T] = {}
        self._origins: dict[str, PluginRecord] = {}

    def add(self, item: T, origin: PluginRecord) -> None:
        """Enter ``item``, brought by the plugin ``origin``; a name that is taken raises GanToolsError."""
        if item.name in self._items:
            raise GanToolsError(
                f"{self.what} `{item.name}` is registered by both {self._origins[item.name]} and {origin}",
                "uninstall one of the two",
            )
        self._items[item.name] = item
        self._origins[item.name] = origin

    def remove_from(self, origin: PluginRecord) -> None:
        """Forget everything that ``origin`` brought."""
        for name in [name for name, source in self._origins.items() if source is origin]:
            del self._items[name], self._origins[name]

    def get(self, name: str) -> T:
        """Return the thing of that name, or raise GanToolsError with the nearest names."""
        if name not in self._items:
            raise GanToolsError(f"unknown {self.what} `{name}`", suggestion(name, list(self._items)))
        return self._items[name]

    def origin(self, name: str) -> PluginRecord:
        """Return the plugin that registered ``name``."""
        self.get(name)
        return self._origins[name]

    def __iter__(self) -> Iterator[T]:
        return iter(self._items.values())

    def names(self) -> list[str]:
        """All names, in the order of registration."""
        return list(self._items)
