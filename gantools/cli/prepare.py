"""`gantools data prepare`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from gantools.cli.console import put, put_json, say, steps_bar, tell

_SHOWN = 5


def prepare(
    sources: Annotated[list[Path], typer.Argument(help="folders, pictures or videos", metavar="SOURCE…")],
    out: Annotated[Path, typer.Option("-o", "--out", help="folder to make")] = Path("prepared"),
    size: Annotated[
        int | None, typer.Option(help="side in pixels", show_default="as they are", min=8, max=8192)
    ] = None,
    fit: Annotated[
        Literal["crop", "pad", "whole"], typer.Option(help="into a square, or keep the shape: `whole`")
    ] = "crop",
    test: Annotated[float, typer.Option(help="share held back in test/, beside train/", min=0, max=0.9)] = 0.0,
    make: Annotated[
        Literal["edges", "grey"] | None,
        typer.Option(help="make pairs: A drawn from each picture, the picture as B", show_default=False),
    ] = None,
    halves: Annotated[bool, typer.Option("--halves", help="make pairs: A the left half, B the right")] = False,
    every: Annotated[float, typer.Option(help="seconds between frames of a video", min=0.01)] = 1.0,
    background: Annotated[str, typer.Option(help="colour around padded, under drawn pictures")] = "white",
    as_json: Annotated[bool, typer.Option("--json", help="print what was made as JSON")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be made and stop")] = False,
) -> None:
    """Make a data set: resized, split, in pairs. Several folders are several kinds; their captions come along.

    The split goes by a hash of the names, and is the same wherever it is made; of a video the end is held back.
    Exit codes: 0 done, 1 error, 3 some files were left out.
    """
    from gantools.datasets.prepare import plan
    from gantools.datasets.prepare import prepare as prepared
    from gantools.datasets.recipe import Recipe

    recipe = Recipe(size, fit, test, make, halves, every, background)
    if dry_run:
        found = plan(sources, out, recipe)
        pictures = sum(source.frames for source in found)
        put_json({"out": str(out), "pictures": pictures}) if as_json else put(
            f"would make {out} of {pictures:,} pictures"
        )
        return
    with steps_bar() as report:
        made = prepared(sources, out, recipe, report)
    if as_json:
        put_json({"out": str(out), "counts": made.counts, "enlarged": made.enlarged, "problems": made.problems})
    else:
        for folder, count in sorted(made.counts.items()):
            put(f"{out / folder}: {count:,}")
    for problem in made.problems[:_SHOWN]:
        say(f"left out: {problem}")
    if len(made.problems) > _SHOWN:
        say(f"left out: {len(made.problems) - _SHOWN:,} more")
    if made.enlarged:
        say(f"note: {made.enlarged:,} pictures were smaller than {size} pixels, and are enlarged")
    if test and not any(folder.startswith("test") for folder in made.counts):
        say("note: no picture fell to the test set: there are few, give a larger --test")
    tell(f"results in {out}")
    tell(f"next:       gantools data check {shlex.quote(str(out))}")
    if made.problems:
        raise typer.Exit(3)
