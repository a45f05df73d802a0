"""Text that a terminal only shows."""

from __future__ import annotations

import re

_CONTROL = re.compile(  # all but tab and newline; what turns the direction of writing; bytes that are no text
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def harmless(text: str) -> str:
    """Return text without what a terminal would obey: file names and prompts may hold anything."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def one_line(text: str) -> str:
    """Return harmless text in which a name's newline does not begin a line."""
    return harmless(text).replace("\n", "\\n")
