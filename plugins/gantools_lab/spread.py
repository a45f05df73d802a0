"""Figures of the comparison of objectives: what runs reached, and how."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from gantools_lab.compare import Result

_COLUMNS = 3


def draw_spread(results: Sequence[Result], path: Path) -> Path:
    """Draw each measure that differs, a dot a run and a line at the mean, and return the path of the PNG."""
    from matplotlib.figure import Figure

    contenders = list(dict.fromkeys(result.contender for result in results))
    names = [
        name
        for name in results[0].measured
        if all(name in result.measured for result in results) and len({r.measured[name] for r in results}) > 1
    ]
    rows = max(1, -(-len(names) // _COLUMNS))
    figure = Figure(figsize=(10, rows * (0.9 + 0.34 * len(contenders))), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False)
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    for name, axes in zip(names, panels.flat, strict=False):
        for row, contender in enumerate(contenders):
            values = [result.measured[name] for result in results if result.contender == contender]
            axes.plot(values, [row] * len(values), "o", alpha=0.6, markersize=5, color="tab:blue")
            axes.plot([sum(values) / len(values)], [row], "|", markersize=14, color="black")
        axes.set_title(name.replace("_", " "), fontsize=10)
        axes.set_yticks(range(len(contenders)), contenders, fontsize=8)
        axes.set_ylim(len(contenders) - 0.5, -0.5)
        axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=110)
    return path


def draw_courses(logs: dict[str, list[dict[str, Any]]], path: Path) -> Path:
    """Draw the critic's value beside the exact Wasserstein distance, and the generator's gradient, over the steps.

    ``logs`` holds the log rows of one run a contender. Returns the path of the PNG.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 2.1 * len(logs) + 0.4), layout="constrained")
    panels = figure.subplots(len(logs), 2, sharex=True, squeeze=False)
    for (words, rows), (left, right) in zip(logs.items(), panels, strict=True):
        steps = [row["step"] for row in rows]
        left.plot(steps, [row["eval/wasserstein"] for row in rows], color="tab:blue", label="exact W")
        left.set_ylim(bottom=0)
        value = left.twinx()
        value.plot(steps, [-row["d/adv"] for row in rows], color="tab:orange", linewidth=1, label="critic's value")
        _legend(left, value)
        left.set_title(words, loc="left", fontsize=10)
        norms = [(row["step"], row["g/gradient_norm"]) for row in rows if "g/gradient_norm" in row]
        right.semilogy(*zip(*norms, strict=True), color="tab:green", linewidth=1)
        right.set_title("norm of the generator's gradient", loc="left", fontsize=10)
        right.grid(alpha=0.3)
    for axes in panels[-1]:
        axes.set_xlabel("step")
    figure.savefig(path, dpi=110)
    return path


def _legend(left: Axes, right: Axes) -> None:
    lines = [*left.get_lines(), *right.get_lines()]
    left.legend(lines, [str(line.get_label()) for line in lines], fontsize=8, loc="upper right")
