"""`gantools lab dirac`."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantools.cli.console import put_json, tell, with_bar

if TYPE_CHECKING:
    from gantools_lab.dirac import Game

_GAMES = [
    "minimax --simultaneous",
    "minimax",
    "wgan",
    "wgan --penalty gp:weight=0.25",
    "wgan --penalty gp:weight=1",
    "nonsaturating --penalty r1:weight=0.5",
]


def dirac(
    games: Annotated[
        list[str] | None,
        typer.Argument(
            help='objectives, each with its flags if quoted: "wgan --penalty gp"; --simultaneous steps at once'
        ),
    ] = None,
    lr: Annotated[float, typer.Option(help="size of both players' steps")] = 0.1,
    steps: Annotated[int, typer.Option(help="steps to play", min=20)] = 500,
    out: Annotated[Path, typer.Option("-o", "--out", help="folder for the figure and the animation")] = Path(
        "lab/dirac"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="print the courses and how they end as JSON")] = False,
) -> None:
    """Play the smallest GAN, one number against one number: it circles, overshoots or converges."""
    from rich.console import Console
    from rich.table import Table

    from gantools.errors import GanToolsError
    from gantools_lab.orbits import animate, draw
    from gantools_lab.style import places

    if not (lr > 0 and math.isfinite(lr)):
        raise GanToolsError(f"--lr {lr:g} is no size of a step", "give a number above 0, such as --lr 0.1")
    png, gif = places(out, "dirac.png", "dirac.gif")
    played = {spec: _read(spec) for spec in games or _GAMES}
    listed = list(played.items())
    courses = [game.play(steps, lr, words=spec) for spec, game in with_bar(listed, "playing", len(listed))]
    draw(list(played.values()), courses, png)
    animate(list(played.values()), courses, gif)
    if as_json:
        put_json(
            [
                {"game": c.words, "verdict": c.verdict, "distance": c.distance, "places": c.places.round(9).tolist()}
                for c in courses
            ]
        )
    else:
        table = Table("game", "it", "and ends, from the equilibrium", box=None, header_style="bold", pad_edge=False)
        for course in courses:
            table.add_row(course.words, course.verdict, f"{course.distance:.3g}")
        Console(highlight=False, markup=False).print(table)
    tell(f"look at:  {png}, {gif}")
    tell('try:      gantools lab dirac "wgan --constraint weight-clipping:c=0.5" "hinge --penalty r1" --lr 0.2')


def _read(spec: str) -> Game:
    """Build the game that an objective with flags asks for."""
    from gantools.cli.train import read_flags
    from gantools.errors import GanToolsError
    from gantools_lab.dirac import build_game

    try:
        words = shlex.split(spec)
    except ValueError as error:
        raise GanToolsError(f"`{spec}`: {error}", "close the quotation") from None
    flags = [word for word in words if word != "--simultaneous"]
    if not flags or flags[0].startswith("-"):
        raise GanToolsError(f"`{spec}` does not begin with an objective", 'write for example "wgan --penalty gp"')
    return build_game({"objective": flags[0], **read_flags("toy", flags[1:])}, len(flags) < len(words))
