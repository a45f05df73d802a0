"""A run as one page of HTML that opens from disk: sheets, curves, figures, settings; nothing is fetched."""

from __future__ import annotations

import json
import shlex
from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from gantools.errors import GanToolsError
from gantools.storage import write_atomically
from gantools.training.log import curves_of, read_log
from gantools.training.run import Run, open_run
from gantools.weights.header import read_header

_SHEETS, _POINTS = 40, 400  # more would take too long to open, and could not be seen
_FIGURES = 4  # significant


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a run's folder and return it; GanToolsError if it is none, or has no log yet."""
    run = open_run(folder)
    log = read_log(run.log) if run.log.is_file() else []
    if not log:
        raise GanToolsError(f"{folder} has no log yet", f"go on with: gantools resume {shlex.quote(str(folder))}")
    command = folder / "command.txt"
    page = Template((files("gantools") / "report.html").read_text(encoding="utf-8")).substitute(
        title=escape(f"{run.task.name}: {folder.name}"),
        summary=escape(f"{run.task.summary}; {log[-1]['step']:,} steps, {_duration(log)}"),
        command=escape(command.read_text(encoding="utf-8").strip() if command.is_file() else ""),
        sheets=_script([{"step": step, "image": _image(path)} for step, path in _sheets(folder)]),
        panels=_script(_panels(log)),
        figures=_evaluation(folder),
        changed=_table(_settings(run, changed=True)),
        settings=_table(_settings(run, changed=False)),
        environment=_table(read_header(run.weights).environment if run.weights.is_file() else {}),
        next=escape("\n".join(_next(run))),
    )
    target = folder / "report.html"
    write_atomically(target, lambda temporary: temporary.write_text(page, encoding="utf-8"))
    return target


def _sheets(folder: Path) -> list[tuple[int, Path]]:
    """Return the sample sheets with their steps, evenly chosen where there are many, the last one always."""
    found = sorted((int(path.stem.removeprefix("step-")), path) for path in (folder / "samples").glob("step-*.png"))
    every = -(-len(found) // _SHEETS) if found else 1
    return found[::-1][::every][::-1]


def _panels(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the curves by panel, with as many points as a screen can show, the last one always."""
    return [
        {
            "title": title,
            "curves": [{"name": name, "points": _thinned(points)} for name, points in curves.items()],
        }
        for title, curves in curves_of(log).items()
    ]


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    every = -(-len(points) // _POINTS)
    return [(step, float(f"{value:.5g}")) for step, value in points[::-1][::every][::-1]]


def _evaluation(folder: Path) -> str:
    """Return what `gantools evaluate RUN -o RUN/evaluation` found: a row for each figure, a column for each set."""
    file = folder / "evaluation" / "metrics.json"
    if not file.is_file():
        command = shlex.join(["gantools", "evaluate", str(folder), "-o", str(folder / "evaluation")])
        return f"<p>None yet: <code>{escape(command)}</code> with test pictures measures some.</p>"
    tables = []
    for title, row in json.loads(file.read_text(encoding="utf-8"))["rows"].items():
        names = dict.fromkeys(name for part in row.values() for name in part)
        head = "".join(f"<th>{escape(kind)}</th>" for kind in row)
        lines = (
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{_figure(part.get(name))}</td>' for part in row.values())}</tr>"
            for name in names
        )
        tables.append(f"<table><tr><th>{escape(title)}</th>{head}</tr>{''.join(lines)}</table>")
    return "".join(tables)


def _figure(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    error = f" ± {found['std_error']:.2g}" if found.get("std_error") else ""
    return f"{found['value']:.{_FIGURES}g}{error}"


def _settings(run: Run, changed: bool) -> dict[str, Any]:
    """Return the settings that are, or are not, other than their default."""
    defaults = {name: entry.default for name, entry in type(run.config).model_fields.items()}
    return {name: value for name, value in run.config if name != "out" and (value != defaults[name]) == changed}


def _next(run: Run) -> Iterable[str]:
    """Yield what one may type next."""
    place = shlex.quote(str(run.folder))
    if "translate" in run.task.capabilities:
        yield f"gantools translate PICTURE --weights {place}"
    if "generate" in run.task.capabilities:
        yield f'gantools generate "WORDS" --weights {place}'
    yield f"gantools resume {place} --steps 1000"
    yield f"gantools weights show {place}"


def _duration(log: list[dict[str, Any]]) -> str:
    seconds = max((row.get("seconds", 0) for row in log), default=0)
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{seconds / 60:.0f} minutes"


def _image(path: Path) -> str:
    return f"data:image/png;base64,{b64encode(path.read_bytes()).decode()}"


def _script(values: Any) -> str:
    """Return values as a script may hold them: none of them can end it."""
    return json.dumps(values).replace("<", "\\u003c")


def _table(values: Mapping[str, Any]) -> str:
    rows = ((name, value) for name, value in values.items() if value not in (None, [], ""))
    cells = (f"<tr><th>{escape(name)}</th><td>{escape(_plain(value))}</td></tr>" for name, value in rows)
    return f"<table>{''.join(cells)}</table>"


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_plain, value))
    return f"{value:.{_FIGURES}g}" if isinstance(value, float) else str(value)
