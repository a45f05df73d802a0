"""A run: its folder, its task, its configuration."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gantools.config import RunConfig, Settings, merge, preset_settings, read_yaml, validate, write_yaml
from gantools.device import pick_device
from gantools.errors import GanToolsError
from gantools.objectives.grammar import find_recipe
from gantools.plugins import TaskInfo, manager
from gantools.registry import load_object

_STEPS = 2000


@dataclass(frozen=True)
class Run:
    """A run folder: config.yaml, command.txt, log.jsonl, curves.png, samples/, checkpoints/, weights.safetensors."""

    folder: Path
    task: TaskInfo
    config: RunConfig

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints to resume from."""
        return self.folder / "checkpoints"

    @property
    def weights(self) -> Path:
        """The averaged generators, ready for use."""
        return self.folder / "weights.safetensors"

    @property
    def log(self) -> Path:
        """One JSON object a logging step."""
        return self.folder / "log.jsonl"

    @property
    def curves(self) -> Path:
        """The log as a picture."""
        return self.folder / "curves.png"

    def create(self) -> None:
        """Make the folder, with config.yaml and command.txt, unless it is there already."""
        path = self.folder / "config.yaml"
        if path.exists():
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_yaml({"task": self.task.name, **self.config.model_dump(mode="json")}, path)
            (self.folder / "command.txt").write_text(shlex.join(["gantools", *sys.argv[1:]]) + "\n", encoding="utf-8")
        except OSError as error:
            hint = "give a folder you can write to with --out"
            raise GanToolsError(f"cannot write {self.folder}: {error.strerror}", hint) from None

    def sample(self, step: int) -> Path:
        """Return the path of a step's sample sheet."""
        return self.folder / "samples" / f"step-{step:06d}.png"


def resolve(task: str, given: Settings, config_file: Path | None = None) -> tuple[TaskInfo, RunConfig]:
    """Find a task and build its configuration from all layers; all problems come as GanToolsError."""
    info = manager().tasks.get(task)
    cls: type[RunConfig] = load_object(info.config)
    from_file = read_yaml(config_file) if config_file else {}
    if from_file.pop("task", task) != task:
        raise GanToolsError(f"{config_file} is for another task than {task}", "train the task that the file names")
    asked = merge(from_file, given)
    device = pick_device(str(asked.get("device", "auto")))
    base = merge({"steps": _STEPS}, cls.for_device(device.partition(":")[0]), preset_settings(cls, asked.get("preset")))
    objective = str(asked.get("objective") or base.get("objective") or cls.model_fields["objective"].default)
    recipe = find_recipe(objective)
    return info, validate(cls, merge(base, recipe.settings if recipe else {}, asked))


def new_run(info: TaskInfo, config: RunConfig) -> Run:
    """Choose the folder of a new run, ``config.out`` or the next number under runs/TASK; nothing is written yet."""
    folder = config.out or _next_number(Path("runs") / info.name)
    if folder.exists() and not folder.is_dir():
        raise GanToolsError(f"{folder} is a file", "give a folder with --out")
    if folder.is_dir() and any(folder.iterdir()):
        hint = f"go on with `gantools resume {folder}`, or give another --out"
        raise GanToolsError(
            f"{folder} is not empty", hint if (folder / "config.yaml").exists() else "give another --out"
        )
    return Run(folder, info, config)


def open_run(folder: Path) -> Run:
    """Open the folder of an earlier run."""
    path = folder / "config.yaml"
    if not path.is_file():
        known = sorted(str(found.parent) for found in Path("runs").glob("*/*/config.yaml"))
        raise GanToolsError(f"{folder} is not a run folder", f"runs here: {', '.join(known) or 'none'}")
    settings = read_yaml(path)
    info = manager().tasks.get(str(settings.pop("task", "")))
    cls: type[RunConfig] = load_object(info.config)
    return Run(folder, info, validate(cls, settings))


def load_task(info: TaskInfo, config: RunConfig) -> Any:
    """Import a task and build it."""
    return load_object(info.task)(config)


def _next_number(folder: Path) -> Path:
    numbers = [int(name) for name in os.listdir(folder) if name.isdigit()] if folder.is_dir() else []
    return folder / str(max(numbers, default=0) + 1)
