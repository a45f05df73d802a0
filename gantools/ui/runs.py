"""The tab that shows runs as they go on, two beside each other."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from gantools.data.decode import open_image
from gantools.errors import GanToolsError
from gantools.training.log import draw_curves, read_log
from gantools.ui.place import Place, spoken

_SECONDS = 5  # between two looks
_ROWS = 400  # of a log that are drawn


def look(place: Place, name: str | None) -> tuple[str, Image.Image | None, Image.Image | None]:
    """Return how far a run is, its curves, and its newest sheet."""
    if not name:
        return "", None, None
    folder = place.run(name)
    log = read_log(folder / "log.jsonl") if (folder / "log.jsonl").is_file() else []
    sheets = sorted((folder / "samples").glob("step-*.png"))
    return _state(name, log), _curves(log), _opened(sheets)


def _state(name: str, log: list[dict[str, Any]]) -> str:
    if not log:
        return f"**{name}**: nothing logged yet"
    rates = [row["images_per_second"] for row in log if "images_per_second" in row]
    speed = f", {rates[-1]:.1f} images/s" if rates else ""
    return f"**{name}**: step {log[-1]['step']:,}{speed}"


def _curves(log: list[dict[str, Any]]) -> Image.Image | None:
    every = -(-len(log) // _ROWS) or 1
    with TemporaryDirectory() as folder:
        path = Path(folder) / "curves.png"
        draw_curves(log[::-1][::every][::-1], path)
        return open_image(path) if path.is_file() else None


def _opened(sheets: list[Path]) -> Image.Image | None:
    """Return the newest sheet that can be read: one that is just being replaced cannot."""
    for sheet in reversed(sheets):
        try:
            return open_image(sheet)
        except GanToolsError:
            continue
    return None


def build(place: Place) -> None:
    """Lay the tab out."""
    import gradio as gr

    with gr.Row():
        for side in ("left", "right"):
            with gr.Column(min_width=320):
                _column(place, side)


def _column(place: Place, side: str) -> None:
    import gradio as gr

    def show(name: str | None) -> Any:
        return look(place, name)

    def names() -> Any:
        return gr.Dropdown(choices=place.run_names())

    known = place.run_names()
    wanted = {"left": 0, "right": 1}[side]
    first = known[wanted] if len(known) > wanted else None
    run = gr.Dropdown(known, value=first, label=f"run, {side}", elem_id=f"r-{side}")
    state = gr.Markdown(elem_id=f"r-{side}-state")
    look_only: dict[str, Any] = {"show_label": False, "buttons": ["download", "fullscreen"], "interactive": False}
    look_only |= {"elem_classes": "below-buttons"}
    sheet = gr.Image(label="newest sheet", format="png", elem_id=f"r-{side}-sheet", **look_only)
    curves = gr.Image(label="curves", format="png", elem_id=f"r-{side}-curves", **look_only)
    outputs = [state, curves, sheet]
    gr.on(fn=spoken(show), inputs=run, outputs=outputs, show_progress="hidden", api_visibility="private")
    gr.on(None, names, None, run, show_progress="hidden", api_visibility="private")
    gr.Timer(_SECONDS).tick(spoken(show), run, outputs, show_progress="hidden", api_visibility="private")
