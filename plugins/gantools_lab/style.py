"""How the lab's figures look: one size of type, colours that can be told apart by everyone (Okabe and Ito 2008)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000",
)  # fmt: skip


def panels(rows: int, columns: int, width: float = 4.2, height: float = 3.2, **settings: Any) -> tuple[Figure, Any]:
    """Return a figure and its axes, an array [rows, columns]."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **settings)


def dress(axes: Axes, title: str, x: str, y: str = "", legend: bool = True) -> None:
    """Give a panel its finding as title, its axes' names, a grid and a legend."""
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.grid(alpha=0.25)
    axes.tick_params(labelsize=8)
    if legend:
        axes.legend(fontsize=8, framealpha=0.85)


def folder(path: Path) -> Path:
    """Make a folder for results; GanToolsError if it cannot be written."""
    from gantools.errors import GanToolsError

    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GanToolsError(f"cannot write {path}: {error.strerror}", "give another folder with --out") from None
    return path


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG and return its path."""
    figure.savefig(path, dpi=110)
    return path
