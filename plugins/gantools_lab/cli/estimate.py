"""`gantools lab estimate`: what a critic finds between two known distributions, beside the exact value."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from gantools.cli.console import hushed, put_json, say, talk, tell

if TYPE_CHECKING:
    from gantools_lab.estimate import Estimate

_SPEC = "normal:MEAN,STD, uniform:LOW,HIGH, mixture:0.5*normal:-2,1+0.5*normal:2,1, or line:THETA in the plane"
_COUNTERPARTS = {
    "f-kl": "f-reverse-kl",
    "f-reverse-kl": "f-jeffrey",
    "f-pearson": "f-neyman",
    "f-neyman": "f-pearson",
    "f-total-variation": "hinge",
    "hinge": "f-total-variation",
    "minimax": "f-jensen-shannon",
    "wgan": "wgan-gp",
    "wgan-gp": "wgan-clip",
}


class _Start(StrEnum):
    """What the critic is before its first step."""

    zero = "zero"
    random = "random"


def estimate(
    objective: Annotated[
        str, typer.Option(help="adversarial loss or recipe, NAME[:key=value,…]; see `gantools objectives`")
    ],
    p: Annotated[str, typer.Option(help=f"the data: {_SPEC}", metavar="SPEC")] = "normal:0,1",
    q: Annotated[str, typer.Option(help="the generated distribution, likewise", metavar="SPEC")] = "normal:1,1",
    penalty: Annotated[
        list[str] | None, typer.Option(help="penalty to add, NAME[:key=value,…]; repeatable", show_default=False)
    ] = None,
    constraint: Annotated[
        list[str] | None, typer.Option(help="change to the critic, NAME[:key=value,…]; repeatable", show_default=False)
    ] = None,
    spectral_norm: Annotated[
        bool, typer.Option("--spectral-norm", help="short for --constraint spectral-norm")
    ] = False,
    start: Annotated[
        _Start, typer.Option(help="the critic before its first step: 0 everywhere, or at random weights")
    ] = _Start.zero,
    steps: Annotated[int, typer.Option(min=1, help="updates of the critic, 1,024 fresh samples each")] = 3000,
    seed: Annotated[int, typer.Option(min=0, help="seed of everything random")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; more are no faster on so small a critic")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Train a critic between two known distributions and print its estimate beside the exact value.

    p is the data, q the generated distribution; D_f(p ‖ q) is the integral of q f(p / q).
    """
    from gantools_lab.distributions import parse_distribution
    from gantools_lab.estimate import default_penalty
    from gantools_lab.estimate import estimate as measure

    data, generated = parse_distribution(p), parse_distribution(q)
    constraints = [*(constraint or []), *(["spectral-norm"] if spectral_norm else [])]
    penalties = list(penalty or [])
    if data.dim == generated.dim:
        added = default_penalty(objective, penalties, constraints, data, generated)
        if added:
            say(f"using --penalty {added[0]}: a wgan critic has to be 1-Lipschitz")
        penalties += added
    with _bar(steps) as progress:
        found = measure(
            objective, data, generated, penalty=penalties, constraint=constraints, seed=seed, steps=steps,
            threads=threads, start=start.value, progress=progress,
        )  # fmt: skip
    if as_json:
        put_json(found.as_dict())
        return
    Console(highlight=False, markup=False).print(_table(found, p, q))
    tell(_meaning(found))
    other = _COUNTERPARTS.get(objective.partition(":")[0], "wgan")
    tell("try: " + shlex.join(["gantools", "lab", "estimate", "--objective", other, "--p", p, "--q", q]))


@contextmanager
def _bar(steps: int) -> Iterator[Callable[[int], None] | None]:
    """Show how far the critic is, on a terminal."""
    if hushed() or not talk.is_terminal:
        yield None
        return
    with Progress(console=talk, transient=True) as progress:
        task = progress.add_task("training the critic", total=steps)
        yield lambda step: progress.update(task, completed=step)


def _table(found: Estimate, p: str, q: str) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = {"objective": found.objective, "p, the data": p, "q, generated": q, "estimate": f"{found.estimate:.4f}"}
    rows |= {"exact": found.exact_text} | ({"with": ", ".join(found.parts)} if found.parts else {})
    if found.absolute_error is not None:
        share = "" if found.relative_error is None else f" ({found.relative_error:.2%})"
        rows["error"] = f"{found.absolute_error:.4f}{share}"
    rows |= {name.replace("_", " "): f"{value:.4g}" for name, value in found.details.items()}
    rows["seconds"] = f"{found.seconds:.1f}"
    for name, text in rows.items():
        table.add_row(name, text)
    return table


def _meaning(found: Estimate) -> str:
    """Say in a line or two what an estimate is an estimate of."""
    details = found.details
    if "per_gradient_norm" in details:
        return (
            f"The estimate is K W₁, K the slope that the critic is held to: here {details['gradient_norm']:.4g} on "
            f"average. Divided by it: {details['per_gradient_norm']:.4g}."
        )
    if found.parts:
        return f"{' and '.join(found.parts)} may hold the critic back: then the estimate stays below the exact value."
    if "jensen_shannon" in details:
        text = f"JS = (estimate + log 4) / 2 = {details['jensen_shannon']:.4f}; it is log 2 at most."
        gap = details.get("largest_gap")
        return text if gap is None else f"{text} The discriminator is within {gap:.3f} of p / (p + q)."
    if found.exact is not None:
        return "No critic gets above the exact value but by the luck of its samples: training closes in from below."
    if "infinite" in found.exact_text:
        return "Every critic's value is finite, and below: the longer it trains (--steps), the larger the estimate."
    return "The estimate is minus the discriminator's loss, on samples that it has not seen."
