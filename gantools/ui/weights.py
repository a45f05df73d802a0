"""The tab that shows what weights say of themselves."""

from __future__ import annotations

import json
from typing import Any

from PIL import Image

from gantools.data.decode import open_image
from gantools.ui.place import Place, spoken, weights_list
from gantools.weights.card import find_sheet, write_card


def card(place: Place, name: str) -> tuple[str, Image.Image | None, str]:
    """Return the card with its metrics, the sheet, and the header as JSON."""
    found = place.find(name)
    text = write_card(found.header, f"gantools/{name}", sheet=False)
    text = text.split("\n---\n", 1)[-1].replace(f"hf://gantools/{name}", name)  # a hub's front matter and address
    sheet = find_sheet(found.path)
    header = json.dumps(found.header.model_dump(mode="json"), indent=2, ensure_ascii=False)
    return text, open_image(sheet) if sheet else None, header


def build(place: Place) -> None:
    """Lay the tab out."""
    import gradio as gr

    weights = weights_list(place, "", "w-weights")
    with gr.Row():
        with gr.Column():
            text = gr.Markdown(elem_id="w-card")
        with gr.Column():
            sheet = gr.Image(
                label="what it does", show_label=False, buttons=["download", "fullscreen"], format="png",
                interactive=False, elem_id="w-sheet", elem_classes="below-buttons",
            )  # fmt: skip
    with gr.Accordion("header", open=False, elem_id="w-header"):
        header = gr.Code(language="json", interactive=False, max_lines=30)

    def show(name: str) -> Any:
        return card(place, name)

    gr.on(fn=spoken(show), inputs=weights, outputs=[text, sheet, header], api_visibility="private")
