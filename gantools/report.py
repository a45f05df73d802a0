"""A run as one page of HTML that opens from disk: curves, sheets, settings, figures; nothing is fetched."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from gantools.config import read_yaml
from gantools.errors import GanToolsError
from gantools.training.log import read_log
from gantools.training.run import open_run
from gantools.weights.files import write_atomically
from gantools.weights.header import read_header

_SHEETS = 40  # a page of more would take too long to open


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a run's folder and return it; GanToolsError if it is none, or has no weights yet."""
    run = open_run(folder)
    if not run.weights.is_file():
        raise GanToolsError(f"{folder} has no weights yet", f"go on with: gantools resume {folder}")
    header, log = read_header(run.weights), read_log(run.log)
    command = folder / "command.txt"
    page = Template((files("gantools") / "report.html").read_text(encoding="utf-8")).substitute(
        title=escape(f"{run.task.name}: {folder.name}"),
        summary=escape(f"{run.task.summary}; {header.step:,} steps, {_duration(log)}"),
        command=escape(command.read_text(encoding="utf-8").strip() if command.is_file() else ""),
        curves=_image(run.curves) if run.curves.is_file() else "",
        sheets=json.dumps([{"step": step, "image": _image(path)} for step, path in _sheets(folder)]),
        figures=_table(_figures(folder, log)),
        settings=_table(read_yaml(folder / "config.yaml")),
        environment=_table(header.environment),
        next=escape(f"gantools resume {folder.name} --steps 1000"),
    )
    target = folder / "report.html"
    write_atomically(target, lambda temporary: temporary.write_text(page, encoding="utf-8"))
    return target


def _sheets(folder: Path) -> list[tuple[int, Path]]:
    """Return the sample sheets with their steps, evenly chosen where there are many, the last one always."""
    found = sorted((int(path.stem.removeprefix("step-")), path) for path in (folder / "samples").glob("step-*.png"))
    every = -(-len(found) // _SHEETS) if found else 1
    return found[::-1][::every][::-1]


def _figures(folder: Path, log: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the last values of the log and, if the run was evaluated, what came out."""
    values: dict[str, Any] = {}
    for row in log:
        values |= {name: value for name, value in row.items() if "/" in name}
    evaluated = folder / "evaluation" / "metrics.json"
    if evaluated.is_file():
        for title, row in json.loads(evaluated.read_text(encoding="utf-8"))["rows"].items():
            for kind, part in row.items():
                values |= {f"{title}, {kind}: {name}": value["value"] for name, value in part.items()}
    return values


def _duration(log: list[dict[str, Any]]) -> str:
    seconds = max((row.get("seconds", 0) for row in log), default=0)
    return f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{seconds / 60:.0f} minutes"


def _image(path: Path) -> str:
    return f"data:image/png;base64,{b64encode(path.read_bytes()).decode()}"


def _table(values: Mapping[str, Any]) -> str:
    return "".join(_rows((name, value) for name, value in values.items() if value not in (None, [], "")))


def _rows(pairs: Iterable[tuple[str, Any]]) -> Iterable[str]:
    for name, value in pairs:
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        yield f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
