"""Writes run, step, name and value of everything that is logged into one CSV file."""

import csv
import os
from pathlib import Path

from gantools import hookimpl


@hookimpl
def gantools_run_started(run):
    """Begin the file, unless there is one of earlier runs."""
    if not _file().exists():
        _write([("run", "step", "name", "value")])


@hookimpl
def gantools_step_logged(run, step, values):
    """Add a row for each value."""
    _write((run.folder, step, name, value) for name, value in values.items())


@hookimpl
def gantools_run_finished(run, outcome):
    """Add how the run ended."""
    _write([(run.folder, "", "outcome", outcome)])


def _file():
    return Path(os.environ.get("GANTOOLS_CSV", "figures.csv"))


def _write(rows):
    with _file().open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
