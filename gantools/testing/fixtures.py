"""Fixtures that pytest has wherever gantools is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from typer.testing import Result


@pytest.fixture
def gantools_pictures(tmp_path: Path) -> Callable[..., Path]:
    """Write folders of pictures: ``gantools_pictures("a", count=4, side=36)`` returns the folder."""
    from PIL import Image, ImageDraw

    def write(name: str = "pictures", count: int = 4, side: int = 36) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(count):
            image = Image.new("RGB", (side, side), "white")
            box = (i % 5, i % 7, side // 2 + i % 5, side // 2 + i % 7)
            ImageDraw.Draw(image).ellipse(box, fill=(50 * i % 256, 90, 180))
            image.save(folder / f"{i}.png")
        return folder

    return write


@pytest.fixture
def gantools_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run the command line as it is typed: ``gantools_cli("train", …)`` has ``exit_code``, ``stdout`` and ``stderr``.

    It runs in the test's own folder, with a cache of its own and without the user's weights.
    """
    from typer.testing import CliRunner

    from gantools.cli.app import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANTOOLS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GANTOOLS_WEIGHTS", raising=False)

    def run(*words: Any) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words])

    return run
