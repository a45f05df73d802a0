"""Text that a terminal only shows."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tab and newline


def harmless(text: str) -> str:
    """Return text without what a terminal would obey: file names and prompts may hold anything."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
