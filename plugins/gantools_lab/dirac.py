"""The Dirac-GAN (Mescheder et al. 2018, section 2): the smallest game there is.

The data are the point 0, the generator makes the point θ, and the critic is D(x) = ψ x. Both players take plain steps
down the gradients of the objective layer's losses and penalties, in float64. The equilibrium is θ = ψ = 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gantools.api import configure
from gantools.config import Settings
from gantools.errors import GanToolsError
from gantools.objectives import Losses, Objective, Sample
from gantools.objectives.grammar import build_objective
from gantools.randomness import StepRandom
from gantools_lab.distributions import Array

START = (1.0, 1.0)
_PARTS = {"objective", "penalty", "constraint", "spectral_norm", "n_critic"}
_LOST = 1e6
_SAMPLES = 2  # of each: all alike, but some penalties take a standard deviation


@dataclass(frozen=True)
class Course:
    """How one game went: ``places`` [steps + 1, 2] of θ and ψ, the first being the start."""

    words: str
    places: Array

    @property
    def distance(self) -> float:
        """How far the end is from the equilibrium; the usual start is √2 away."""
        return float(np.hypot(*self.places[-1]))

    @property
    def verdict(self) -> str:
        """What the game comes to, in a word or two: its last quarter beside the earlier ones."""
        distances = np.hypot(*self.places.T)
        if distances[-1] >= _LOST:
            return "moves away"
        first, _, before, late = (quarter.max() for quarter in np.array_split(distances, 4))
        if late < 0.1 * distances[0]:
            return "converges"
        if np.ptp(self.places[-len(self.places) // 4 :], axis=0).max() < 0.01 * np.ptp(self.places, axis=0).max():
            return "stops elsewhere"
        if late > 1.1 * first and late > 1.01 * before:
            return "moves away"
        if late < 0.9 * before:
            return "comes nearer"
        turned = np.ptp(np.unwrap(np.arctan2(*self.places.T)))
        return "circles" if turned > 2 * np.pi else "stays away"


class Game:
    """The players and the objective they play by.

    ``simultaneous`` players move at once; else the critic moves first, ``n_critic`` times, as in a training.
    GanToolsError if the objective cannot be played with a critic that has one weight.
    """

    def __init__(self, objective: Objective, simultaneous: bool = False, n_critic: int = 1) -> None:
        self.objective, self.simultaneous, self.n_critic = objective, simultaneous, n_critic
        self.critic, self.generator = _Critic(), _Generator()
        self.critics, self.generators = nn.ModuleDict({"d": self.critic}), nn.ModuleDict({"g": self.generator})
        self._prepare()

    @property
    def place(self) -> tuple[float, float]:
        """Where the players are: (θ, ψ)."""
        return self.generator.theta.item(), self.critic.head.weight.item()

    @place.setter
    def place(self, to: tuple[float, float]) -> None:
        with torch.no_grad():
            self.generator.theta.fill_(to[0])
            self.critic.head.weight.fill_(to[1])

    def play(self, steps: int, lr: float, start: tuple[float, float] = START, words: str = "") -> Course:
        """Make ``steps`` steps from (θ, ψ) = ``start``; the game ends early where a player gets 1e6 away."""
        self.place = start
        places = [start]
        while len(places) <= steps and max(map(abs, places[-1])) < _LOST:
            self._step(len(places) - 1, lr)
            places.append(self.place)
        return Course(words, np.nan_to_num(places, nan=_LOST, posinf=_LOST, neginf=-_LOST))

    def pull(self, theta: float, psi: float) -> tuple[float, float]:
        """Return the direction in which the losses pull both players at a place: minus their gradients, for θ and ψ."""
        self.place = (theta, psi)
        by_g = _gradient(self._g_losses(0), self.generator.theta)
        return -float(by_g), -float(_gradient(self._d_losses(0), self.critic.head.weight))

    def _prepare(self) -> None:
        if self.objective.needs.critic == "autoencoder":
            raise GanToolsError("the critic of this game is D(x) = ψ x, and no auto-encoder", "take hinge or wgan")
        for name, part in (self.objective.penalties | self.objective.constraints).items():
            if part.needs.min_batch > 1:
                raise GanToolsError(f"{name} compares the samples of a pass, here all alike", "leave it out")
        try:
            self.objective.prepare(self.generators, "g")
            self.objective.prepare(self.critics, "d")
        except GanToolsError as error:
            message = f"the critic of this game is D(x) = ψ x, and {error.message}"
            raise GanToolsError(message, "leave that part out") from None
        if type(self.critic.head) is not nn.Linear:  # normalised, or widened
            names = ", ".join(self.objective.constraints)
            raise GanToolsError("the critic of this game has to stay D(x) = ψ x, with one weight", f"leave out {names}")

    def _step(self, step: int, lr: float) -> None:
        """Move both players."""
        self.objective.before_update(self.generators, "g")
        at_once = self._of_g(step) if self.simultaneous else None
        for update in range(step * self.n_critic, (step + 1) * self.n_critic):
            self.objective.before_update(self.critics, "d")
            losses = self._d_losses(update) | self.objective.parameter_losses(self.critics, "d")
            _move(self.critic.head.weight, _gradient(losses, self.critic.head.weight), lr)
            self.objective.after_update(self.critics, "d")
        _move(self.generator.theta, self._of_g(step) if at_once is None else at_once, lr)
        self.objective.after_update(self.generators, "g")

    def _of_g(self, step: int) -> Tensor:
        losses = self._g_losses(step) | self.objective.parameter_losses(self.generators, "g")
        return _gradient(losses, self.generator.theta)

    def _d_losses(self, update: int) -> Losses:
        fake = Sample(self.generator().detach())
        return self.objective.d_losses(self.critic, Sample(_data()), [(fake, 1.0)], _rng("d", update))[0]

    def _g_losses(self, update: int) -> Losses:
        fake = Sample(self.generator())
        return self.objective.g_losses(self.critic, fake, Sample(_data()), _rng("g", update))[0]


class _Critic(nn.Module):
    """D(x) = ψ x for points [N, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(1, 1, bias=False, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        score: Tensor = self.head(x)
        return score


class _Generator(nn.Module):
    """Makes the point θ, [2, 1]: twice the same."""

    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(1, 1, dtype=torch.float64))

    def forward(self) -> Tensor:
        return self.theta.expand(_SAMPLES, 1)


def build_game(settings: Settings, simultaneous: bool = False) -> Game:
    """Build a game by settings of a training; GanToolsError says what is wrong with them, or has no meaning here.

    Of a recipe, its loss, penalties and constraints count.
    """
    for name in settings.keys() - _PARTS:
        flag = f"--{name.replace('_', '-')}"
        raise GanToolsError(f"{flag} has no meaning in this game", "leave it out; --lr sets both players' steps")
    n_critic = settings.get("n_critic", 1)
    if simultaneous and n_critic > 1:
        raise GanToolsError("simultaneous players make one step each", "leave out --n-critic or --simultaneous")
    return Game(build_objective(configure("toy", **settings)), simultaneous, n_critic)


def _gradient(losses: Losses, parameter: Tensor) -> Tensor:
    (gradient,) = torch.autograd.grad(torch.stack(list(losses.values())).sum(), parameter)
    return gradient


def _move(parameter: Tensor, gradient: Tensor, lr: float) -> None:
    with torch.no_grad():
        parameter.sub_(lr * gradient)


def _data() -> Tensor:
    return torch.zeros(_SAMPLES, 1, dtype=torch.float64)


def _rng(player: str, update: int) -> StepRandom:
    rows = slice(0, _SAMPLES)
    return StepRandom(0, "dirac", player, update, rows=rows, total=_SAMPLES, device="cpu", update=update)
