"""The tab that translates a picture."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from PIL import Image

from gantools.data.decode import to_rgb
from gantools.inference.model import Model
from gantools.plugins import manager
from gantools.registry import load_object
from gantools.ui.place import Place, check_picture, spoken, weights_list
from gantools.weights.find import Found

_SHOWN = 512  # small pictures are enlarged to be seen; the file keeps its size
_DIRECTIONS = ["a2b", "b2a"]


def choices(found: Found) -> list[str]:
    """Return the domains or directions that weights know; none if there is nothing to choose."""
    if found.header.domains:
        return found.header.domains
    return _DIRECTIONS if "direction" in _options(found) else []


def translate(
    place: Place, image: Image.Image | None, weights: str, to: str | None
) -> tuple[tuple[Image.Image, Image.Image], str, str]:
    """Return source and result as the slider shows them, the result as a file, and a remark."""
    picture, model = check_picture(image), place.model(weights)
    chosen = _chosen(place.find(weights), to)
    result: Image.Image = model.translate(picture, **chosen)
    file = Path(mkdtemp(dir=os.environ.get("GRADIO_TEMP_DIR"))) / "translated.png"
    result.save(file)
    return (_shown(picture, model), _shown(result, model)), str(file), _remark(model, picture, chosen)


def _chosen(found: Found, to: str | None) -> dict[str, Any]:
    if to is None or to not in choices(found):
        return {}
    return {"to": [to]} if found.header.domains else {"direction": to}


def _options(found: Found) -> dict[str, Any]:
    fields: dict[str, Any] = load_object(manager().tasks.get(found.header.task).options).model_fields
    return fields


def _remark(model: Model, picture: Image.Image, chosen: dict[str, Any]) -> str:
    strange = model.remark(picture, **chosen)
    size = f"{picture.width} x {picture.height} pixels"
    return f"{size}. Unlike what these weights were trained on: {strange} than any of it." if strange else f"{size}."


def _shown(image: Image.Image, model: Model) -> Image.Image:
    picture = to_rgb(image, model.background)
    scale = max(1, _SHOWN // max(picture.size))
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def build(place: Place) -> None:
    """Lay the tab out."""
    import gradio as gr

    with gr.Row():
        with gr.Column():
            source = gr.Image(label="picture", type="pil", image_mode=None, sources=["upload"], height=300)
            weights = weights_list(place, "translate", "t-weights")
            to = gr.Dropdown([], label="into", visible=False, elem_id="t-to")
            go = gr.Button("translate", variant="primary", elem_id="t-go")
        with gr.Column():
            slider = gr.ImageSlider(label="before and after", type="pil", format="png", height=420, elem_id="t-slider")
            remark = gr.Markdown(elem_id="t-remark")
            file = gr.DownloadButton("download", interactive=False, elem_id="t-file")

    def chosen(name: str | None) -> Any:
        known = choices(place.find(name)) if name else []
        return gr.Dropdown(choices=known, value=known[0] if known else None, visible=bool(known))

    def run(image: Image.Image | None, name: str, into: str | None) -> Any:
        pair, path, said = translate(place, image, name, into)
        return pair, said, gr.DownloadButton(value=path, interactive=True)

    gr.on(fn=spoken(chosen), inputs=weights, outputs=to, api_visibility="private")
    go.click(spoken(run), [source, weights, to], [slider, remark, file], api_visibility="private")
