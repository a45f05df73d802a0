"""From prompts to pictures: noise that depends on seed, prompt and number alone, and file names that are safe."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from gantools.data.captions import clean_caption
from gantools.data.pixels import to_image
from gantools.errors import GanToolsError
from gantools.randomness import derive_seed
from gantools.storage import write_atomically

if TYPE_CHECKING:
    from gantools.inference.model import Model

_ROWS = 8  # pictures in every pass: the arithmetic of one must not depend on how many others are asked for
_NAME_BYTES = 80


@dataclass(frozen=True)
class Wish:
    """One picture to paint: picture number ``index`` of a prompt."""

    prompt: str
    index: int = 0


def wishes_for(prompts: Sequence[str], n: int) -> list[Wish]:
    """Return ``n`` wishes for each prompt, white space and control characters made single spaces.

    GanToolsError names a prompt that is empty.
    """
    if n < 1:
        raise GanToolsError(f"-n {n} asks for no picture", "give 1 or more")
    cleaned = [clean_caption(prompt) for prompt in prompts]
    for number, prompt in enumerate(cleaned, start=1):
        if not prompt:
            which = "the prompt is empty" if len(cleaned) == 1 else f"prompt {number} is empty"
            raise GanToolsError(which, 'say what to paint, such as "a red bird"')
    return [Wish(prompt, index) for prompt in cleaned for index in range(n)]


def paint(model: Model, wishes: Sequence[Wish], seed: int = 0, **options: Any) -> Iterator[Image.Image]:
    """Yield a picture for each wish."""
    noise = [_noise(model, seed, wish) for wish in wishes]
    words = _encoded(model, [wish.prompt for wish in wishes])
    yield from _passes(model, {"noise": torch.stack(noise), **words}, options)


def paint_between(
    model: Model, first: str, second: str, frames: int, seed: int = 0, **options: Any
) -> Iterator[Image.Image]:
    """Yield ``frames`` pictures on the way from one prompt to another: the same noise, the words' vectors mixed."""
    if frames < 2:
        raise GanToolsError(f"--frames {frames} leaves no way between two prompts", "give 2 or more")
    ends = wishes_for([first, second], 1)
    words = _encoded(model, [wish.prompt for wish in ends])
    share = torch.linspace(0, 1, frames)
    mixed = {name: _mixed(part, share) for name, part in words.items()}
    noise = _noise(model, seed, ends[0]).expand(frames, *model.task.noise_shape)
    yield from _passes(model, {"noise": noise, **mixed}, options)


def file_names(wishes: Sequence[Wish]) -> list[str]:
    """Return a PNG's name for each wish, made of its prompt's letters and digits; all differ."""
    several = any(wish.index for wish in wishes)
    names: dict[str, None] = {}
    for wish in wishes:
        stem = _stem(wish.prompt)
        numbered = (
            f"{stem}-{wish.index + 1}" if several else stem,
            *(f"{stem}-{i}" for i in range(2, len(wishes) + 2)),
        )
        names[next(name for name in numbered if name.casefold() not in names)] = None
    return [f"{name}.png" for name in names]


def save_png(picture: Image.Image, path: Path, said: dict[str, str]) -> None:
    """Write a PNG that says in its text chunks what it was made from."""
    text = PngImagePlugin.PngInfo()
    for key, value in said.items():
        text.add_itxt(key, value)
    write_atomically(path, lambda temporary: picture.save(temporary, "PNG", pnginfo=text))


def _stem(prompt: str) -> str:
    """Return a prompt as a file name without suffix: no separators, dots or spaces, and not too long."""
    letters = "".join(c if c.isalnum() else "-" for c in unicodedata.normalize("NFC", prompt.casefold()))
    stem = re.sub("-+", "-", letters).encode()[:_NAME_BYTES].decode(errors="ignore").strip("-")
    return stem or "picture"


def _noise(model: Model, seed: int, wish: Wish) -> Tensor:
    generator = torch.Generator().manual_seed(derive_seed(seed, wish.prompt, wish.index))
    return torch.randn(model.task.noise_shape, generator=generator)


def _encoded(model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
    """Encode each prompt once, and return a row for every place where it stands."""
    once = list(dict.fromkeys(prompts))
    rows = torch.tensor([once.index(prompt) for prompt in prompts])
    return {name: part[rows] for name, part in model.task.encode(once).items()}


def _mixed(ends: Tensor, share: Tensor) -> Tensor:
    """Mix the two rows of ``ends`` by each share; where they are masks, take both."""
    if ends.dtype == torch.bool:
        return ends.any(0).expand(len(share), *ends.shape[1:])
    weight = share.view(-1, *[1] * (ends.dim() - 1))
    return ends[0] * (1 - weight) + ends[1] * weight


@torch.no_grad()
def _run(model: Model, batch: dict[str, Tensor], options: Any) -> Tensor:
    result: Tensor = model.task.generate(model.networks, batch, options)
    return result.cpu()


def _passes(model: Model, rows: dict[str, Tensor], options: dict[str, Any]) -> Iterator[Image.Image]:
    """Run the generator on `_ROWS` rows at a time, the last ones filled up with copies."""
    chosen = model.options(options)
    count = len(rows["noise"])
    for start in range(0, count, _ROWS):
        take = torch.arange(start, start + _ROWS).clamp(max=count - 1)
        batch = {name: part[take].to(model.device) for name, part in rows.items()}
        yield from map(to_image, itertools.islice(_run(model, batch, chosen), min(_ROWS, count - start)))
