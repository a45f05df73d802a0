"""How the games of `gantools lab dirac` look: a figure of their courses, and a film."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gantools_lab.dirac import Course, Game
from gantools_lab.style import BLACK, BLUE, MARK, RED, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from PIL.Image import Image as Picture

_REACH = 2.4  # of the figure, in θ and in ψ
_ARROWS = 11
_COLUMNS = 3
_FRAMES, _FRAME_MS, _LAST_MS = 80, 60, 1500
_FILM_DPI = 80
_PALETTE = 64


def draw(games: Sequence[Game], courses: Sequence[Course], path: Path) -> Path:
    """Draw each course over the field of both players' gradients, a panel each, and return the path of the PNG."""
    figure, grid = _fields(games, courses)
    for axes, course in zip(grid, courses, strict=True):
        line, end = _pens(axes)
        line.set_data(*course.places.T)
        end.set_data(*course.places[-1:].T)
    return save(figure, path)


def animate(games: Sequence[Game], courses: Sequence[Course], path: Path) -> Path:
    """Write the courses as a GIF of 80 frames, and return its path."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    figure, grid = _fields(games, courses)
    figure.set_dpi(_FILM_DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    still = canvas.copy_from_bbox(figure.bbox)  # type: ignore[no-untyped-call]
    pens = [_pens(axes) for axes in grid]
    frames: list[Picture] = []
    for frame in range(1, _FRAMES + 1):
        canvas.restore_region(still)  # type: ignore[no-untyped-call]
        for axes, course, (line, end) in zip(grid, courses, pens, strict=True):
            places = course.places[: max(2, len(course.places) * frame // _FRAMES)]
            line.set_data(*places.T)
            end.set_data(*places[-1:].T)
            for pen in (line, end):
                axes.draw_artist(pen)
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB"))  # type: ignore[no-untyped-call]
    return _write(frames, path)


def _write(frames: Sequence[Picture], path: Path) -> Path:
    from PIL import Image

    palette = frames[-1].quantize(_PALETTE, Image.Quantize.MAXCOVERAGE)
    first, *others = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    durations = [*[_FRAME_MS] * len(others), _LAST_MS]
    first.save(path, save_all=True, append_images=others, duration=durations, loop=0, comment=MARK.encode())
    return path


def _fields(games: Sequence[Game], courses: Sequence[Course]) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel a game, each with the direction in which both players are drawn."""
    columns = min(_COLUMNS, len(games))
    figure, grid = panels(-(-len(games) // columns), columns, width=3.4, height=3.4)
    for axes in grid.flat[len(games) :]:
        axes.remove()
    used = list(grid.flat[: len(games)])
    for axes, game, course in zip(used, games, courses, strict=True):
        _field(axes, game)
        axes.plot(*course.places[0], "s", color=BLUE, markersize=5)
        axes.plot(0, 0, "+", color=BLACK, markersize=9, markeredgewidth=1.5)
        axes.set_title(f"{course.words}\n{course.verdict}: ends {course.distance:.2g} away", fontsize=9)
    figure.suptitle("Data at 0, generator at θ, critic D(x) = ψ x:  ■ start   ● end   + equilibrium", fontsize=10)
    return figure, used


def _field(axes: Axes, game: Game) -> None:
    at = np.linspace(-_REACH, _REACH, _ARROWS + 2)[1:-1]
    pulls = np.array([[game.pull(theta, psi) for theta in at] for psi in at])
    pulls /= np.maximum(np.linalg.norm(pulls, axis=2, keepdims=True), 1e-9)
    axes.quiver(at, at, pulls[..., 0], pulls[..., 1], color="0.7", pivot="mid", scale=20, width=0.005)
    axes.set(xlim=(-_REACH, _REACH), ylim=(-_REACH, _REACH), aspect="equal")
    axes.set_xlabel("θ, the generator", fontsize=8)
    axes.set_ylabel("ψ, the critic", fontsize=8)
    axes.tick_params(labelsize=7)


def _pens(axes: Axes) -> tuple[Line2D, Line2D]:
    """Return what draws a course, and what draws its end."""
    (line,) = axes.plot([], [], color=BLUE, linewidth=1.2)
    (end,) = axes.plot([], [], "o", color=RED, markersize=6)
    return line, end
