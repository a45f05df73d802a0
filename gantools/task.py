"""What a task is: all that the author of a task plugin has to know.

A task builds networks, runs its generators, and returns named losses. The trainer owns gradients, precision,
optimizers, schedules, averaging, checkpoints, logs and sheets; the objective owns every pass through a critic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import torch
from torch import Tensor, nn

from gantools.config import Options, RunConfig
from gantools.data.comparison import Comparison
from gantools.errors import GanToolsError
from gantools.objectives import Losses, Needs, Objective
from gantools.plugins import TaskInfo
from gantools.randomness import StepRandom

__all__ = [
    "Batch",
    "Comparison",
    "Graph",
    "Losses",
    "Networks",
    "Options",
    "Outputs",
    "RunConfig",
    "StepRandom",
    "Task",
    "TaskInfo",
    "View",
]

Batch = Mapping[str, Tensor]
Outputs = Mapping[str, Tensor]
C = TypeVar("C", bound=RunConfig)


class Networks(nn.Module):
    """The networks of a task by name: ``nets["g_ab"]``. Generators and discriminators are kept apart."""

    def __init__(
        self,
        generators: Mapping[str, nn.Module] | nn.ModuleDict,
        discriminators: Mapping[str, nn.Module] | nn.ModuleDict | None = None,
    ) -> None:
        super().__init__()
        self.generators = nn.ModuleDict(dict(generators.items()))
        self.discriminators = nn.ModuleDict(dict(discriminators.items()) if discriminators else {})

    def __getitem__(self, name: str) -> nn.Module:
        return self.generators[name] if name in self.generators else self.discriminators[name]


@dataclass(frozen=True)
class Graph:
    """A generator as other programs run it: a single pass with named inputs, for `gantools export --format onnx`.

    ``network`` is its name among the generators. ``inputs`` has the shape of each input without the batch, in the order
    of its arguments: (C, 0, 0) for pictures of any size, of which ``stride`` is a factor and ``smallest`` the least
    side, ("words", …) for a length that may vary. ``masks`` are those of them that hold truth values. ``by_picture``
    says that batch norm goes by each picture's own statistics. ``settings`` are what the configuration has, or has
    otherwise, where there is this network alone; options of the same names can then be no others.
    """

    network: str
    inputs: Mapping[str, tuple[int | str, ...]]
    stride: int = 1
    smallest: int = 1
    masks: frozenset[str] = frozenset()
    by_picture: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    def examples(self, count: int, tall: int, wide: int) -> dict[str, Tensor]:
        """Return random inputs: ``count`` of each, pictures ``tall`` and ``wide`` times as large as the smallest."""
        draw = torch.Generator().manual_seed(count)
        sides = iter((tall * self.smallest, wide * self.smallest) * len(self.inputs))
        found = {}
        for name, shape in self.inputs.items():
            sizes = [next(sides) if size == 0 else 4 + tall if isinstance(size, str) else size for size in shape]
            values = torch.rand(count, *sizes, generator=draw) * 2 - 1
            found[name] = values > -1 if name in self.masks else values
        return found

    def dynamic(self, name: str) -> dict[int, Any]:
        """Return which dimensions of an input may vary, as `torch.export` takes it."""
        varying: dict[int, Any] = {0: torch.export.Dim("batch")}
        for place, size in enumerate(self.inputs[name], start=1):
            if size == 0:
                side = torch.export.Dim("height" if place == len(self.inputs[name]) - 1 else "width")
                varying[place] = self.stride * side
            elif isinstance(size, str):
                varying[place] = torch.export.Dim(size)
        return varying


@dataclass(frozen=True)
class View:
    """What of a picture the generator looks at, so that large pictures can be translated in parts.

    With ``size``, it is the whole picture, scaled to that side, and ``detail`` says what `translate_at_size` was told.
    Without, it is the neighbourhood of each pixel, through layers whose corners lie on multiples of ``stride``, and
    norms by the picture's statistics: convolutions, changes of size, dropout.
    """

    stride: int = 1
    size: int | None = None
    detail: bool = False


class Task(Generic[C]):
    """Base class of all tasks; ``config`` is the task's own Config.

    Pictures in ``batch`` are float [N, C, H, W] in [-1, 1]. Random numbers come from ``rng`` alone. ``keeps_shape``
    says that a translation fills the same outline as its source, so that the source's transparency fits it. A task that
    generates says of what shape the noise of one picture is.
    """

    keeps_shape: ClassVar[bool] = True
    noise_shape: tuple[int, ...] = ()

    def __init__(self, config: C) -> None:
        self.config = config

    def generators(self) -> dict[str, nn.Module]:
        """Build the generators; the names become prefixes in the weights file."""
        raise TypeError(f"{type(self).__name__} builds no generators")

    def discriminators(self, needs: Needs) -> dict[str, nn.Module]:
        """Build the discriminators that the objective can work with."""
        raise TypeError(f"{type(self).__name__} builds no discriminators")

    def forward(self, nets: Networks, batch: Batch, rng: StepRandom) -> Outputs:
        """Run the generators: what both players' losses look at.

        Gradients are off (``torch.is_grad_enabled()``) where only the discriminators are updated from this pass, so
        that what only the generators' losses need can be left out.
        """
        raise TypeError(f"{type(self).__name__} has no forward pass")

    def d_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return the discriminators' named losses, to be summed; ``out`` comes detached."""
        raise TypeError(f"{type(self).__name__} has no discriminator losses")

    def g_losses(self, nets: Networks, batch: Batch, out: Outputs, objective: Objective, rng: StepRandom) -> Losses:
        """Return the generators' named losses, to be summed; the discriminators come frozen."""
        raise TypeError(f"{type(self).__name__} has no generator losses")

    def translate(self, nets: Networks, images: Tensor, options: Any) -> Tensor:
        """Translate pictures [N, C, H, W] in [-1, 1] keeping their size, whatever it is; ``options`` is an Options."""
        raise GanToolsError(f"{type(self).__name__} does not translate pictures", "use weights of a task that does")

    def encode(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Return what `generate` is told of prompts, a row for each."""
        raise GanToolsError(f"{type(self).__name__} does not generate from words", "use weights of a task that does")

    def generate(self, nets: Networks, batch: Batch, options: Any) -> Tensor:
        """Return pictures [N, C, H, W] in [-1, 1] of encoded prompts and ``batch["noise"]``, ``[N, *noise_shape]``."""
        raise GanToolsError(f"{type(self).__name__} does not generate pictures", "use weights of a task that does")

    def variants(self, options: Any) -> dict[str, Any]:
        """Return the translations that options ask for, each with options of its own, by a word that tells them apart.

        One alone stands under ""; GanToolsError says what the options lack.
        """
        return {"": options}

    def view(self, options: Any) -> View | None:
        """Return what of a picture `translate` looks at with these options; None if it has to see a picture whole."""
        return None

    def settled(self, nets: Networks, image: Tensor, options: Any) -> Any:
        """Return options in which nothing is left to be seen of a picture [1, C, H, W], or of several of one video.

        They are given at a reduced size.
        """
        return options

    def source(self, options: Any) -> str:
        """Return which pictures of the batch `translate` takes with these options: "a", or another name."""
        return "a"

    def grid(self, nets: Networks, batch: Batch) -> dict[str, Tensor]:
        """Return the columns of the sample sheet, title to pictures [N, C, H, W] in [-1, 1].

        ``nets`` holds the averaged generators and the discriminators as they are.
        """
        raise TypeError(f"{type(self).__name__} draws no sample sheet")

    def report(self, nets: Networks, batch: Batch) -> dict[str, float]:
        """Return numbers to log beside the losses, measured on the averaged generators at each logging step.

        ``batch`` is that of the sample sheet. It has to be quick; whatever takes long belongs into an evaluation.
        """
        return {}

    def graphs(self, nets: Networks) -> dict[str, Graph]:
        """Return the generators as other programs run them, by a word that tells them apart; "" for a single one."""
        raise GanToolsError(f"{type(self).__name__} cannot be exported", "its author has not said how")

    def comparisons(self) -> list[Comparison]:
        """Return the rows of an evaluation, on the data that the configuration names: not always the training's."""
        raise GanToolsError(f"{type(self).__name__} cannot be evaluated", "its author has not said on what")

    def metadata(self) -> dict[str, Any]:
        """Return what the weights' header should say beyond the configuration; ``domains`` has a place of its own."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Return whatever else has to survive a restart: nested dicts and lists of tensors and plain values."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take back what `state_dict` returned."""

    def join_states(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return one state out of those of several processes, of which ``states[r]`` had the r-th part of every batch.

        A task overrides it whose state is of single rows of the batch; each process is given all of it back.
        """
        return states[0]
