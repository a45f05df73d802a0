"""Settings of the task `toy`, and what its data are called. Imports no torch."""

from __future__ import annotations

import math
import re
from typing import NamedTuple, Self

from pydantic import field_validator, model_validator

from gantools.config import RunConfig, Settings, option
from gantools.registry import suggestion

_DATA = ("ring8", "grid25", "swissroll", "mixture")
_PLUS = re.compile(r"\+(?=[^+*]*\*)")  # of a mixture, not of a number such as 1e+3
_EXAMPLE = "mixture:0.5*normal:-2,0,0.1+0.5*normal:2,0,0.1"
_RECIPES: dict[str, Settings] = {
    "sngan": {"n_critic": 1, "lr_g": 2e-3, "lr_d": 2e-3},
    "wgan-gp": {"penalty": ["gp:weight=0.1"], "n_critic": 2, "lr_g": 1e-3, "lr_d": 1e-3, "steps": 4000},
    "ct-gan": {"penalty": ["gp:weight=0.1"], "n_critic": 2, "lr_g": 1e-3, "lr_d": 1e-3, "steps": 3000},
    "dragan-gan": {"penalty": ["dragan:weight=0.1"], "lr_g": 1e-3, "lr_d": 1e-3},
    "wgan-clip": {"constraint": ["weight-clipping:c=0.1"], "n_critic": 2, "lr_g": 3e-4, "lr_d": 3e-4},
}


class Mode(NamedTuple):
    """A round normal distribution in the plane, and the share of the data that comes from it."""

    weight: float
    x: float
    y: float
    std: float


class Config(RunConfig):
    """Training settings. The defaults suit every loss alike, and a run takes about a minute on one core."""

    data: str = option(
        "ring8", "ring8, grid25, swissroll, or mixture:WEIGHT*normal:X,Y,STD+WEIGHT*normal:X,Y,STD…", "Data"
    )
    batch_size: int = option(256, "points per step", "Training", ge=1, le=100000)
    width: int = option(128, "values of a hidden layer, in both networks", "Networks", ge=1, le=4096)
    layers: int = option(4, "hidden layers of both networks", "Networks", ge=1, le=16)
    z: int = option(2, "dimensions of the generator's noise", "Networks", ge=1)

    @classmethod
    def for_device(cls, device: str) -> Settings:
        """Return what small networks want; on a CPU that is a single thread."""
        threads = {"threads": 1} if device == "cpu" else {}
        return {
            "steps": 6000, "lr_g": 3e-4, "lr_d": 3e-4, "betas": (0.0, 0.9), "precision": "32", "checkpoint_every": 2000,
        } | threads  # fmt: skip

    @classmethod
    def for_recipe(cls, name: str) -> Settings:
        """Return settings that train in a minute, where a recipe's are made for pictures and for days."""
        return _RECIPES.get(name, {})

    @field_validator("data")
    @classmethod
    def _known_data(cls, value: str) -> str:
        parse_modes(value)
        return value

    @model_validator(mode="after")
    def _no_pictures(self) -> Self:
        if self.augment:
            raise ValueError("--augment changes pictures, and these data are points; leave it out")
        return self


def parse_modes(data: str) -> tuple[Mode, ...]:
    """Return the modes of the data set of that name, none for `swissroll`; ValueError says what is wrong with a name.

    ``ring8``: radius 2, std 0.02. ``grid25``: 5 x 5 from -4 to 4, std 0.05. ``mixture:WEIGHT*normal:X,Y,STD+…``: as
    written, with weights that sum to 1.
    """
    name, _, rest = data.partition(":")
    if name not in _DATA:
        raise ValueError(f"unknown data `{name}`; {suggestion(name, list(_DATA))}")
    if name == "mixture":
        return _mixture(rest)
    if rest:
        raise ValueError(f"`{name}` takes no options; write {name}, or for example {_EXAMPLE}")
    return {"ring8": _ring, "grid25": _grid, "swissroll": tuple[Mode, ...]}[name]()


def _ring() -> tuple[Mode, ...]:
    angles = [k * math.pi / 4 for k in range(8)]
    return tuple(Mode(1 / 8, 2 * math.cos(angle), 2 * math.sin(angle), 0.02) for angle in angles)


def _grid() -> tuple[Mode, ...]:
    places = (-4.0, -2.0, 0.0, 2.0, 4.0)
    return tuple(Mode(1 / 25, x, y, 0.05) for x in places for y in places)


def _mixture(text: str) -> tuple[Mode, ...]:
    modes = tuple(map(_mode, _PLUS.split(text)))
    total = math.fsum(mode.weight for mode in modes)
    if abs(total - 1) > 1e-6:
        scaled = ", ".join(f"{mode.weight / total:.7g}" for mode in modes)
        raise ValueError(f"the weights sum to {total:g}, not to 1; write {scaled}")
    return modes


def _mode(term: str) -> Mode:
    weight, star, component = term.partition("*")
    kind, colon, numbers = component.strip().partition(":")
    if not star or not colon or kind != "normal":
        raise ValueError(f"`{term.strip()}` is not WEIGHT*normal:X,Y,STD; write for example {_EXAMPLE}")
    try:
        mode = Mode(float(weight), *map(float, numbers.split(",")))
    except (TypeError, ValueError):
        raise ValueError(f"`{term.strip()}` is not WEIGHT*normal:X,Y,STD with four numbers; see {_EXAMPLE}") from None
    if not all(map(math.isfinite, mode)) or mode.weight <= 0 or mode.std <= 0:
        raise ValueError(f"`{term.strip()}` needs finite numbers, and a weight and a STD above 0")
    return mode
