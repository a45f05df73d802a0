"""`gantools evaluate WEIGHTS`: figures on pictures of one's own, beside those of the untouched sources."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantools.cli import completion
from gantools.cli.console import put, put_json, put_table, say, steps_bar, tell
from gantools.cli.options import extra, make_command, model_options
from gantools.config import Settings, flag, repeatable
from gantools.errors import GanToolsError
from gantools.metrics.signs import signs
from gantools.plugins import manager
from gantools.registry import load_object

if TYPE_CHECKING:
    from rich.table import Table

    from gantools.data.comparison import Picture
    from gantools.inference.evaluation import Row
    from gantools.inference.model import Model
    from gantools.metrics import Value

_HELP = (
    "Measure how good weights are on pictures they were not trained on: data are named as for `gantools train`. "
    "`--metrics list` lists the metrics."
)
_DATA = ("a", "b", "data", "attributes", "select", "labels", "direction")


def command() -> Any:
    """Build the command: its data flags are those of all tasks."""
    weights = typer.Argument(
        help="weights file, run folder or name", show_default=False, autocompletion=completion.weights
    )
    parameters = {
        "weights": inspect.Parameter(
            "weights", inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[str | None, weights], default=None
        )
    }
    for parameter in _data_flags():
        parameters.setdefault(parameter.name, parameter)
    for parameter in (
        extra("metrics", list[str], help="NAME,NAME,… or list \\[default: all that apply]"),
        extra("features", str, help="lite0 (offline), or inception as published figures have it \\[default: lite0]"),
        extra("samples", int, names=["-n", "--samples"], help="pictures painted of each caption \\[default: 1]"),
        extra("training", Path, help="folder that was trained on: are the pictures copies of it?"),
        extra("seed", int, help="seed of noise \\[default: 0]"),
        extra("device", str, help="auto, cpu, cuda, cuda:N or mps"),
        extra("as_json", bool, names=["--json"], help="print the figures as JSON"),
        extra(
            "out",
            Path,
            names=["-o", "--out"],
            help="folder for the results \\[default: evaluation, in the run]",
        ),
    ):
        parameters[parameter.name] = parameter
    return make_command("evaluate", _HELP, list(parameters.values()), evaluate)


def _data_flags() -> list[inspect.Parameter]:
    """Return the data flags of all tasks; of one name the most general counts, as --data may be given several times."""
    found: dict[str, inspect.Parameter] = {}
    for info in manager().tasks:
        try:
            config = load_object(info.config)
            options = model_options(config)
        except Exception as error:  # whatever a foreign module does at import
            say(f"warning: the settings of task `{info.name}` cannot be loaded: {type(error).__name__}: {error}")
            continue
        for parameter in options:
            name = parameter.name
            if name in _DATA and (name not in found or repeatable(config, name)):
                found[name] = parameter
    return list(found.values())


def evaluate(
    weights: str | None = None,
    metrics: Sequence[str] = (),
    features: str = "lite0",
    samples: int = 1,
    training: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    as_json: bool = False,
    out: Path | None = None,
    **data: Any,
) -> None:
    """Evaluate, print a table or JSON, and keep both below ``out``."""
    names = [name.strip() for text in metrics for name in text.split(",") if name.strip()]
    if names == ["list"]:
        for entry in manager().metrics:
            put(f"{entry.name:12}{entry.summary}")
        return
    from gantools.api import load
    from gantools.inference.evaluation import asked, comparisons_for, pick_metrics, save_rows
    from gantools.inference.evaluation import evaluate as measure

    pick_metrics(names)  # a mistake in a name shows before any work
    model = load(weights, device)
    if weights is None:
        tell(f"evaluating {model.path} ({model.header.task}, step {model.header.step:,}); name others to choose")
    place = out or _place(model.path)
    comparisons = comparisons_for(model.info, model.task.config, _given(model, data) or _training_data(model))
    with steps_bar() as report:
        rows = measure(model, comparisons, place, names, features, samples, seed, _below(training), report)
    given = asked(names, features, samples, seed, training is not None)
    figures = save_rows(model, rows, place / "metrics.json", given)
    if as_json:
        put_json(figures)
    else:
        for row in rows:
            put_table(_table(row))
    for row in rows:
        for message in signs({name: value.value for name, value in row.made.items()}).values():
            say(f"warning: {row.title}: {message}")
    if not any(row.made for row in rows):
        raise GanToolsError("no figure came out of it", "the warnings say why")
    if not as_json:
        tell(f"pictures and figures are in {place}: look at them, a figure is not a picture")


def _place(weights: Path) -> Path:
    """Return where the results go: into the run that the weights are of, or into a folder named after them."""
    in_run = weights.name == "weights.safetensors" and (weights.parent / "config.yaml").is_file()
    return weights.parent / "evaluation" if in_run else Path("evaluation", weights.stem)


def _below(folder: Path | None) -> list[Picture]:
    """Return the pictures below a folder."""
    from gantools.data.comparison import Picture
    from gantools.data.folders import list_images

    return [Picture(path.stem, path) for path in list_images(folder, "name a folder of pictures")] if folder else []


def _given(model: Model, data: Settings) -> Settings:
    """Return the data flags as the weights' task has them: what can be repeated for others may be a single value."""
    config, given = type(model.task.config), dict(data)
    for name, value in data.items():
        if isinstance(value, list | tuple) and name in config.model_fields and not repeatable(config, name):
            if len(value) > 1:
                raise GanToolsError(f"{flag(name)} is given {len(value)} times", f"{model.info.name} takes one")
            given[name] = value[0]
    return given


def _training_data(model: Model) -> Settings:
    """Return the data of the run that weights lie in, with a warning; GanToolsError if they lie in none."""
    from gantools.config import read_yaml

    folders = "--a DIR --b DIR" if "a" in type(model.task.config).model_fields else "--data DIR"
    file = model.path.parent / "config.yaml"
    if not file.is_file():
        raise GanToolsError(
            "on which pictures? these weights do not lie in a run folder",
            f"name the data as for `gantools train`: {folders}",
        )
    say(f"warning: on the pictures it was trained on, which flatters; give others, such as {folders}")
    return {name: value for name, value in read_yaml(file).items() if name in _DATA and value is not None}


def _table(row: Row) -> Table:
    """Return one comparison as a table, a line for each metric, the untouched sources beside."""
    from rich.table import Table

    beside, chances = bool(row.untranslated), any(value.chance is not None for value in row.made.values())
    columns = ["made", ""] + ["untranslated", ""] * beside + ["chance"] * chances + ["n"]
    table = Table(row.title, *columns, "good is", box=None, header_style="bold", pad_edge=False)
    for column in table.columns[1:-1]:
        column.justify = "right" if column.header else "left"
    for key, value in row.made.items():
        metric = _metric_of(key)
        cells = [*_cells(value, metric.decimals)]
        if beside:
            cells += _cells(row.untranslated.get(key), metric.decimals)
        if chances:
            cells.append("" if value.chance is None else f"{value.chance:.{metric.decimals}f}")
        table.add_row(key, *cells, f"{value.n:,}", metric.better or "")
    return table


def _cells(value: Value | None, decimals: int) -> tuple[str, str]:
    """Return a figure and its standard error as text."""
    if value is None:
        return "", ""
    return f"{value.value:.{decimals}f}", "" if value.std_error is None else f"± {value.std_error:.{decimals}f}"


def _metric_of(key: str) -> Any:
    """Return the metric that a figure's key is of."""
    registry = manager().metrics
    name = key if key in registry.names() else key.rpartition("_")[0]
    return registry.get(name).load()
