"""`gantools lab dirac`."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from gantools.cli.console import put, put_json, say

_GAMES = [
    "minimax --simultaneous",
    "minimax",
    "wgan",
    "wgan --penalty gp:weight=1",
    "nonsaturating --penalty r1:weight=0.5",
    "wgan --constraint weight-clipping:c=0.5",
]


def dirac(
    games: Annotated[
        list[str] | None,
        typer.Argument(
            help='objectives, each with its flags if quoted: "wgan --penalty gp"; --simultaneous steps at once'
        ),
    ] = None,
    lr: Annotated[float, typer.Option(help="size of both players' steps")] = 0.1,
    steps: Annotated[int, typer.Option(help="steps to play", min=1)] = 500,
    out: Annotated[Path, typer.Option("-o", "--out", help="folder for the figure and the animation")] = Path(
        "lab/dirac"
    ),
    as_json: Annotated[
        bool, typer.Option("--json", help="print how far each ends from the equilibrium as JSON")
    ] = False,
) -> None:
    """Play the smallest GAN, one number against one number: it circles, overshoots or converges."""
    from gantools.cli.train import read_flags
    from gantools.errors import GanToolsError
    from gantools_lab.dirac import animate, build_game, draw
    from gantools_lab.style import folder

    folder(out)
    played, courses = [], []
    for spec in games or _GAMES:
        words = [word for word in shlex.split(spec) if word != "--simultaneous"]
        if not words or words[0].startswith("-"):
            raise GanToolsError(f"`{spec}` does not begin with an objective", 'write for example "wgan --penalty gp"')
        settings = {"objective": words[0], **read_flags("toy", words[1:])}
        game = build_game(settings, "--simultaneous" in shlex.split(spec))
        played.append(game)
        courses.append(replace(game.play(steps, lr), words=spec))
    figure, film = draw(played, courses, out / "dirac.png"), animate(played, courses, out / "dirac.gif")
    if as_json:
        put_json([{"game": c.words, "verdict": c.verdict, "distance": c.distance} for c in courses])
    else:
        for course in courses:
            put(f"{course.words}: {course.verdict}, ends {course.distance:.3g} from the equilibrium")
    say(f"look at:  {figure}, {film}")
    say('try:      gantools lab dirac "hinge --penalty r1" lsgan --lr 0.2')
