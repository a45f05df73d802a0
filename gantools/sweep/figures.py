"""Figures of a comparison: what runs reached, and their measures over the steps."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from gantools.storage import write_atomically
from gantools.sweep.comparison import Comparison, better_way
from gantools.sweep.results import DURING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gantools.sweep.comparison import Column

_COLUMNS = 3
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe and Ito 2008
_ARROWS = {"lower": " ↓", "higher": " ↑", None: ""}


def draw_figures(comparison: Comparison, path: Path) -> Path:
    """Draw a panel for each figure: a dot a seed, a line at the mean, dotted what the untouched pictures have."""
    from matplotlib.figure import Figure

    groups = comparison.groups
    rows = -(-len(comparison.columns) // _COLUMNS)
    figure = Figure(figsize=(10, 0.4 + rows * (0.75 + 0.3 * len(groups))), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False)
    for axes in panels.flat[len(comparison.columns) :]:
        axes.set_axis_off()
    for column, axes in zip(comparison.columns, panels.flat, strict=False):
        _panel(axes, comparison, column)
        axes.set_yticks(range(len(groups)), [fill(group.name, 28) for group in groups], fontsize=8)
        axes.set_ylim(len(groups) - 0.5, -0.5)
    words = "dot: a seed   line: mean   dotted: untranslated"
    figure.suptitle(f"{', '.join(comparison.keys) or comparison.task}   ({words})", fontsize=9)
    return _save(figure, path)


def draw_courses(comparison: Comparison, path: Path) -> Path | None:
    """Draw what the task measured during training, a colour a group, a thin line a seed; None if it measured nothing.

    The thick line is the mean over the seeds at the steps that all of them logged.
    """
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(n for group in comparison.groups for run in group.runs for n in run.courses))
    if not names:
        return None
    figure = Figure(figsize=(10, 2.6 * len(names)), layout="constrained")
    for name, axes in zip(names, figure.subplots(len(names), squeeze=False)[:, 0], strict=True):
        for number, group in enumerate(comparison.groups):
            colour = _COLOURS[number % len(_COLOURS)]
            courses = [dict(run.courses[name]) for run in group.runs if name in run.courses]
            for course in courses if len(courses) > 1 else ():
                axes.plot(list(course), list(course.values()), color=colour, linewidth=0.6, alpha=0.5)
            steps = sorted(set.intersection(*map(set, courses))) if courses else []
            means = [sum(course[step] for course in courses) / len(courses) for step in steps]
            axes.plot(steps, means, color=colour, linewidth=1.8, label=group.name)
        axes.set_title(name.replace("_", " "), loc="left", fontsize=10)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    axes.set_xlabel("step")
    return _save(figure, path)


def _panel(axes: Axes, comparison: Comparison, column: Column) -> None:
    for row, group in enumerate(comparison.groups):
        values, summary = group.values(column), group.summary(column)
        axes.plot(values, [row] * len(values), "o", alpha=0.6, markersize=5, color=_COLOURS[0])
        if summary is not None:
            axes.plot([summary.mean], [row], "|", markersize=14, color="black")
    reference = comparison.untranslated(column)
    if reference is not None:
        axes.axvline(reference, linestyle=":", linewidth=1, color="grey")
    title = column.key if column.title == DURING else str(column)
    axes.set_title(title.replace("_", " ") + _ARROWS[better_way(column)], fontsize=10)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", alpha=0.3)


def _save(figure: Figure, path: Path) -> Path:
    write_atomically(path, partial(figure.savefig, format="png", dpi=110))
    return path
