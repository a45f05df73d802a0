"""Fine-tuning: a run that begins with the networks of another."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from gantools.config import RunConfig, Settings, flag
from gantools.errors import GanToolsError
from gantools.training.checkpoint import checkpoint_near, list_checkpoints
from gantools.weights.find import Found, find_weights
from gantools.weights.header import Header, read_header, read_networks
from gantools.weights.onnx import SUFFIX

_OF_THE_MACHINE = {"cache_mb"}
_PANELS = {"Networks", "Data"}
_PLAYER = "discriminators."


def find_start(reference: str | Path, task: str) -> Found:
    """Return the weights that a run of ``task`` is to begin with; GanToolsError if they are of another task."""
    found = find_weights(reference)
    if found.path.suffix == SUFFIX:
        raise GanToolsError(
            f"--init {reference} is for onnxruntime, which does not train", "give the weights it is from"
        )
    if found.header.task != task:
        raise GanToolsError(
            f"--init {reference}: these weights are for {found.header.task}, not for {task}",
            f"train {found.header.task} with them, or give others; `gantools weights list` shows what there is",
        )
    return found


def taken_over(header: Header, cls: type[RunConfig]) -> Settings:
    """Return the settings that make the weights' networks and frame their pictures; flags go over them."""
    panels = {name: (field.json_schema_extra or {}) for name, field in cls.model_fields.items()}
    kept = {name for name, extra in panels.items() if isinstance(extra, dict) and extra.get("panel") in _PANELS}
    return cls.begun_with({name: value for name, value in header.config.items() if name in kept - _OF_THE_MACHINE})


@dataclass(frozen=True)
class Start:
    """What a run begins with: tensors of the generators and, where they are known, of the discriminators."""

    header: Header
    origin: dict[str, Any]
    generators: dict[str, Tensor]
    discriminators: dict[str, Tensor]

    @classmethod
    def read(cls, path: Path) -> Start:
        """Read weights, with the discriminators of imported ones, or of the run's checkpoint nearest to them.

        Where that is not of the same step, as with the best weights of a run, ``origin`` says of which it is.
        """
        header = read_header(path)
        with path.open("rb") as file:
            origin = {"name": path.parent.name if path.stem == "weights" else path.stem, "step": header.step}
            origin["sha256"] = file_digest(file, "sha256").hexdigest()
        generators, critics = read_networks(path)
        checkpoints = path.parent / "checkpoints"
        if not critics and list_checkpoints(checkpoints):
            state = checkpoint_near(checkpoints, header.step)
            nets = state["updates"]["nets"]
            if state["step"] != header.step:
                origin["discriminators_step"] = state["step"]
            critics = {name.removeprefix(_PLAYER): value for name, value in nets.items() if name.startswith(_PLAYER)}
        return cls(header, origin, generators, critics)

    def fill_generators(self, networks: nn.ModuleDict, config: RunConfig) -> list[str]:
        """Put the weights into newly built generators, and return the names of what is not among them.

        That may be a whole network or a whole part of one. GanToolsError names the settings that do not fit.
        """
        new = _fill(networks, self.generators)
        if set(new) == set(networks) or any(_part(self.generators, name) for name in new):
            raise self._misfit(config)
        return new

    def fill_discriminators(self, networks: nn.ModuleDict) -> list[str]:
        """Put the discriminators' weights into networks where they fit, and return the names of what is new."""
        return _fill(networks, self.discriminators)

    def _misfit(self, config: RunConfig) -> GanToolsError:
        there, here = taken_over(self.header, type(config)), config.model_dump(mode="json")
        names = [name for name, value in there.items() if value != here[name]]
        other = ", ".join(f"{flag(name)} is {there[name]} there and {here[name]} here" for name in names)
        strange = ", ".join(flag(name) for name in self.header.config if name not in here)
        if strange:
            hint = f"it was made with {strange}, which this version of gantools does not know; begin with other weights"
        else:
            hint = f"{other}: leave that out" if other else f"it knows {self._known()}; train on data of the same kind"
        return GanToolsError(
            f"--init {self.origin['name']}: its generators are not built as those of this run are", hint
        )

    def _known(self) -> str:
        return ", ".join(self.header.domains) or f"{self.header.task} at {self.header.size} px"


def _fill(networks: nn.ModuleDict, tensors: dict[str, Tensor]) -> list[str]:
    """Load tensors into the networks that they fit; return the names of networks and parts that stay new.

    A part, named ``network.part``, is one that the tensors know nothing of.
    """
    new = []
    for name, network in networks.items():
        own, wanted = _part(tensors, name), network.state_dict()
        known = {key.split(".")[0] for key in own}
        parts = {key.split(".")[0] for key in wanted} - known
        there = {key: value.shape for key, value in wanted.items() if key.split(".")[0] in known}
        if own and there == {key: value.shape for key, value in own.items()}:
            network.load_state_dict(own, strict=False)
            new += [f"{name}.{part}" for part in sorted(parts)]
        else:
            new.append(name)
    return new


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the tensors of one network."""
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}
