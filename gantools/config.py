"""The configuration of a run: one typed model is the source of flags, YAML, help and weights metadata.

Precedence, weakest first: the fields' defaults, the device's (``Config.for_device``), the ``--preset``, the objective's
recipe, the ``--config`` file, what was asked for explicitly (flags, keyword arguments).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from reprlib import Repr
from typing import Any, ClassVar, Literal, Self, TypeVar, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gantools.errors import INDENT, GanToolsError
from gantools.registry import suggestion

Settings = dict[str, Any]


def option(default: Any, text: str, panel: str, **constraints: Any) -> Any:
    """Declare a field that is also a flag: its default, its help line, and the help panel it stands in."""
    return Field(default, description=text, json_schema_extra={"panel": panel}, validate_default=True, **constraints)


class Options(BaseModel):
    """Inference settings of a task, given to ``translate`` as flags or keyword arguments."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RunConfig(BaseModel):
    """Settings that every task shares. A task's Config derives from this one and from its kind of data.

    ``None`` means "not limited" or "not asked for".
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    presets: ClassVar[dict[str, Settings]] = {}
    needs_critic: ClassVar[bool] = True  # whether --n-critic has to be 1 at least

    preset: str | None = option(None, "a named set of settings, such as `paper`", "Training")
    init: str | Path | None = option(
        None, "weights to begin with: a file, run folder or name; their networks' settings come with them", "Training"
    )
    steps: int | None = option(None, "generator updates to make", "Training", ge=1)
    epochs: float | None = option(None, "passes over the larger folder, instead of --steps", "Training", gt=0)
    minutes: float | None = option(None, "time to train for, instead of --steps", "Training", gt=0)
    batch_size: int = option(4, "pictures per step", "Training", ge=1, le=100000)
    accumulate: int = option(1, "passes a batch is split into, to save memory", "Training", ge=1, le=100000)
    n_critic: int = option(1, "discriminator updates per step", "Training", ge=0, le=1000)
    warm_up: int = option(
        0,
        "first steps, of those of --steps, in which only the discriminators learn: for --init weights that bring none",
        "Training",
        ge=0,
    )
    lr_g: float = option(2e-4, "learning rate of the generators", "Training", gt=0)
    lr_d: float = option(2e-4, "learning rate of the discriminators", "Training", gt=0)
    betas: tuple[float, float] = option((0.5, 0.999), "Adam's two betas", "Training")
    optimizer: Literal["adam", "adamw", "rmsprop", "sgd"] = option("adam", "optimizer of both players", "Training")
    decay_from: float = option(
        0.5, "share of the run after which the learning rates fall linearly to 0; 1 for never", "Training", ge=0, le=1
    )
    ema: float = option(0.999, "decay of the averaged generator that is saved; 0 for none", "Training", ge=0, lt=1)
    on_nan: Literal["stop", "rollback"] = option(
        "stop",
        "where a loss is not finite: stop, or go on from the last checkpoint, once, at a tenth of the learning rates",
        "Training",
    )
    augment: str = option(
        "", "DiffAugment in front of the critic: any of color,translation,cutout (for small data)", "Training"
    )
    seed: int = option(0, "seed of everything random", "Training", ge=0)

    objective: str = option(
        "lsgan", "adversarial loss or recipe, NAME[:key=value,…]; see `gantools objectives`", "Objective"
    )
    penalty: list[str] = option([], "term to add to a loss, NAME[:key=value,…]; repeatable", "Objective")
    constraint: list[str] = option([], "change to the critic, NAME[:key=value,…]; repeatable", "Objective")
    spectral_norm: bool = option(False, "short for --constraint spectral-norm", "Objective")

    eval_every: int | None = option(
        None, "steps between evaluations on --eval-data [default: none]", "Evaluation", ge=1
    )
    eval_data: list[Path] = option(
        [],
        "pictures to evaluate on, not trained on: folders as --data takes them, or two as --a and --b",
        "Evaluation",
    )
    eval_metrics: str = option("kid,diversity,nearest", "metrics to log, NAME,NAME,…", "Evaluation")
    best_metric: str = option("kid", "metric that says which weights are kept as weights-best", "Evaluation")

    device: str = option("auto", "auto, cpu, cuda, cuda:N or mps", "Machine")
    devices: int = option(
        1, "processes that share each batch: one a GPU, or so many on the CPU", "Machine", ge=1, le=4096
    )
    precision: Literal["auto", "32", "bf16", "16"] = option("auto", "arithmetic of the networks", "Machine")
    compile: bool = option(
        False,
        "compile the generators: a start of minutes, then shorter steps on a GPU; nothing is won on a CPU",
        "Machine",
    )
    threads: int | None = option(None, "CPU threads of a process [default: all cores]", "Machine", ge=1, le=1024)
    workers: int | None = option(
        None, "processes that decode pictures [default: none while they fit into memory]", "Machine", ge=0, le=256
    )

    out: Path | None = option(None, "run folder [default: runs/TASK/N]", "Output")
    sample_every: int | None = option(
        None, "steps between sample sheets [default: a 20th of the run, 50 to 1000; 200 with --minutes]", "Output", ge=1
    )
    checkpoint_every: int = option(500, "steps between checkpoints", "Output", ge=1)
    tensorboard: bool = option(False, "write RUN/tensorboard for TensorBoard too (extra: tensorboard)", "Output")
    keep: int = option(2, "checkpoints to keep, the newest ones", "Output", ge=1)
    log_every: int | None = option(
        None, "steps between log lines [default: a 100th of the run, 1 to 50; 10 with --minutes]", "Output", ge=1
    )

    @classmethod
    def for_device(cls, device: str) -> Settings:
        """Return the defaults that suit a device type: "cpu", "cuda" or "mps"."""
        return {}

    @classmethod
    def complete(cls, settings: Settings) -> Settings:
        """Return the settings with what only the data can say filled in, once, when a run is set up."""
        return settings

    @classmethod
    def begun_with(cls, settings: Settings) -> Settings:
        """Return which settings of weights hold for a run that begins with them; a task may change some."""
        return settings

    @classmethod
    def for_recipe(cls, name: str) -> Settings:
        """Return the task's own settings in place of those of an objective's recipe, made for other networks."""
        return {}

    @field_validator("init")
    @classmethod
    def _place(cls, value: str | Path | None) -> Path | None:
        return None if value is None else Path(value)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        given = [name for name in ("steps", "epochs", "minutes") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join('--' + name for name in given)} exclude each other; give one")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"--betas {self.betas[0]:g} {self.betas[1]:g} do not lie in [0, 1)")
        if self.steps is not None and self.warm_up > self.steps:
            raise ValueError(f"--warm-up {self.warm_up} is longer than the run, of --steps {self.steps}")
        if self.eval_every is not None and not self.eval_data:
            raise ValueError(
                "--eval-every needs pictures to evaluate on: give --eval-data DIR once, or twice for A and B"
            )
        if self.needs_critic and not self.n_critic:
            raise ValueError("--n-critic 0: here the generators learn from their discriminators; give 1 or more")
        if self.warm_up and not self.n_critic:
            raise ValueError("--warm-up has no meaning with --n-critic 0: no discriminator learns")
        parts = {"--accumulate": self.accumulate, "--devices": self.devices}
        if self.batch_size % (self.accumulate * self.devices):
            several = " × ".join(f"{name} {number}" for name, number in parts.items() if number > 1)
            raise ValueError(f"--batch-size {self.batch_size} is not a multiple of {several}")
        return self

    def check(self) -> None:
        """Raise GanToolsError for what no training may have, though weights that come of one say it."""

    @property
    def batches(self) -> int:
        """Batches of a step: one for each update of the discriminators, the last of them for the generators too."""
        return max(1, self.n_critic)

    @property
    def pass_size(self) -> int:
        """Pictures of one pass of one process."""
        return self.batch_size // (self.accumulate * self.devices)

    @property
    def constraints(self) -> list[str]:
        """All constraints asked for, the short flag included."""
        return [*self.constraint, *(["spectral-norm"] if self.spectral_norm else [])]


_LENGTHS = ("steps", "epochs", "minutes")


def merge(*layers: Settings) -> Settings:
    """Lay settings over each other, the last strongest; a run length replaces another kind of run length.

    A run length of None, as a config.yaml has it, says nothing: every run has a length.
    """
    merged: Settings = {}
    for layer in layers:
        lengths = {name: layer[name] for name in _LENGTHS if layer.get(name) is not None}
        if lengths:
            merged = {name: value for name, value in merged.items() if name not in _LENGTHS}
        merged |= {name: value for name, value in layer.items() if name not in _LENGTHS} | lengths
    return merged


def preset_settings(config: type[RunConfig], name: Any) -> Settings:
    """Return the settings of a task's preset; an unknown one raises GanToolsError."""
    if name is None:
        return {}
    if name not in config.presets:
        raise GanToolsError(f"unknown preset `{name}`", suggestion(name, list(config.presets)))
    return config.presets[name]


def read_yaml(path: Path) -> Settings:
    """Read a settings file: a YAML mapping of option names (with _ or -) to values."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise GanToolsError(f"cannot read {path}: {error.strerror}", "give the path of a YAML file") from error
    except Exception as error:  # PyYAML raises nearly anything: at a 32nd of May, or `!!int ""`
        raise GanToolsError(
            f"{path} is not valid YAML: {' '.join(str(error).split())}", "write one `option: value` a line"
        ) from error
    if not isinstance(content, dict):
        raise GanToolsError(f"{path} does not hold settings", "write one `option: value` a line")
    return {str(name).replace("-", "_"): value for name, value in content.items()}


def write_yaml(settings: Settings, path: Path) -> None:
    """Write settings so that `--config` and `resume` can read them back."""
    import yaml

    path.write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")


def repeatable(model: type[BaseModel], name: str) -> bool:
    """Say whether a setting holds a list, so that its flag may be given several times."""
    return get_origin(model.model_fields[name].annotation) is list


_SHORT = Repr()  # a few lines of YAML can stand for billions of values
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


def check_words(settings: Settings, names: Iterable[str]) -> None:
    """Raise GanToolsError if one of these settings, which are looked at before all others, is no text."""
    for name in names:
        value = settings.get(name)
        if not isinstance(value, str | Path | None):
            raise GanToolsError(f"{flag(name)}: input should be text (got {_SHORT.repr(value)})", "put it in quotes")


M = TypeVar("M", bound=BaseModel)


def validate(model: type[M], settings: Settings) -> M:
    """Build ``model`` from settings; all problems are reported at once, as one GanToolsError."""
    unknown = [name for name in settings if name not in model.model_fields]
    if unknown:
        hints = [f"{flag(name)}: {suggestion(name, list(model.model_fields))}" for name in unknown]
        raise GanToolsError(f"unknown option {', '.join(flag(name) for name in unknown)}", "; ".join(hints))
    try:
        return model(**settings)
    except ValidationError as error:
        raise GanToolsError(_in_words(error), "see the command's --help for what each option takes") from None


def flag(name: str) -> str:
    """Return the command-line spelling of an option's name."""
    return "--" + name.rstrip("_").replace("_", "-")


def _in_words(error: ValidationError) -> str:
    problems = []
    for detail in error.errors():
        reason = detail["msg"].removeprefix("Value error, ")
        reason = reason[0].lower() + reason[1:] if reason[:1].isupper() else reason
        place = flag(str(detail["loc"][0])) if detail["loc"] else ""
        given = f" (got {_SHORT.repr(detail['input'])})" if detail["loc"] else ""
        problems.append(f"{place}: {reason}{given}" if place else reason)
    return f"\n{INDENT}".join(problems)
