"""What a sweep is to train: every combination of the values that vary, with every seed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import count, product
from pathlib import Path
from typing import Any, get_args, get_origin

from gantools.config import RunConfig, Settings, merge, read_yaml
from gantools.errors import GanToolsError
from gantools.plugins import TaskInfo, manager
from gantools.registry import folder_suggestion, load_object, suggestion

FILE = "sweep.yaml"
_LONGEST = 120  # letters in the name of a folder
_ELSEWHERE = {"seed": "--seeds N trains with seeds 0, 1, …; --seed says which is the first", "out": "give it as -o DIR"}


@dataclass(frozen=True)
class Planned:
    """One run: its folder's name inside the sweep's, and the settings that are its own."""

    name: str
    settings: Settings


@dataclass(frozen=True)
class Sweep:
    """What was asked for: ``settings`` are shared, ``vary`` holds the values of each key that differs.

    ``metrics`` are the names of what runs are evaluated by in the end; all that apply if there are none.
    """

    task: str
    vary: dict[str, list[Any]]
    seeds: list[int]
    settings: Settings = field(default_factory=dict)
    metrics: list[str] = field(default_factory=list)

    @property
    def runs(self) -> list[Planned]:
        """All runs, seed by seed, so that every combination is there early."""
        found = [
            Planned("/".join(filter(None, (_word(chosen), f"seed-{seed}"))), {**chosen, "seed": seed})
            for seed in self.seeds
            for chosen in self.combinations
        ]
        if len({planned.name for planned in found}) < len(found):
            raise GanToolsError("a value is given twice", "give each once; --seeds says how often each is trained")
        return found

    @property
    def combinations(self) -> list[Settings]:
        """The settings that vary, in every combination."""
        return [dict(zip(self.vary, values, strict=True)) for values in product(*self.vary.values())]

    @property
    def info(self) -> TaskInfo:
        """The task's entry."""
        return manager().tasks.get(self.task)

    @property
    def can_be_evaluated(self) -> bool:
        """Whether the task says on what."""
        from gantools.task import Task

        return getattr(load_object(self.info.task), "comparisons", Task.comparisons) is not Task.comparisons

    def config(self, planned: Planned, out: Path | None = None) -> RunConfig:
        """Return a run's configuration; GanToolsError says what is wrong with it, and in which run if that matters."""
        from gantools.training.run import resolve

        with _named(planned):
            return resolve(self.task, merge(self.settings, planned.settings, {"out": out}))[1]

    def checked(self) -> Sweep:
        """Return the sweep, after making sure of all that can be known before training."""
        from gantools.objectives.grammar import build_objective

        for planned in self.runs[: len(self.combinations)]:
            config = self.config(planned)
            with _named(planned):
                build_objective(config)
                if self.can_be_evaluated:
                    load_object(self.info.task)(config).comparisons()
        return self

    def save(self, folder: Path) -> None:
        """Write sweep.yaml, over that of a sweep which this one goes on with; GanToolsError if it is another one."""
        import yaml

        from gantools.storage import write_atomically

        if (folder / FILE).is_file() and not self._continues(read_sweep(folder)):
            raise GanToolsError(
                f"{folder} holds another sweep",
                f"go on with it by `{shlex.join(['gantools', 'sweep', str(folder)])}`, or give another -o DIR",
            )
        if not (folder / FILE).is_file() and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise GanToolsError(f"{folder} is not empty", "give another -o DIR")
        text = yaml.safe_dump(asdict(self), sort_keys=False, allow_unicode=True)
        write_atomically(folder / FILE, lambda temporary: temporary.write_text(text, encoding="utf-8"))

    def _continues(self, before: Sweep) -> bool:
        """Whether this is the sweep from before, or the same with more values or seeds."""
        fixed = ("task", "settings", "metrics")
        same = all(getattr(self, name) == getattr(before, name) for name in fixed)
        names = {planned.name for planned in self.runs}
        return same and all(planned.name in names for planned in before.runs)


def new_sweep(
    task: str,
    vary: Sequence[str],
    seeds: int,
    given: Settings,
    config_file: Path | None = None,
    metrics: Sequence[str] = (),
) -> Sweep:
    """Return the sweep that flags ask for, its paths good from anywhere; GanToolsError if they make no sense."""
    cls: type[RunConfig] = load_object(manager().tasks.get(task).config)
    values = read_vary(cls, vary)
    twice = [key for key in values if key in given]
    if twice:
        raise GanToolsError(f"{twice[0]} is given both as a flag and with --vary", "give it once")
    from_file = read_yaml(config_file) if config_file else {}
    if from_file.pop("task", task) != task:
        raise GanToolsError(f"{config_file} is for another task than {task}", "sweep the task that the file names")
    asked = {k: v for k, v in merge(from_file, given).items() if k not in {*values, *_ELSEWHERE}}
    first = int(merge(from_file, given).get("seed") or 0)
    sweep = Sweep(task, values, list(range(first, first + seeds)), asked)
    known = dict(sweep.config(sweep.runs[0]))
    return Sweep(
        task,
        values,
        sweep.seeds,
        {name: _plain(known.get(name, value)) for name, value in asked.items()},
        list(metrics),
    )


def sweep_folders() -> list[str]:
    """Return the folders of sweeps under ./sweeps."""
    return sorted(str(path.parent) for path in Path("sweeps").glob(f"*/*/{FILE}"))


def read_sweep(folder: Path) -> Sweep:
    """Read back what was asked for; GanToolsError if the folder is none of a sweep."""
    if not (folder / FILE).is_file():
        known = sweep_folders()
        begin = "begin one with `gantools sweep TASK --vary KEY=A,B`"
        hint = folder_suggestion(str(folder), known, "sweeps here") if known else begin
        raise GanToolsError(f"{folder} is no folder of a sweep", hint)
    try:
        return Sweep(**read_yaml(folder / FILE))
    except TypeError:
        raise GanToolsError(f"{folder / FILE} is damaged", "begin anew with another -o DIR") from None


def read_vary(config: type[RunConfig], texts: Sequence[str]) -> dict[str, list[Any]]:
    """Read ``KEY=VALUE,VALUE``; where there is a ``;``, values are separated by that alone. One key again adds more.

    A ``;`` at the end counts for nothing, so that ``KEY=VALUE;`` is one value with its commas.
    """
    found: dict[str, list[Any]] = {}
    for text in texts:
        word, equals, rest = text.partition("=")
        key = word.strip().removeprefix("--").replace("-", "_")
        if not equals or not rest:
            raise GanToolsError(f"`--vary {text}` is not KEY=VALUE,VALUE", "write for example objective=lsgan,hinge")
        if key in _ELSEWHERE:
            raise GanToolsError(f"{key} cannot vary", _ELSEWHERE[key])
        if key not in config.model_fields:
            raise GanToolsError(f"--vary: unknown option `{key}`", suggestion(key, list(config.model_fields)))
        found.setdefault(key, []).extend(_value(config, key, part) for part in _split(text, rest))
    return found


def _split(text: str, rest: str) -> list[str]:
    if ";" in rest:
        return [part.strip() for part in rest.removesuffix(";").split(";")]
    parts = [part.strip() for part in rest.split(",")]
    for part in parts[1:]:
        if re.match(r"[-\w]+=", part):
            hint = f"separate values that hold commas by `;`, or end one value with it: --vary '{text};'"
            raise GanToolsError(f"`{part}` in `--vary {text}` is no value", hint)
    return parts


def _value(config: type[RunConfig], key: str, text: str) -> Any:
    """Return a value as YAML would have it: words of a list apart, paths good from anywhere."""
    kind = config.model_fields[key].annotation
    paths = kind is Path or Path in get_args(kind)
    if get_origin(kind) in (list, tuple):
        return [str(Path(word).absolute()) if paths else word for word in shlex.split(text)]
    return str(Path(text).absolute()) if paths else text


def _word(chosen: Settings) -> str:
    """Return the name of a combination's folder."""
    name = ",".join(f"{key}={_short(value)}" for key, value in chosen.items())
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 9]}-{sha256(name.encode()).hexdigest()[:8]}"


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(map(_short, value)) or "none"
    text = str(value)
    return re.sub(r"[^-+=.\w]+", "_", Path(text).name if Path(text).is_absolute() else text) or "none"


def _plain(value: Any) -> Any:
    """Return a setting as YAML has it, paths good from anywhere."""
    if isinstance(value, Path):
        return str(value.absolute())
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


@contextmanager
def _named(planned: Planned) -> Iterator[None]:
    """Put the name of a combination before the message of a GanToolsError."""
    try:
        yield
    except GanToolsError as error:
        name, slash, _ = planned.name.rpartition("/")
        raise GanToolsError(f"{name}: {error.message}" if slash else error.message, error.hint) from None


def next_folder(task: str) -> Path:
    """Make sweeps/TASK/N with the next free number, which no other process can then have."""
    folder = Path("sweeps", task)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            with suppress(FileExistsError):
                (folder / str(number)).mkdir()
                return folder / str(number)
    except OSError as error:
        raise GanToolsError(f"cannot write {folder}: {error.strerror}", "give a folder you can write to: -o") from None
    raise AssertionError("numbers do not end")
