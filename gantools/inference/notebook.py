"""What a notebook shows of a model: what it is, and what it does."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Any

from gantools.weights.card import find_sheet
from gantools.weights.header import Header

_WIDTH = 480


def as_html(header: Header, path: Path, device: str) -> str:
    """Return a table of what a header says, with the sheet of the weights if there is one; nothing is fetched."""
    rows: dict[str, Any] = {
        "weights": path,
        "size": f"{header.size} px" if header.size else None,
        "step": f"{header.step:,}",
        "domains": ", ".join(header.domains or map(str, header.data.get("domains", []))),
        "licence": header.licence,
        "device": device,
    }
    cells = "".join(
        f"<tr><td style='text-align:left'>{name}</td><td style='text-align:left'>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
        if value
    )
    return f"<b>{escape(header.task)}</b><table>{cells}</table>{_picture(find_sheet(path))}"


def _picture(sheet: Path | None) -> str:
    if sheet is None:
        return ""
    content = b64encode(sheet.read_bytes()).decode()
    return f"<img alt='sample sheet' style='max-width:{_WIDTH}px' src='data:image/png;base64,{content}'>"
