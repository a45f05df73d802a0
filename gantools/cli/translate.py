"""`gantools translate PATH…`: its flags are those of every installed task's Options."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantools.cli.console import put, say, talk
from gantools.cli.options import extra, make_command, model_options
from gantools.plugins import manager
from gantools.registry import load_object

if TYPE_CHECKING:
    from gantools.inference.files import Job

_HELP = "Translate pictures with trained weights. Size, format and transparency are kept; nothing is overwritten."


def command() -> Any:
    """Build the command; options that several tasks share appear once."""
    paths = typer.Argument(help="pictures, folders or quoted patterns", show_default=False)
    parameters = {
        "paths": inspect.Parameter("paths", inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[list[str], paths])
    }
    for parameter in _task_options():
        known = parameters.setdefault(parameter.name, parameter)
        if str(known.annotation) != str(parameter.annotation):  # the task that the weights are of will check it
            parameters[parameter.name] = extra(parameter.name, str, help="as the weights' task takes it")
    for parameter in (
        extra("weights", str, help="weights file, run folder or name; default: your newest finished run"),
        extra(
            "out",
            Path,
            names=["-o", "--out"],
            help="folder for the results, or a file name for one \\[default: translated]",
        ),
        extra("force", bool, names=["--force"], help="replace existing results"),
        extra("device", str, help="auto, cpu, cuda, cuda:N or mps"),
        extra("seed", int, help="seed, for tasks that draw noise \\[default: 0]"),
        extra("quiet", bool, names=["--quiet", "-q"], help="print warnings and errors only"),
    ):
        parameters[parameter.name] = parameter
    return make_command("translate", _HELP, list(parameters.values()), translate)


def _task_options() -> Iterator[inspect.Parameter]:
    """Yield the inference options of every task; a task whose options cannot be had is warned of."""
    for info in manager().tasks:
        if "translate" in info.capabilities:
            try:
                yield from model_options(load_object(info.options))
            except Exception as error:  # whatever a foreign module does at import
                say(f"warning: the options of task `{info.name}` cannot be loaded: {type(error).__name__}: {error}")


def translate(
    paths: list[str],
    weights: str | None = None,
    out: Path = Path("translated"),
    force: bool = False,
    device: str = "auto",
    seed: int = 0,
    quiet: bool = False,
    **options: Any,
) -> None:
    """Translate what ``paths`` name; exit with 3 if some could not be."""
    from gantools.inference.files import plan, translate_files
    from gantools.weights.find import default_weights, find_weights

    plan(paths, out, force=True)  # before torch is imported: are the pictures there?
    found = find_weights(weights) if weights else default_weights("translate", options)
    if not weights and not quiet:
        say(f"using {found.name} ({found.header.task}, step {found.header.step:,}); choose others with --weights")
    from gantools.inference.model import load_model

    model = load_model(found, device)
    jobs = plan(paths, out, force, list(model.variants(options)))
    failures, strange = [], []
    for result in _with_bar(translate_files(model, jobs, seed, **options), len(jobs), quiet):
        if result.error is None:
            put(str(result.job.target))
        else:
            failures.append(result)
        if result.remark is not None:
            strange.append(result)
    for result in failures:
        say(f"left out: {result.error}")
    if strange:
        first = strange[0]
        count = f"{len(strange)} pictures, such as {first.job.source}," if len(strange) > 1 else str(first.job.source)
        verb = "look" if len(strange) > 1 else "looks"
        say(f"note: {count} {verb} unlike what {found.name} was trained on: {first.remark} than any of it")
    sheets = [draw_variants(jobs_of) for jobs_of in _by_source(jobs) if len(jobs_of) > 1]
    for sheet in filter(None, sheets):
        put(str(sheet))
    if not quiet:
        done = len(jobs) - len(failures)
        say(f"translated {done} of {len(jobs)} pictures" + (f" into {_place(jobs, out)}" if done else ""))
    if failures:
        raise typer.Exit(1 if len(failures) == len(jobs) else 3)


def _by_source(jobs: Sequence[Job]) -> list[list[Job]]:
    groups: dict[Path, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.source, []).append(job)
    return list(groups.values())


def draw_variants(jobs: Sequence[Job]) -> Path | None:
    """Put a picture beside its translations, source first, and return the sheet's path; None if they all failed."""
    from gantools.data.decode import open_image
    from gantools.training.sheets import draw_pictures

    done = [job for job in jobs if job.target.exists()]
    if not done:
        return None
    path = done[0].target
    path = path.with_name(f"{path.stem.removesuffix('-' + done[0].variant)}-sheet.png")
    source = {"source": [open_image(jobs[0].source)]}
    draw_pictures(source | {job.variant: [open_image(job.target)] for job in done}, path)
    return path


def _place(jobs: Sequence[Job], out: Path) -> Path:
    return jobs[0].target if len(jobs) == 1 else out


def _with_bar(results: Iterable[Any], total: int, quiet: bool) -> Iterable[Any]:
    from rich.progress import track

    if quiet or total < 2 or not talk.is_terminal:
        return results
    return track(results, "translating", total, console=talk, transient=True)
