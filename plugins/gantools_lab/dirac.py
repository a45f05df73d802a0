"""The Dirac-GAN (Mescheder et al. 2018, section 2): the smallest game there is.

The data are the point 0, the generator makes the point θ, and the critic is D(x) = ψ x. Both players take steps of
plain gradient descent on the losses and penalties of the objective layer; the equilibrium is θ = ψ = 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from gantools.api import configure
from gantools.config import Settings, flag
from gantools.errors import GanToolsError
from gantools.objectives import Objective, Sample
from gantools.objectives.grammar import build_objective
from gantools.randomness import StepRandom
from gantools_lab.style import BLUE, RED, panels, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_REACH = 2.0  # of the figure, in θ and in ψ
_ARROWS = 13
_COLUMNS = 3
_FRAMES = 80
_START = (1.0, 1.0)


@dataclass(frozen=True)
class Course:
    """How one game went: ``places`` [steps + 1, 2] of θ and ψ, the first being the start."""

    words: str
    places: np.ndarray[Any, np.dtype[np.float64]]

    @property
    def distance(self) -> float:
        """How far the end is from the equilibrium; the start is √2 away."""
        return float(np.hypot(*self.places[-1]))

    @property
    def verdict(self) -> str:
        """What the game does: how far from the equilibrium it comes in its last quarter, beside its first."""
        early, *_, late = (quarter.max() for quarter in np.array_split(np.hypot(*self.places.T), 4))
        if late < 0.1 * early:
            return "converges"
        if np.ptp(self.places[-len(self.places) // 4 :], axis=0).max() < 0.02:
            return "stops elsewhere"
        return "moves away" if late > 1.1 * early else "circles"


class Game:
    """The players and the objective they play by; ``simultaneous`` ones move at once, others the critic first."""

    def __init__(self, objective: Objective, simultaneous: bool = False) -> None:
        self.objective, self.simultaneous = objective, simultaneous
        self.critics, self.generators = nn.ModuleDict({"d": _line()}), nn.ModuleDict({"g": _line()})
        self.critic, self.generator = self.critics["d"], self.generators["g"]
        objective.prepare(self.generators, "g")
        objective.prepare(self.critics, "d")
        (self.psi,), (self.theta,) = self.critic.parameters(), self.generator.parameters()

    def play(self, steps: int, lr: float, start: tuple[float, float] = _START) -> Course:
        """Make ``steps`` steps from (θ, ψ) = ``start``."""
        self.place(*start)
        places = [start]
        for step in range(steps):
            self.objective.before_update(self.generators, "g")
            self.objective.before_update(self.critics, "d")
            together = self.g_gradient(step) if self.simultaneous else None
            self._move(self.psi, self.d_gradient(step), lr)
            self.objective.after_update(self.critics, "d")
            self._move(self.theta, self.g_gradient(step) if together is None else together, lr)
            self.objective.after_update(self.generators, "g")
            places.append((float(self.theta.detach()), float(self.psi.detach())))
        return Course("", np.array(places))

    def place(self, theta: float, psi: float) -> None:
        """Put the players somewhere."""
        with torch.no_grad():
            self.theta.fill_(theta)
            self.psi.fill_(psi)

    def d_gradient(self, step: int) -> Tensor:
        """Return the gradient of the critic's loss with respect to ψ."""
        fake = Sample(self.generator(_one()).detach())
        losses, _ = self.objective.d_losses(self.critic, Sample(_data()), [(fake, 1.0)], _rng(step))
        losses |= self.objective.parameter_losses(self.critics, "d")
        return torch.autograd.grad(torch.stack(list(losses.values())).sum(), self.psi)[0]

    def g_gradient(self, step: int) -> Tensor:
        """Return the gradient of the generator's loss with respect to θ."""
        fake = Sample(self.generator(_one()))
        losses, _ = self.objective.g_losses(self.critic, fake, Sample(_data()), _rng(step))
        losses |= self.objective.parameter_losses(self.generators, "g")
        return torch.autograd.grad(torch.stack(list(losses.values())).sum(), self.theta)[0]

    def _move(self, parameter: nn.Parameter, gradient: Tensor, lr: float) -> None:
        with torch.no_grad():
            parameter.sub_(lr * gradient)


def _line() -> nn.Linear:
    """Return x ↦ weight · x: the critic with weight ψ, and with x = 1 the generator's point θ."""
    line = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    nn.init.ones_(line.weight)
    return line


def build_game(settings: Settings, simultaneous: bool = False) -> Game:
    """Build a game by the objective, penalties and constraints that are asked for.

    GanToolsError says what is wrong with them, or which settings have no meaning in so small a game.
    """
    strange = [name for name in settings if name not in {"objective", "penalty", "constraint", "spectral_norm"}]
    if strange:
        raise GanToolsError(
            f"{', '.join(map(flag, strange))} has no meaning here: both players take plain steps of size --lr",
            "give an objective with --penalty and --constraint alone",
        )
    return Game(build_objective(configure("toy", **settings)), simultaneous)


def draw(games: Sequence[Game], courses: Sequence[Course], path: Path) -> Path:
    """Draw each course over the field of both players' gradients, a panel each, and return the path of the PNG."""
    figure, _ = _fields(games, courses)
    for axes, course in zip(figure.axes, courses, strict=False):
        axes.plot(*course.places.T, color=BLUE, linewidth=1)
        axes.plot(*course.places[-1], "o", color=RED, markersize=5)
    return save(figure, path)


def animate(games: Sequence[Game], courses: Sequence[Course], path: Path) -> Path:
    """Write the courses as a GIF of 80 frames, and return its path."""
    from PIL import Image, ImageDraw

    figure, axes = _fields(games, courses)
    figure.set_dpi(72)
    canvas = _canvas(figure)
    base = Image.fromarray(canvas[..., :3]).convert("RGB")
    tracks = [_pixels(panel, course, base.height) for panel, course in zip(axes, courses, strict=True)]
    frames = []
    for frame in range(1, _FRAMES + 1):
        picture = base.copy()
        pen = ImageDraw.Draw(picture)
        for track in tracks:
            points = track[: max(2, len(track) * frame // _FRAMES)]
            pen.line(points, fill=BLUE, width=1)
            x, y = points[-1]
            pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=RED)
        frames.append(picture.quantize(32, dither=Image.Dither.NONE))
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=60, loop=0, optimize=True)
    return path


def _fields(games: Sequence[Game], courses: Sequence[Course]) -> tuple[Figure, list[Axes]]:
    """Return a figure with a panel a game, each with the direction in which both players are drawn."""
    columns = min(_COLUMNS, len(games))
    figure, grid = panels(-(-len(games) // columns), columns, width=3.4, height=3.4)
    for axes in grid.flat[len(games) :]:
        axes.remove()
    used = list(grid.flat[: len(games)])
    at = np.linspace(-_REACH, _REACH, _ARROWS)
    for axes, game, course in zip(used, games, courses, strict=True):
        pulls = np.array([[_pull(game, theta, psi) for theta in at] for psi in at])
        length = np.maximum(np.hypot(pulls[..., 0], pulls[..., 1]), 1e-9)
        axes.quiver(at, at, pulls[..., 0] / length, pulls[..., 1] / length, color="0.75", width=0.004)
        axes.plot(*course.places[0], "s", color=BLUE, markersize=4)
        axes.plot(0, 0, "+", color="black")
        axes.set_title(f"{course.words}\n{course.verdict}: ends {course.distance:.2g} away", fontsize=9)
        axes.set_xlim(-_REACH, _REACH)
        axes.set_ylim(-_REACH, _REACH)
        axes.set_xlabel("θ, the generator", fontsize=8)
        axes.set_ylabel("ψ, the critic", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.set_aspect("equal")
    return figure, used


def _pull(game: Game, theta: float, psi: float) -> tuple[float, float]:
    game.place(theta, psi)
    return -float(game.g_gradient(0)), -float(game.d_gradient(0))


def _canvas(figure: Figure) -> np.ndarray[Any, np.dtype[np.uint8]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]


def _pixels(axes: Axes, course: Course, height: int) -> list[tuple[float, float]]:
    """Return a course in pixels of the drawn figure, within its panel."""
    inside = np.clip(course.places, -_REACH, _REACH)
    return [(float(x), float(height - y)) for x, y in axes.transData.transform(inside)]


def _one() -> Tensor:
    return torch.ones(1, 1, dtype=torch.float64)


def _data() -> Tensor:
    return torch.zeros(1, 1, dtype=torch.float64)


def _rng(step: int) -> StepRandom:
    return StepRandom(0, "dirac", step, rows=slice(0, 1), total=1, device="cpu", update=step)
