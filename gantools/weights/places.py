"""Where weights and example pictures lie. Imports no torch: completion has to be quick."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

NAME = "weights.safetensors"


def named_weights() -> list[Path]:
    """Return the files that can be referred to by name: in GANTOOLS_WEIGHTS's folders, then the shipped ones."""
    folders = [Path(part) for part in os.environ.get("GANTOOLS_WEIGHTS", "").split(os.pathsep) if part]
    return [path for folder in [*folders, shipped_folder()] for path in sorted(folder.glob("*.safetensors"))]


def run_folders(mark: str = "config.yaml", beside: Path | None = None) -> list[str]:
    """Return the folders of runs under ./runs, and those ``beside`` a path, that hold the file ``mark``."""
    near = [] if beside is None else beside.parent.glob(f"*/{mark}")
    return sorted({str(path.parent) for path in (*Path("runs").glob(f"*/*/{mark}"), *near)})


def shipped_folder() -> Path:
    """Return the folder of the default weights: inside an installed package, or beside it in a source checkout."""
    return _shipped("weights")


def examples_folder() -> Path:
    """Return the folder of the example pictures, found as the default weights are."""
    return _shipped("examples")


def shipped_index() -> dict[str, Any]:
    """Return weights/index.json: the default for each capability, and what is known of each file."""
    path = shipped_folder() / "index.json"
    index: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return index


def _shipped(name: str) -> Path:
    package = Path(__file__).parent.parent
    inside = package / f"_{name}"
    return inside if inside.is_dir() else package.parent / name
