"""Parts of a picture through a network, as if they were whole: what they need of each other is gathered first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from PIL import Image
from torch import Tensor, nn

from gantools.config import Options
from gantools.data.pixels import to_bytes, to_unit
from gantools.networks.whole import Gathered, Part, Passage, power_of_two, whole_networks
from gantools.randomness import seeded
from gantools.task import Networks

if TYPE_CHECKING:
    from gantools.inference.model import Model

_PROBE = 64
_COPIES = 3  # of the largest layer's input and output that are there at once, work space of convolutions among them
Pieces = Sequence[tuple[Part, Callable[[], Image.Image]]]
Step = Callable[[int, int], None]


class PartTranslator:
    """Translates parts of pictures, all by the same statistics and the same dropout."""

    def __init__(self, model: Model, options: Options, seed: int) -> None:
        self._model, self._options, self._seed = model, options, seed
        self._passage = Passage(seed % 2**32)
        copies = whole_networks(dict(model.networks.generators.items()), self._passage)
        self._nets = Networks(copies).eval().requires_grad_(False)

    def gather(self, pieces: Pieces, step: Step = lambda layer, number: None) -> int:
        """Gather the norms' statistics over parts, a pass for each norm, and return how many passes it took.

        ``step(pass, part)`` is called after each part of each pass, both counted from 1.
        """
        self._passage.forget()
        passes = 0
        while True:
            for number, (part, crop) in enumerate(pieces, start=1):
                try:
                    self(part, crop())
                except Gathered:
                    step(passes + 1, number)
                else:  # there is nothing more to gather
                    return passes
            passes += 1
            self._passage.settle()

    @torch.no_grad()
    def __call__(self, part: Part, image: Image.Image) -> Tensor:
        """Return the translation [C, h, w] of a part's core."""
        self._passage.part = part
        images = to_unit(to_bytes(image))[None].to(self._model.device)
        with seeded(self._seed, self._model.device):
            result = self._model.task.translate(self._nets, images, self._options)[0]
        bottom = None if part.height is None else part.top + part.height
        right = None if part.width is None else part.left + part.width
        return result[:, part.top : bottom, part.left : right]


def probe(model: Model, options: Options, stride: int) -> tuple[int, int]:
    """Return how far a network sees from a pixel, in pixels, and about how many bytes a pixel takes on its way.

    Both are read off the layers: a kernel of k sees (k - 1) / 2 places around, and half a place more where it has no
    middle to stand on; what changes the size without a kernel, such as interpolation, is taken to see two around.
    """
    side = max(_PROBE, 2 * stride)
    reach, largest = 0.0, 0

    def seen(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal reach, largest
        kernel = getattr(layer, "kernel_size", None)
        if output.dim() != 4 or (kernel is None and list(layer.children())):
            return
        before, after = (power_of_two(side / one.shape[-1]) for one in (inputs[0], output))
        if kernel is not None:
            odd = _first(kernel) % 2 == 1
            around = (_first(kernel) - 1) / 2 * _first(getattr(layer, "dilation", 1))
            reach += min(before, after) * (around + 0.5 * (odd == (before != after)))
        elif before != after:
            reach += 2 * max(before, after)
        largest = max(largest, inputs[0].numel() + output.numel())

    hooks = [layer.register_forward_hook(seen) for layer in model.networks.generators.modules()]
    try:
        with torch.no_grad(), seeded(0, model.device):
            blank = torch.zeros(1, model.channels, side, side, device=model.device)
            model.task.translate(model.networks, blank, options)
    finally:
        for hook in hooks:
            hook.remove()
    return int(reach) + 1, 4 * _COPIES * largest // side**2


def _first(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]
