"""A model card: what a weights file says of itself, for people and for the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gantools.plugins import manager
from gantools.weights.header import Header

_LICENCES = {
    "Apache-2.0": "apache-2.0",
    "CC BY-SA 4.0": "cc-by-sa-4.0",
    "CC BY 4.0": "cc-by-4.0",
    "CC0": "cc0-1.0",
    "MIT": "mit",
}
SHEET = "sheet.png"


def write_card(header: Header, repository: str, sheet: bool) -> str:
    """Return the card as Markdown, with the settings that the hub reads in front of it."""
    return "\n".join([*_front(header), "", *_body(header, repository, sheet)]) + "\n"


def find_sheet(path: Path) -> Path | None:
    """Return the picture that shows what weights do: of the file's own name, a hub's sheet, or a run's last one."""
    of_a_run = path.name == "weights.safetensors"
    beside = [path.with_suffix(".png"), *([path.with_name(SHEET)] if of_a_run else [])]
    sheets = sorted((path.parent / "samples").glob("*.png"))[-1:] if of_a_run else []
    return next((picture for picture in [*beside, *sheets] if picture.is_file()), None)


def _front(header: Header) -> list[str]:
    """Return the card's YAML."""
    words = "generate" in manager().tasks.get(header.task).capabilities
    lines = ["---", "library_name: gantools", f"pipeline_tag: {'text-to-image' if words else 'image-to-image'}"]
    if header.licence:
        known = [tag for name, tag in _LICENCES.items() if header.licence.startswith(name)]
        lines.append(f"license: {known[0] if known else 'other'}")
    return [*lines, "tags:", "- gan", f"- {header.task}", "---"]


def _body(header: Header, repository: str, sheet: bool) -> list[str]:
    info = manager().tasks.get(header.task)
    words = "generate" in info.capabilities
    to = " --to DOMAIN" if header.domains else ""
    use = (
        f'generate "WORDS" --weights hf://{repository}'
        if words
        else f"translate PICTURE{to} --weights hf://{repository}"
    )
    rows: dict[str, Any] = {
        "task": f"{header.task}: {info.summary}",
        "size": f"{header.size} px" if header.size else None,
        "steps": f"{header.step:,}",
        "domains": ", ".join(header.domains or map(str, header.data.get("domains", []))),
        "licence": header.licence,
        "plugin": f"{header.plugin.get('distribution')} {header.plugin.get('version')}",
        "made with": ", ".join(f"{name} {version}" for name, version in header.environment.items()),
    }
    lines = [f"# {repository.rpartition('/')[2]}", "", f"Weights for [gantools]: {info.summary}.", ""]
    lines += ["```sh", "pip install gantools", f"gantools {use}", "```", ""]
    lines += [f"![what it does to pictures that it was not trained on]({SHEET})", ""] if sheet else []
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items() if value), ""]
    return lines + _figures(header.metrics) + ["[gantools]: https://pypi.org/project/gantools/"]


def _figures(metrics: dict[str, Any]) -> list[str]:
    """Return the metrics as a table: plain values, or the rows of `gantools evaluate`."""
    lines = []
    for title, row in metrics.items():
        if isinstance(row, int | float):
            lines.append(f"| {title} | {row:.4g} | |")
        elif isinstance(row, dict):
            made, beside = row.get("made", {}), row.get("untranslated", {})
            for name, value in made.items():
                lines.append(f"| {title}: {name} | {_value(value)} | {_value(beside.get(name))} |")
    head = ["## Figures", "", "| | made | untranslated |", "|---|---|---|"]
    return [*head, *lines, ""] if lines else []


def _value(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    error = value.get("std_error")
    return f"{value['value']:.4g}" + (f" ± {error:.2g}" if error is not None else "")
