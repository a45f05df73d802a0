"""How the lab's figures look, and where they go: colours that everyone can tell apart (Okabe and Ito 2008)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gantools.errors import GanToolsError

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000",
)  # fmt: skip
MARK = "gantools lab"  # in each file that the lab draws


def places(folder: Path, *names: str) -> list[Path]:
    """Return paths in a folder, which is made; GanToolsError if a file stands there that the lab has not drawn."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GanToolsError(f"cannot make the folder {folder}: {error.strerror}", "give another one with -o") from None
    for name in names:
        if (folder / name).exists() and not _drawn_here(folder / name):
            raise GanToolsError(f"{folder / name} is not from the lab", "move it away, or give another folder with -o")
    return [folder / name for name in names]


def panels(rows: int, columns: int, width: float = 4.2, height: float = 3.2, **settings: Any) -> tuple[Figure, Any]:
    """Return a figure and its axes, an array [rows, columns]."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **settings)


def dress(axes: Axes, title: str, x: str, y: str) -> None:
    """Give a panel its finding as title, its axes' names and a grid."""
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.grid(alpha=0.25)
    axes.tick_params(labelsize=8)


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG and return its path."""
    figure.savefig(path, dpi=110, metadata={"Software": MARK})
    return path


def _drawn_here(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.info.get("Software") == MARK or picture.info.get("comment") == MARK.encode()
    except OSError:
        return False
