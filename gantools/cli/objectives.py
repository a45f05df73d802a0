"""`gantools objectives` and `gantools objectives show NAME`."""

from __future__ import annotations

import logging
import os
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from gantools.cli.completion import entries
from gantools.cli.console import put_json, tell
from gantools.errors import GanToolsError
from gantools.plugins import Reference, manager

if TYPE_CHECKING:
    from gantools.objectives.description import Description, OptionText

log = logging.getLogger("gantools")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_JSON = typer.Option("--json", help="print JSON")
_LISTED = ("name", "kind", "summary", "paper", "formula_d", "formula_g", "options")
_NAMES, _LABELS = 28, 13  # columns

_GROUPS = {
    "loss": ("losses", "--objective NAME: what both players minimise"),
    "penalty": ("penalties", "--penalty NAME: a term added to a loss; repeatable"),
    "constraint": ("constraints", "--constraint NAME: a change to a network; repeatable"),
    "recipe": ("recipes", "--objective NAME: a loss, set up as in its paper"),
}
_CHOICES = (
    ("the default", "--objective lsgan"),
    ("restless training", "--objective hinge --constraint spectral-norm"),
    ("", "--objective nonsaturating --penalty r1:every=16"),
    ("a loss to watch", "--objective wgan-gp (slow: it sets n_critic 5)"),
    ("outputs all alike", "--constraint minibatch-stddev"),
    ("few pictures", "--augment color,translation,cutout, with any loss"),
    ("a divergence to study", "--objective f-kl, and the others of f-GAN"),
)
_PLAYERS = {"penalty": ("{} adds", "weight · "), "constraint": ("in {}", "")}
_SYMBOLS = {
    r"\bD\b": "D the critic's score, higher for what looks real",
    r"\bx\b": "x real",
    r"G\(z": "G(z) generated",
    r"\bE\b": "E a mean",
    r"σ\(D": "σ(s) = 1 / (1 + exp(-s))",
    r"∇": "∇ the gradient with respect to the sample",
    r"f\(u\)": "u the data's density over the generated one's",
    r"f\*": "f* the conjugate of f, which a(v) is always in the domain of",
    r"W₁": "W₁ the Wasserstein-1 distance",
    r"\bKL\b": "KL the Kullback-Leibler divergence",
    r"\bJS\b": "JS the Jensen-Shannon divergence",
    r"\bTV\b": "TV the total variation",
    r"∫": "p and q the densities of data and generated",
}


@app.callback(invoke_without_command=True)
def list_objectives(context: typer.Context, as_json: Annotated[bool, _JSON] = False) -> None:
    """List losses, penalties, constraints and recipes. `gantools objectives show NAME` has their formulas."""
    context.obj = as_json
    if context.invoked_subcommand:
        return
    if as_json:
        described = [asdict(_described(entry)) for entry in manager().objectives]
        put_json([{key: fields[key] for key in _LISTED} for fields in described])
        return
    for kind, heading in _GROUPS.items():
        _print([heading], _NAMES)
        _print(((f"  {entry.name}", entry.summary) for entry in manager().objectives if entry.kind == kind), _NAMES, "")
        _print([("", "")])
    _print([("to choose", ""), *((f"  {what}", flags) for what, flags in _CHOICES)], _NAMES)
    tell("")
    tell("more of one:  gantools objectives show wgan-gp")
    tell("train:        gantools train cyclegan --a DIR --b DIR --objective wgan-gp")


@app.command()
def show(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="name of a loss, penalty, constraint or recipe", autocompletion=entries),
    ],
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Show an entry's formulas, what is minimised, when to use it, its options, and commands to try it by."""
    from gantools.objectives.description import describe

    entry = manager().objectives.get(name.partition(":")[0])
    try:
        described = describe(entry)
    except Exception as error:
        raise _unusable(entry, error) from error
    if as_json or context.obj:
        put_json(asdict(described))
        return
    _print([(f"{name}, a {entry.kind}", ""), ("", entry.summary), ("", "")], indent=0)
    _print(_formulas(described))
    _print([("", ""), *_advice(described), ("", "")])
    if described.options:
        _print_options(described.options)
    _print(_commands(described))


def _described(entry: Reference) -> Description:
    """Describe an entry; of one that cannot be imported only its registration is known, and it is warned of."""
    from gantools.objectives.description import Description, describe

    try:
        return describe(entry)
    except Exception as error:
        log.warning("%s", _unusable(entry, error).message)
        return Description(entry.name, entry.kind, entry.summary)


def _unusable(entry: Reference, error: Exception) -> GanToolsError:
    """Return the error for an entry that cannot be described; GANTOOLS_STRICT=1 lets the cause through."""
    if os.environ.get("GANTOOLS_STRICT") == "1":
        raise error
    origin = manager().objectives.origin(entry.name)
    return GanToolsError(
        f"the {entry.kind} `{entry.name}` of {origin} cannot be used: {type(error).__name__}: {error}",
        f"install another version of {origin.distribution}",
    )


def _formulas(described: Description) -> list[tuple[str, str]]:
    """Return the formulas, and what their symbols mean."""
    player, factor = _PLAYERS.get(described.kind, ("{} minimises", ""))
    rows = [
        (player.format("D"), described.formula_d and factor + _broken(described.formula_d)),
        (player.format("G"), described.formula_g and factor + _broken(described.formula_g)),
        ("comes to", described.minimises),
        ("f", described.f and f"f(u) = {described.f}"),
        ("conjugate", described.conjugate and f"f*(t) = {described.conjugate}"),
        ("activation", described.activation and f"a(v) = {described.activation}"),
    ]
    everything = "\n".join(text for _, text in rows)
    meanings = [meaning for symbol, meaning in _SYMBOLS.items() if re.search(symbol, everything)]
    return [row for row in [*rows, ("where", "; ".join(meanings))] if row[1]]


def _broken(formula: str) -> str:
    """Break a formula where its clauses begin, and before the terms that a recipe adds."""
    return re.sub(r" \+ (?=[\d.]+ · )", "\n+ ", formula.replace(",  ", "\n"))


def _advice(described: Description) -> list[tuple[str, str]]:
    rows = [("use it", described.use), ("needs", "\n".join(described.needs)), ("paper", described.paper)]
    return [row for row in rows if row[1]]


def _print_options(options: Sequence[OptionText]) -> None:
    """Print names, defaults and what they do, in columns."""
    rows = [("option", "default", "what it does")]
    for option in options:
        choices = f"{option.type}: " if "|" in option.type else ""
        rows.append((option.name, str(option.default), choices + option.help))
    first, second = (2 + max(len(row[column]) for row in rows) for column in (0, 1))
    labelled = [(f"{name:{first}}{default:{second}}", words) for name, default, words in rows]
    _print(labelled[:1], first + second)
    _print([*labelled[1:], ("", "")], first + second, "")


def _commands(described: Description) -> list[tuple[str, str]]:
    """Return what can be typed."""
    rows = [("same as", _pasted(described.same_as))] if described.same_as else []
    rows += [(f"in {task}", _pasted(flags)) for task, flags in described.in_tasks.items()]
    for example in described.examples:
        label = "try it" if example.startswith("gantools train toy ") else "on pictures"
        rows.append((label, _pasted(re.split(" (?=--)", example))))
    return rows


def _pasted(parts: Iterable[str]) -> str:
    """Lay out the parts of a command in lines that a shell reads as one."""
    lines = [""]
    for part in parts:
        if lines[-1] and len(lines[-1]) + len(part) + 3 > _width() - _LABELS:
            lines.append("")
        lines[-1] += f" {part}" if lines[-1] else part
    return " \\\n".join(lines)


def _print(rows: Iterable[tuple[str, str]], indent: int = _LABELS, style: str = "bold") -> None:
    """Print labels beside texts that begin ``indent`` columns from the left; no line ends in spaces."""
    console = Console(highlight=False)
    for label, text in rows:
        lines = [part for line in text.split("\n") for part in _wrapped(line, _width() - indent)]
        console.print(Text.assemble((label.ljust(indent) if text else label, style), lines[0]), soft_wrap=True)
        for line in lines[1:]:
            console.print(Text(" " * indent + line), soft_wrap=True)


def _wrapped(line: str, width: int) -> Sequence[str]:
    return textwrap.wrap(line, max(width, 20), break_on_hyphens=False, break_long_words=False) or [""]


def _width() -> int:
    return Console().width


def command() -> Any:
    """Build the group."""
    return typer.main.get_command(app)
