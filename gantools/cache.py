"""The one folder for what gantools can make again: encoded captions, features of pictures, downloads."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return GANTOOLS_CACHE, or the platform's cache folder."""
    given = os.environ.get("GANTOOLS_CACHE")
    return Path(given).expanduser() if given else platformdirs.user_cache_path("gantools", appauthor=False)
