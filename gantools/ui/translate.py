"""The tab that translates a picture."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from PIL import Image

from gantools.data.decode import to_rgb
from gantools.errors import GanToolsError
from gantools.inference.model import Model
from gantools.plugins import manager
from gantools.registry import load_object
from gantools.ui.place import BUSY, Place, check_picture, spoken, weights_list
from gantools.weights.find import Found

_SHOWN = 512  # small pictures are enlarged to be seen; the file keeps its size
_DIRECTIONS = ["a2b", "b2a"]
_LETTERS = 300


def choices(found: Found) -> list[str]:
    """Return the domains or directions that weights know; none if there is nothing to choose."""
    if found.header.domains:
        return found.header.domains if _kinds(found) != {"independent"} else []
    return _DIRECTIONS if "direction" in _options(found) else []


def attributes(found: Found) -> list[str]:
    """Return what can be written as ``+A,-B`` for weights that know attributes, or nothing."""
    return found.header.domains if "independent" in _kinds(found) else []


def translate(
    place: Place, image: Image.Image | None, weights: str, to: str | None, change: str = "", has: str = ""
) -> tuple[tuple[Image.Image, Image.Image], str, str]:
    """Return source and result as the slider shows them, the result as a file, and a remark.

    ``to`` is one of the choices; ``change`` and ``has`` are attributes, as ``--to`` and ``--from`` take them.
    """
    picture, model = check_picture(image), place.model(weights)
    chosen = _chosen(place.find(weights), to, change, has)
    result: Image.Image = model.translate(picture, **chosen)
    file = Path(mkdtemp(dir=os.environ.get("GRADIO_TEMP_DIR"))) / "translated.png"
    result.save(file)
    return (_shown(picture, model), _shown(result, model)), str(file), _remark(model, picture, chosen)


def _chosen(found: Found, to: str | None, change: str, has: str) -> dict[str, Any]:
    if max(len(change), len(has)) > _LETTERS:
        raise GanToolsError(f"there are more than {_LETTERS} letters", "write some attributes, such as +A,-B")
    if attributes(found) and change.strip():
        if change.strip() == "all":
            raise GanToolsError("the page translates once at a time", "write some attributes, such as +A,-B")
        return {"to": [change]} | ({"from_": has} if has.strip() else {})
    if to is None or to not in choices(found):
        return {}
    return {"to": [to]} if found.header.domains else {"direction": to}


def _kinds(found: Found) -> set[str]:
    """Return whether domains are "exclusive" or "independent", of weights that have some."""
    return set(found.header.config.get("labels") or []) if found.header.domains else set()


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
            source = gr.Image(
                label="picture", type="pil", image_mode=None, sources=["upload"], height=300, elem_id="t-source"
            )
            weights = weights_list(place, "translate", "t-weights")
            to = gr.Dropdown([], label="into", visible=False, elem_id="t-to")
            change = gr.Textbox("", visible=False, max_length=_LETTERS, elem_id="t-change")
            has = gr.Textbox("", visible=False, max_length=_LETTERS, elem_id="t-has")
            go = gr.Button("translate", variant="primary", elem_id="t-go")
        with gr.Column():
            slider = gr.ImageSlider(
                label="before and after", type="pil", format="png", height=420, max_height=420, elem_id="t-slider"
            )
            remark = gr.Markdown(elem_id="t-remark")
            file = gr.DownloadButton("download", interactive=False, elem_id="t-file")

    def chosen(name: str | None) -> Any:
        known, written = ([], []) if not name else (choices(place.find(name)), attributes(place.find(name)))
        return (
            gr.Dropdown(choices=known, value=known[0] if known else None, visible=bool(known)),
            *(gr.Textbox(value="", visible=bool(written), **words) for words in _fields(written)),
        )

    def run(image: Image.Image | None, name: str, into: str | None, changed: str, had: str) -> Any:
        pair, path, said = translate(place, image, name, into, changed, had)
        return pair, said, gr.DownloadButton(value=path, interactive=True)

    gr.on(fn=spoken(chosen), inputs=weights, outputs=[to, change, has], api_visibility="private")
    inputs, outputs = [source, weights, to, change, has], [slider, remark, file]
    for trigger in (go.click, change.submit, has.submit):
        trigger(spoken(run), inputs, outputs, concurrency_id=BUSY, api_visibility="private")


def _fields(names: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the words around the two fields for attributes, with examples of these weights."""
    first, second = (names * 2)[:2] or ("A", "B")
    return (
        {
            "label": "attributes",
            "info": f"A,B: these alone; +A,-B: the others as they are. Known: {', '.join(names)}",
            "placeholder": f"+{first},-{second}" if len(names) > 1 else f"+{first}",
        },
        {"label": "the picture has (optional)", "info": "A,B or none; else it is seen", "placeholder": first},
    )
