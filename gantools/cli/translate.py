"""`gantools translate PATH…`: its flags are those of every installed task's Options."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gantools.cli.console import put, say, steps_bar, tell
from gantools.cli.options import extra, make_command, model_options
from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.registry import load_object

if TYPE_CHECKING:
    from PIL import Image

    from gantools.data.decode import Background
    from gantools.inference.files import Job
    from gantools.inference.pipeline import Result

_SHEET_SIDE = 512
Statistics = Literal["auto", "exact", "reduced"]
_HELP = "Translate pictures and videos. Size, format and transparency are kept; nothing is overwritten."


def command() -> Any:
    """Build the command; options that several tasks share appear once."""
    paths = typer.Argument(help="pictures, videos, folders or quoted patterns", show_default=False)
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
        extra(
            "engine", Literal["torch", "onnx"], help="what runs the networks \\[default: torch; onnx for .onnx files]"
        ),
        extra("seed", int, help="seed, for tasks that draw noise \\[default: 0]"),
        extra("tile", str, help="auto: pictures too large for the memory in tiles; N: in tiles of N pixels a side"),
        extra(
            "tile_statistics",
            Statistics,
            help="of norms in tiles: the picture's, or a smaller copy's \\[default: reduced above 16 MP]",
        ),
        extra("max_pixels", int, help="pixels that a picture may have \\[default: 500 million]"),
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
    engine: str | None = None,
    seed: int = 0,
    tile: str = "auto",
    tile_statistics: Statistics = "auto",
    max_pixels: int | None = None,
    **options: Any,
) -> None:
    """Translate what ``paths`` name; exit with 3 if some could not be."""
    from gantools.data.decode import MAX_PIXELS
    from gantools.inference.files import plan
    from gantools.weights.find import default_weights, find_weights

    side = _tile_side(tile)
    plan(paths, out, force=True)  # before torch is imported: are the pictures there?
    found = find_weights(weights) if weights else default_weights("translate", options)
    if not weights:
        tell(f"using {found.name} ({found.header.task}, step {found.header.step:,}); choose others with --weights")
    from gantools.api import load_found
    from gantools.inference.large import Tiling
    from gantools.inference.pipeline import translate_files

    model = load_found(found, device, engine)
    jobs = plan(paths, out, force, list(model.variants(options)))
    failures: dict[Path, Result] = {}
    strange: dict[Path, Result] = {}
    done: list[Job] = []
    with steps_bar() as report:
        model.tiling = Tiling(side, tile_statistics, report)
        results = translate_files(model, jobs, seed, max_pixels or MAX_PIXELS, **options)
        for number, result in enumerate(results, start=1):
            report("translating", number, len(jobs))
            if result.error is None:
                put(str(result.job.target))
                done.append(result.job)
            else:
                failures.setdefault(result.job.source, result)
            if result.remark is not None:
                strange.setdefault(result.job.source, result)
    for result in failures.values():
        say(f"left out: {result.error}")
    if strange:
        first = next(iter(strange.values()))
        count = f"{len(strange)} pictures, such as {first.job.source}," if len(strange) > 1 else str(first.job.source)
        verb = "look" if len(strange) > 1 else "looks"
        say(f"note: {count} {verb} unlike what {found.name} was trained on: {first.remark} than any of it")
    for several in by_source(done):
        if several[0].sheet:
            draw_variants(several, several[0].sheet, model.background)
            put(str(several[0].sheet))
    tell(_summary(jobs, done, len(failures), out))
    if failures:
        raise typer.Exit(3 if done else 1)


def _tile_side(tile: str) -> int | None:
    """Read --tile: a side in pixels, or None for auto."""
    if tile == "auto":
        return None
    if not tile.isdecimal() or int(tile) < 1:
        raise GanToolsError(f"--tile {tile} is no size", "give auto, or the side of the tiles in pixels, such as 512")
    return int(tile)


def by_source(jobs: Sequence[Job]) -> list[list[Job]]:
    """Gather the jobs of each picture."""
    groups: dict[Path, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.source, []).append(job)
    return list(groups.values())


def _summary(jobs: Sequence[Job], done: Sequence[Job], failed: int, out: Path) -> str:
    pictures = len(by_source(jobs))
    kinds = len({job.variant for job in jobs})
    each = f", {kinds} times each," if kinds > 1 else ""
    return f"translated {pictures - failed} of {pictures} pictures{each}" + (
        f" into {_place(jobs, out)}" if done else ""
    )


def draw_variants(jobs: Sequence[Job], path: Path, background: Background) -> None:
    """Put a picture beside its translations, source first, each at most 512 pixels wide and high."""
    from gantools.data.decode import open_image, to_rgb
    from gantools.training.sheets import draw_pictures

    def shown(place: Path) -> list[Image.Image]:
        picture = to_rgb(open_image(place), background)
        picture.thumbnail((_SHEET_SIDE, _SHEET_SIDE))
        return [picture]

    draw_pictures({"source": shown(jobs[0].source)} | {job.variant: shown(job.target) for job in jobs}, path)


def _place(jobs: Sequence[Job], out: Path) -> Path:
    if len(jobs) == 1:
        return jobs[0].target
    return jobs[0].target.parent if jobs[0].sheet and not out.is_dir() else out
