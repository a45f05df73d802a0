"""A run: its folder, its task, its configuration."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from gantools.config import RunConfig, Settings, check_words, merge, preset_settings, read_yaml, validate, write_yaml
from gantools.errors import GanToolsError
from gantools.plugins import TaskInfo, manager
from gantools.registry import folder_suggestion, load_object, meant
from gantools.storage import remove_unfinished, write_atomically
from gantools.training.processes import leads
from gantools.weights.places import run_folders

_STEPS = 2000
_BEFORE_A_RUN = {".lock", "command.txt"}  # all that one killed before its config.yaml leaves


@dataclass(frozen=True)
class Run:
    """A run folder: config.yaml, command.txt, log.jsonl, curves.png, samples/, checkpoints/, weights.safetensors."""

    folder: Path
    task: TaskInfo
    config: RunConfig
    new: bool = False  # begun by this process
    changed: bool = False  # its settings are not what config.yaml says

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints to resume from."""
        return self.folder / "checkpoints"

    @property
    def weights(self) -> Path:
        """The averaged generators, ready for use."""
        return self.folder / "weights.safetensors"

    @property
    def best(self) -> Path:
        """The averaged generators at the best evaluation."""
        return self.folder / "weights-best.safetensors"

    @property
    def log(self) -> Path:
        """One JSON object a logging step."""
        return self.folder / "log.jsonl"

    @property
    def curves(self) -> Path:
        """The log as a picture."""
        return self.folder / "curves.png"

    def create(self) -> None:
        """Write command.txt and config.yaml, unless the run has them already; the second makes it a run."""
        begun = (self.folder / "config.yaml").exists()
        if not begun:
            command = shlex.join(_command(self.task.name))
            (self.folder / "command.txt").write_text(command + "\n", encoding="utf-8")
        if self.changed or not begun:
            self.write_config()

    def write_config(self) -> None:
        """Write config.yaml: all settings but the folder itself, with paths that hold from anywhere."""
        settings = self.config.model_dump(mode="json", exclude={"out"})
        paths = {name: _absolute(value) for name, value in self.config if has_paths(value) and name != "out"}
        content = {"task": self.task.name, **settings, **paths}
        write_atomically(self.folder / "config.yaml", lambda temporary: write_yaml(content, temporary))

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Keep the folder from other processes for as long as this lasts; one that stays empty is removed again."""
        lock = FileLock(self.folder / ".lock")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            raise GanToolsError(
                f"{self.folder} is in use by another process", "wait for it, or give another --out"
            ) from None
        except OSError as error:
            hint = "give a folder you can write to with --out"
            raise GanToolsError(f"cannot write {self.folder}: {error.strerror}", hint) from None
        try:
            if self.new:
                _check_free(self.folder)
                (self.folder / "config.yaml").unlink(missing_ok=True)
            remove_unfinished(self.folder)
            yield
        finally:
            _give_back(lock)
            with suppress(OSError):
                self.folder.rmdir() if self.config.out else os.removedirs(self.folder)

    def sample(self, step: int) -> Path:
        """Return the path of a step's sample sheet."""
        return self.folder / "samples" / f"step-{step:06d}.png"


def resolve(task: str, given: Settings, config_file: Path | None = None) -> tuple[TaskInfo, RunConfig]:
    """Find a task and build its configuration from all layers; all problems come as GanToolsError."""
    from gantools.device import pick_device

    info = manager().tasks.get(task)
    cls: type[RunConfig] = load_object(info.config)
    from_file = read_yaml(config_file) if config_file else {}
    if from_file.pop("task", task) != task:
        raise GanToolsError(f"{config_file} is for another task than {task}", "train the task that the file names")
    asked = merge(from_file, given)
    check_words(asked, ("device", "preset", "objective", "init"))
    device = pick_device(str(asked.get("device", "auto")))
    base = default_settings(cls, device.partition(":")[0], asked.get("preset"), asked.get("objective"))
    start: Settings = {}
    if asked.get("init"):
        from gantools.training.finetuning import find_start, taken_over

        found = find_start(asked["init"], task)
        start, asked = taken_over(found.header, cls), {**asked, "init": found.path.absolute()}
    try:
        config: RunConfig = validate(cls, cls.complete(merge(base, start, asked)))
        config.check()
    except GanToolsError as error:
        raise (_reminded(error) if start else error) from None
    return info, config


def _reminded(error: GanToolsError) -> GanToolsError:
    """Return an error that says where settings are from which nobody typed."""
    return GanToolsError(error.message, f"what no flag sets is as the weights of --init have it; {error.hint}")


def default_settings(cls: type[RunConfig], device: str, preset: Any = None, objective: Any = None) -> Settings:
    """Return what holds where nothing else is asked for: the device's, the preset's and the recipe's settings.

    Imports torch only if the objective is a recipe, or has options.
    """
    base = merge({"steps": _STEPS}, cls.for_device(device), preset_settings(cls, preset))
    name = str(objective or base.get("objective") or cls.model_fields["objective"].default)
    if name in manager().objectives.names() and manager().objectives.get(name).kind == "loss":
        return base
    from gantools.objectives.grammar import find_recipe

    recipe = find_recipe(name)
    return merge(base, recipe.settings, cls.for_recipe(name)) if recipe else base


def new_run(info: TaskInfo, config: RunConfig) -> Run:
    """Choose the folder of a new run: ``config.out``, or the next number under runs/TASK, which is made at once.

    A folder whose run never came to a checkpoint may be used again. Under a launcher the first process chooses.
    """
    folder = config.out
    if not leads():
        return Run(Path(), info, config)
    if folder is None:
        return Run(_next_number(Path("runs") / info.name), info, config, new=True)
    _check_free(folder)
    return Run(folder, info, config, new=True)


def _check_free(folder: Path) -> None:
    """Raise GanToolsError unless a run can begin in a folder; only what `claimed` keeps to itself stays so."""
    if folder.exists() and not folder.is_dir():
        raise GanToolsError(f"{folder} is a file", "give a folder with --out")
    if folder.is_dir() and {path.name for path in folder.iterdir()} - _BEFORE_A_RUN:
        if not (folder / "config.yaml").exists():
            raise GanToolsError(f"{folder} is not empty", "give another --out")
        if any((folder / "checkpoints").glob("step-*")):
            hint = f"go on with `{shlex.join(['gantools', 'resume', str(folder)])}`, or give another --out"
            raise GanToolsError(f"{folder} holds a run already", hint)


def _give_back(lock: FileLock) -> None:
    """Release a lock and remove its file: first remove, or a process that has it by then would be alone with it."""
    path = Path(lock.lock_file)
    if os.name == "nt":  # where a file that is open stays, also one that another has opened since
        lock.release()
        with suppress(OSError):
            path.unlink()
    else:
        path.unlink(missing_ok=True)
        lock.release()


def open_run(folder: Path, changes: Settings | None = None) -> Run:
    """Open the folder of an earlier run; ``changes`` replace its settings, in config.yaml as soon as it goes on."""
    if not (folder / "config.yaml").is_file():
        hint = folder_suggestion(str(folder), run_folders(beside=folder), "runs here")
        raise GanToolsError(f"{folder} is not a run folder", hint)
    settings = read_yaml(folder / "config.yaml")
    info = manager().tasks.get(str(settings.pop("task", "")))
    cls: type[RunConfig] = load_object(info.config)
    if strange := sorted(settings.keys() - cls.model_fields.keys()):
        hint = "go on with the version of gantools that made it, or, if you wrote that, take it out"
        close = [f"{name}: {words}" for name in strange if (words := meant(name, list(cls.model_fields)))]
        message = f"{folder / 'config.yaml'} has settings that this version does not know: {', '.join(strange)}"
        raise GanToolsError(message, "; ".join([hint, *close]))
    config = validate(cls, {**settings, **(changes or {}), "out": folder})
    return Run(folder, info, config, changed=bool(changes))


def shared_out(config: RunConfig, processes: int) -> RunConfig:
    """Return the settings with ``devices`` as it is: a launcher may have started more processes, or fewer."""
    if config.devices == processes:
        return config
    return validate(type(config), {**dict(config), "devices": processes})


def load_task(info: TaskInfo, config: RunConfig) -> Any:
    """Import a task and build it."""
    return load_object(info.task)(config)


def has_paths(value: Any) -> bool:
    """Say whether a setting is a path, or a list of them: it holds on this machine alone."""
    return isinstance(value, Path) or (isinstance(value, list) and any(isinstance(item, Path) for item in value))


def _absolute(value: Any) -> Any:
    return [str(item.absolute()) for item in value] if isinstance(value, list) else str(value.absolute())


def _next_number(folder: Path) -> Path:
    """Make the folder with the next free number, which no other process can then have."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            numbers = [int(name) for name in os.listdir(folder) if name.isdigit()]
            path = folder / str(max(numbers, default=0) + 1)
            with suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        hint = "go to a folder you can write to, or give one with --out"
        raise GanToolsError(f"cannot write {folder}: {error.strerror}", hint) from None


def _command(task: str) -> list[str]:
    """Return what was typed, or for a run started from Python the command that is like it."""
    if Path(sys.argv[0]).stem == "gantools":
        return ["gantools", *sys.argv[1:]]
    return ["gantools", "train", task, "--config", "config.yaml"]
