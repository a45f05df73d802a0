"""`gantools generate PROMPT…`: pictures from words."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantools.cli.console import put, tell, with_bar
from gantools.cli.options import extra, make_command, model_options
from gantools.errors import GanToolsError
from gantools.plugins import manager
from gantools.registry import load_object

if TYPE_CHECKING:
    from PIL import Image

    from gantools.inference.model import Model

_HELP = 'Generate pictures from words, such as "a red bird". The same seed and prompt give the same picture.'


def command() -> Any:
    """Build the command; its flags are those of every installed generating task's Options, and our own."""
    words = typer.Argument(help='what to paint: "a red bird"; several prompts are allowed', show_default=False)
    parameters = {
        "prompts": inspect.Parameter(
            "prompts", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[list[str] | None, words]
        )
    }
    for info in manager().tasks:
        if "generate" in info.capabilities:
            for parameter in model_options(load_object(info.options)):
                parameters.setdefault(parameter.name, parameter)
    for parameter in (
        extra("count", int, names=["-n", "--count"], help="pictures of each prompt \\[default: 1]", min=1),
        extra("seed", int, help="seed of the noise \\[default: 0]"),
        extra("prompts_file", str, names=["--prompts"], help="file of prompts, one a line; - for standard input"),
        extra("interpolate", bool, names=["--interpolate"], help="paint the way between two prompts, as a strip"),
        extra("frames", int, help="pictures on that way \\[default: 9]", min=2),
        extra("gif", bool, names=["--gif"], help="make the way a moving GIF instead of a strip"),
        extra("grid", bool, names=["--grid"], help="put all pictures on one sheet too"),
        extra("weights", str, help="weights file, run folder or name; default: your newest finished run"),
        extra("out", Path, names=["-o", "--out"], help="folder for the pictures \\[default: generated]"),
        extra("force", bool, names=["--force"], help="replace existing pictures"),
        extra("device", str, help="auto, cpu, cuda, cuda:N or mps"),
    ):
        parameters[parameter.name] = parameter
    return make_command("generate", _HELP, list(parameters.values()), generate)


def generate(
    prompts: Sequence[str] = (),
    count: int = 1,
    seed: int = 0,
    prompts_file: str | None = None,
    interpolate: bool = False,
    frames: int = 9,
    gif: bool = False,
    grid: bool = False,
    weights: str | None = None,
    out: Path = Path("generated"),
    force: bool = False,
    device: str = "auto",
    **options: Any,
) -> None:
    """Paint what ``prompts``, and the lines of a file, say."""
    asked = [*prompts, *_read_prompts(prompts_file)]
    if not asked:
        raise GanToolsError("no prompt", 'say what to paint: gantools generate "a red bird"')
    if out.exists() and not out.is_dir():
        raise GanToolsError(f"{out} is a file, not a folder", "give another folder with --out")
    model = _load(weights, device, options)
    if interpolate:
        _paint_way(model, asked, frames, gif, seed, out, force, options)
    else:
        _paint_each(model, asked, count, grid, seed, out, force, options)


def _paint_each(
    model: Model,
    prompts: Sequence[str],
    count: int,
    grid: bool,
    seed: int,
    out: Path,
    force: bool,
    options: dict[str, Any],
) -> None:
    from gantools.inference.generation import file_names, paint, save_png, wishes_for
    from gantools.training.sheets import draw_pictures

    wishes = wishes_for(prompts, count)
    places = [out / name for name in file_names(wishes)]
    sheet = out / "grid.png"
    _check_free([*places, *([sheet] if grid else [])], force)
    columns: dict[str, list[Image.Image]] = {}
    for wish, place, picture in zip(
        wishes, places, with_bar(paint(model, wishes, seed, **options), "painting", len(wishes)), strict=True
    ):
        said = _origin(model, seed) | {"prompt": wish.prompt, "number": str(wish.index + 1)}
        save_png(picture, place, said)
        columns.setdefault(wish.prompt, []).append(picture)
        put(str(place))
    if grid:
        draw_pictures(columns, sheet, repeat=False)
        put(str(sheet))
    pictures = "1 picture" if len(wishes) == 1 else f"{len(wishes)} pictures"
    tell(f"painted {pictures} into {out}; others of the same words: --seed {seed + 1}")


def _paint_way(
    model: Model,
    prompts: Sequence[str],
    frames: int,
    gif: bool,
    seed: int,
    out: Path,
    force: bool,
    options: dict[str, Any],
) -> None:
    from gantools.inference.generation import Wish, file_names, paint_between, save_png
    from gantools.storage import write_atomically
    from gantools.training.sheets import join

    if len(prompts) != 2:
        raise GanToolsError(
            f"--interpolate goes between two prompts, and there are {len(prompts)}",
            'give two: gantools generate --interpolate "a red bird" "a blue fish"',
        )
    name = file_names([Wish(" to ".join(prompts))])[0]
    place = (out / name).with_suffix(".gif" if gif else ".png")
    _check_free([place], force)
    pictures = list(paint_between(model, prompts[0], prompts[1], frames, seed, **options))
    if gif:
        there_and_back = [*pictures, *pictures[-2:0:-1]]
        first, rest = there_and_back[0], there_and_back[1:]
        write_atomically(
            place, lambda path: first.save(path, "GIF", save_all=True, append_images=rest, duration=120, loop=0)
        )
    else:
        save_png(join(pictures), place, _origin(model, seed) | {"prompt": " to ".join(prompts)})
    put(str(place))
    tell(f"painted {frames} pictures on the way into {place}; another way: --seed {seed + 1}")


def _load(weights: str | None, device: str, options: dict[str, Any]) -> Model:
    from gantools.weights.find import default_weights, find_weights

    found = find_weights(weights) if weights else default_weights("generate", options)
    if not weights:
        tell(f"using {found.name} ({found.header.task}, step {found.header.step:,}); choose others with --weights")
    if "generate" not in _capabilities(found.header.task):
        raise GanToolsError(
            f"{found.name} is for the task {found.header.task}, which does not generate from words",
            "`gantools weights list` shows what other weights there are",
        )
    from gantools.inference.model import load_model

    return load_model(found, device)


def _capabilities(task: str) -> frozenset[str]:
    return manager().tasks.get(task).capabilities if task in manager().tasks.names() else frozenset({"generate"})


def _read_prompts(source: str | None) -> list[str]:
    """Return the lines of a file, or of standard input, that are not empty."""
    if source is None:
        return []
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GanToolsError(f"cannot read {source}: {error}", "give a text file with a prompt a line") from None
    return [line for line in text.splitlines() if line.strip()]


def _check_free(places: Sequence[Path], force: bool) -> None:
    for place in places:
        if place.exists() and not force:
            raise GanToolsError(f"{place} exists", "add --force to replace it, or give another --out")


def _origin(model: Model, seed: int) -> dict[str, str]:
    return {"software": "gantools", "seed": str(seed), "weights": model.sha256}
