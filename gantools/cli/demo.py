"""`gantools demo`: the main job on the shipped examples, into a folder to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gantools.cli.console import hushed, put, talk, tell
from gantools.cli.train import finish
from gantools.cli.translate import by_source
from gantools.errors import GanToolsError
from gantools.plugins import manager

if TYPE_CHECKING:
    from gantools.api import TrainedRun

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_SHOWN = 4


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="folder for everything the demo makes")] = Path("demo"),
    minutes: Annotated[float, typer.Option(help="time to train for", min=0.05)] = 2.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps")] = "auto",
) -> None:
    """Translate and paint with the shipped weights, and train a small CycleGAN, in under five minutes."""
    from gantools.weights.places import examples_folder, shipped_index

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise GanToolsError(f"{out} is not empty", "give another folder with --out")
    examples = examples_folder()
    for name, entry in shipped_index().get("weights", {}).items():
        if "translate" in manager().tasks.get(entry["task"]).capabilities:
            _translate(name, examples / entry["demo"], out / name, device)
        else:
            _generate(name, entry["demo"].split(";"), out / name, device)
    trained = _train(examples, out / "cyclegan", minutes, device)
    if trained.outcome == "interrupted":
        finish(trained)
    sheet = max((trained.folder / "samples").glob("*.png"))
    put(str(sheet))
    tell("")
    tell(f"look at:   {out}/*/before-and-after.png, {out}/*/painted.png, and {sheet}")
    tell(f"train on:  gantools resume {out / 'cyclegan'} --steps 1000")
    tell("your own:  gantools train cyclegan --a DIR --b DIR")


def _translate(name: str, pictures: Path, out: Path, device: str) -> None:
    """Translate a folder with shipped weights, and put some pictures beside what became of them."""
    from gantools.api import load
    from gantools.data.decode import open_image
    from gantools.inference.files import plan
    from gantools.inference.pipeline import translate_files
    from gantools.training.sheets import draw_pictures

    model = load(name, device)
    options: dict[str, Any] = {"to": "all"} if model.header.domains else {}
    jobs = plan([str(pictures)], out, force=False, variants=list(model.variants(options)))
    failed = [result.error for result in translate_files(model, jobs, **options) if result.error]
    if failed:
        raise GanToolsError(f"the demo could not translate its pictures: {failed[0]}", "install gantools again")
    made = by_source(jobs)
    shown = made[:: max(1, len(made) // _SHOWN)][:_SHOWN]
    before, after = ("source", "") if options else model.header.data["domains"]
    columns = {before: [open_image(row[0].source) for row in shown]}
    for column in zip(*shown, strict=True):
        columns[column[0].variant or after] = [open_image(job.target) for job in column]
    draw_pictures(columns, out / "before-and-after.png")
    put(str(out / "before-and-after.png"))
    tell(f"translated {len(made)} pictures that {name} has never seen, into {out}")


def _generate(name: str, prompts: Sequence[str], out: Path, device: str) -> None:
    """Paint some prompts with shipped weights, and put them beside each other."""
    from gantools.api import load
    from gantools.inference.generation import file_names, paint, wishes_for
    from gantools.training.sheets import draw_pictures

    wishes = wishes_for(prompts, 1)
    pictures = list(paint(load(name, device), wishes))
    out.mkdir(parents=True)
    for place, picture in zip(file_names(wishes), pictures, strict=True):
        picture.save(out / place)
    draw_pictures({prompt: [picture] for prompt, picture in zip(prompts, pictures, strict=True)}, out / "painted.png")
    put(str(out / "painted.png"))
    tell(f"painted {len(prompts)} pictures from words with {name}, into {out}")


def _train(examples: Path, out: Path, minutes: float, device: str) -> TrainedRun:
    """Train a small CycleGAN between two styles of emoji."""
    from gantools.api import fit
    from gantools.training.display import pick_display
    from gantools.training.run import new_run, resolve

    settings = {"a": examples / "noto", "b": examples / "fluent3d", "out": out, "minutes": minutes, "device": device}
    small = {"size": 64, "width": 16, "blocks": 3, "batch_size": 4, "sample_every": 50}
    info, config = resolve("cyclegan", settings | small)
    return fit(new_run(info, config), pick_display(talk, hushed()))


def command() -> Any:
    """Build the command."""
    return typer.main.get_command(app)
