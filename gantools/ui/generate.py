"""The tab that paints pictures from words."""

from __future__ import annotations

from PIL import Image

from gantools.errors import GanToolsError
from gantools.inference.generation import paint_between
from gantools.ui.place import BUSY, Place, spoken, weights_list

_MOST, _LETTERS, _SIDE = 16, 300, 256


def generate(place: Place, weights: str, prompt: str, other: str, seed: float, count: float) -> list[Image.Image]:
    """Return ``count`` pictures of a prompt, or as many on the way from it to another."""
    seed, count = _whole(seed, "seed", 0, 2**31), _whole(count, "count", 1, _MOST)
    if max(len(prompt), len(other)) > _LETTERS:
        raise GanToolsError(f"the prompt has more than {_LETTERS} letters", "say it shorter")
    model = place.model(weights)
    if not other.strip():
        pictures = model.generate(prompt, n=count, seed=seed)
    elif count < 2:
        raise GanToolsError("one picture leaves no way between two prompts", "set the count to 2 or more")
    else:
        pictures = list(paint_between(model, prompt, other, count, seed))
    return [_enlarged(picture) for picture in pictures]


def _whole(value: float | None, name: str, least: int, most: int) -> int:
    if value is None or value != int(value) or not least <= value <= most:
        raise GanToolsError(f"{name} {value} is not possible", f"give a whole number from {least} to {most}")
    return int(value)


def _enlarged(picture: Image.Image) -> Image.Image:
    scale = max(1, _SIDE // picture.width)
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def build(place: Place) -> None:
    """Lay the tab out."""
    import gradio as gr

    with gr.Row():
        with gr.Column():
            prompt = gr.Textbox("", label="prompt", placeholder="a red bird", max_length=_LETTERS, elem_id="g-prompt")
            other = gr.Textbox(
                "", label="on the way to (optional)", placeholder="a blue fish", max_length=_LETTERS, elem_id="g-other"
            )
            seed = gr.Number(0, label="seed", precision=0, minimum=0, elem_id="g-seed")
            count = gr.Slider(1, _MOST, 4, step=1, label="count", elem_id="g-count")
            weights = weights_list(place, "generate", "g-weights")
            go = gr.Button("generate", variant="primary", elem_id="g-go")
        with gr.Column():
            gallery = gr.Gallery(
                label="pictures", show_label=False, columns=4, format="png", height=420, elem_id="g-gallery",
                buttons=["download", "fullscreen"],
            )  # fmt: skip

    def run(name: str, words: str, to: str, number: float, many: float) -> list[Image.Image]:
        return generate(place, name, words, to, number, many)

    inputs = [weights, prompt, other, seed, count]
    for trigger in (go.click, prompt.submit, other.submit):
        trigger(spoken(run), inputs, gallery, concurrency_id=BUSY, api_visibility="private")
