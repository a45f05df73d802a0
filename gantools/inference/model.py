"""A trained model: weights, brought back to life by what their header says."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from textwrap import shorten
from typing import Any, overload

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn.functional import pad

from gantools.config import Options, RunConfig, flag, validate
from gantools.data.decode import alpha_of, open_image, parse_background, to_channels
from gantools.data.pixels import resized, to_bytes, to_image, to_unit
from gantools.data.profile import strangeness
from gantools.data.settings import FramedSettings
from gantools.device import pick_device
from gantools.errors import GanToolsError
from gantools.inference.engine import OnnxNetwork, on_cpu
from gantools.inference.large import Tiling, translate_picture
from gantools.inference.notebook import as_html
from gantools.plugins import TaskInfo, manager
from gantools.randomness import seeded
from gantools.registry import load_object
from gantools.task import Networks, Task
from gantools.weights.find import Found
from gantools.weights.header import Header, read_networks
from gantools.weights.onnx import SUFFIX, open_session, read_metadata

Source = str | Path | Image.Image
_LONGEST = 200  # letters of another program's error that are repeated


class Model:
    """A task with its trained generators, ready to translate or to generate.

    ``header`` says what the weights are, ``networks[name]`` is a plain torch module. Options such as ``direction`` are
    keyword arguments of `translate` and `generate`; which there are depends on the task. ``tiling`` says how pictures
    too large for the memory are translated. ``margin`` is how many pixels of background training put around pictures
    (`--pad`) before it cut windows out; as many are put around each here: what ends at a border looks cut off without.
    """

    def __init__(
        self, info: TaskInfo, header: Header, networks: Networks, task: Task[Any], device: torch.device, path: Path
    ) -> None:
        self.info, self.header, self.networks, self.task, self.device = info, header, networks, task, device
        self.path, self.tiling = path, Tiling()
        background = getattr(task.config, "background", "white")
        self.background = parse_background(background)
        self.channels = int(getattr(task.config, "in_channels", 3))
        self.margin = task.config.margin if isinstance(task.config, FramedSettings) else 0

    @overload
    def translate(self, images: Source, seed: int = 0, **options: Any) -> Image.Image: ...
    @overload
    def translate(self, images: Tensor, seed: int = 0, **options: Any) -> Tensor: ...
    @overload
    def translate(self, images: Sequence[Source], seed: int = 0, **options: Any) -> list[Image.Image]: ...
    def translate(self, images: Any, seed: int = 0, **options: Any) -> Any:
        """Translate pictures, keeping their size, and their transparency where the task keeps their shape.

        ``images`` is a path, a Pillow picture, a list of either, or a tensor [N, C, H, W] or [C, H, W] in [-1, 1];
        the result is of the same kind (a picture for a path). Options that ask for several translations, such as
        ``to="all"``, give a dictionary of such results.
        """
        variants = self.variants(options)
        if list(variants) == [""]:
            return self._translate(images, seed, variants[""])
        return {name: self._translate(images, seed, chosen) for name, chosen in variants.items()}

    def _translate(self, images: Any, seed: int, chosen: Options) -> Any:
        if isinstance(images, Tensor):
            _check_tensor(images, self.channels)
            batch = images if images.dim() == 4 else images[None]
            result = self._within_margin(batch.to(self.device), chosen, seed).to(images.device)
            return result if images.dim() == 4 else result[0]
        if isinstance(images, str | Path | Image.Image):
            return self.picture(images, chosen, seed)
        if not isinstance(images, Sequence):
            raise GanToolsError(
                f"cannot translate a {type(images).__name__}",
                "give a path, a Pillow picture, a list of them, or a tensor",
            )
        return [self.picture(image, chosen, seed) for image in images]

    @overload
    def generate(self, prompts: str, n: int = 1, seed: int = 0, **options: Any) -> list[Image.Image]: ...
    @overload
    def generate(
        self, prompts: Sequence[str], n: int = 1, seed: int = 0, **options: Any
    ) -> list[list[Image.Image]]: ...
    def generate(self, prompts: Any, n: int = 1, seed: int = 0, **options: Any) -> Any:
        """Paint ``n`` pictures of a prompt, or of each of several: a list, or a list of lists.

        A picture depends on the seed, its prompt and its number alone, whatever else is asked for with it.
        """
        from gantools.inference.generation import paint, wishes_for

        several = [prompts] if isinstance(prompts, str) else list(prompts)
        pictures = list(paint(self, wishes_for(several, n), seed, **options))
        rows = [pictures[i * n : (i + 1) * n] for i in range(len(several))]
        return rows[0] if isinstance(prompts, str) else rows

    def remark(self, image: Image.Image, **options: Any) -> str | None:
        """Say how a picture plainly differs from all that the weights were trained on, or return None."""
        profiles = self.header.data.get("profile", {})
        known = profiles.get(self.task.source(self.options(options)), {})
        side = self.header.size or 64
        return strangeness(resized(self.shown(image), side), known)

    def options(self, given: dict[str, Any]) -> Options:
        """Check options against those of the task; GanToolsError names what does not fit."""
        cls: type[Options] = load_object(self.info.options)
        strangers = [flag(name) for name in given if name not in cls.model_fields]
        if strangers:
            known = ", ".join(map(flag, cls.model_fields)) or "no option of its own"
            raise GanToolsError(
                f"{self.header.task} weights have no use for {', '.join(strangers)}",
                f"{self.header.task} takes {known}; `gantools weights list` shows what other weights there are",
            )
        self._check_settled(given)
        return validate(cls, given)

    def _check_settled(self, given: dict[str, Any]) -> None:
        """Raise GanToolsError for what onnxruntime cannot do otherwise than the generator was exported."""
        for network in self.networks.generators.values():
            for name, value in network.settled.items() if isinstance(network, OnnxNetwork) else ():
                if given.get(name) not in {None, value}:
                    raise GanToolsError(
                        f"by onnxruntime these weights translate with {flag(name)} {value} alone",
                        f"leave {flag(name)} out, or use the weights by torch",
                    )

    def variants(self, given: dict[str, Any]) -> dict[str, Options]:
        """Return the translations that options ask for, "" for a single one; GanToolsError says what they lack."""
        chosen: dict[str, Options] = self.task.variants(self.options(given))
        return chosen

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the weights file."""
        with self.path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()

    def to(self, device: str) -> Model:
        """Move the networks to another device and return the model; GanToolsError if it cannot be used."""
        by_onnx = any(isinstance(network, OnnxNetwork) for network in self.networks.generators.values())
        self.device = torch.device(on_cpu(device) if by_onnx else pick_device(device))
        self.networks.to(self.device)
        return self

    def __repr__(self) -> str:
        header = self.header
        return f"Model({header.task}, size {header.size}, step {header.step}, on {self.device})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the header's main points, and the sheet of what the weights do."""
        return as_html(self.header, self.path, str(self.device))

    def picture(self, source: Source, options: Options, seed: int) -> Image.Image:
        """Translate one picture by options that have been checked."""
        image = source if isinstance(source, Image.Image) else open_image(Path(source))
        return self.finished(image, translate_picture(self, self.shown(image), options, seed))

    def pictures(self, images: Sequence[Image.Image], options: Options, seed: int) -> list[Image.Image]:
        """Translate pictures of one size in one pass."""
        batch = torch.stack([to_unit(to_bytes(self.shown(image))) for image in images])
        made = self.run(batch.to(self.device), options, seed)
        return [self.finished(image, to_image(one)) for image, one in zip(images, made, strict=True)]

    def is_steady(self, options: Options) -> bool:
        """Say whether a translation is the same by any seed, so that it does not matter what it is made with."""
        blank = torch.zeros(1, self.channels, *[self.header.size or 64] * 2, device=self.device)
        return torch.equal(self.run(blank, options, 0), self.run(blank, options, 1))

    def in_parts(self, options: Options) -> bool:
        """Say whether a picture can be translated part by part: torch runs the networks, and the task says how."""
        onnx = any(isinstance(network, OnnxNetwork) for network in self.networks.generators.values())
        return not onnx and self.task.view(options) is not None

    def shown(self, image: Image.Image) -> Image.Image:
        """Return a picture as the generator is shown it, with its margin."""
        picture = to_channels(image, self.channels, self.background)
        return ImageOps.expand(picture, self.margin, self.background) if self.margin else picture

    def finished(self, image: Image.Image, result: Image.Image) -> Image.Image:
        """Return the translation of what was shown without the margin, and with the picture's transparency."""
        result = ImageOps.crop(result, self.margin) if self.margin else result
        alpha = alpha_of(image)
        if alpha is not None and result.mode != "RGBA" and self.task.keeps_shape:
            result.putalpha(alpha)
        return result

    def _within_margin(self, images: Tensor, options: Options, seed: int) -> Tensor:
        """Translate [N, C, H, W] with the margin around them."""
        if not self.margin:
            return self.run(images, options, seed)
        background = (torch.tensor(self.background, device=images.device) / 127.5 - 1)[:, None, None]
        shown = pad(images - background, [self.margin] * 4) + background
        within = slice(self.margin, -self.margin)
        return self.run(shown, options, seed)[..., within, within].contiguous()

    @torch.no_grad()  # not inference_mode: the result may be changed in place, and trained on
    def run(self, images: Tensor, options: Options, seed: int) -> Tensor:
        """Translate [N, C, H, W] in [-1, 1] on the model's device, by options that have been checked."""
        with seeded(seed, self.device):  # for tasks with noise: a result depends on no picture before it
            return self.task.translate(self.networks, images.float(), options)


def load_model(found: Found, device: str = "auto") -> Model:
    """Build the networks that a weights file describes and fill them; GanToolsError if it does not fit."""
    header = found.header
    if header.task not in manager().tasks.names():
        plugin = header.plugin.get("distribution", "?")
        raise GanToolsError(
            f"{found.name} is for the task `{header.task}`, which no installed plugin has",
            f"install the plugin that made it: pip install {plugin}",
        )
    info = manager().tasks.get(header.task)
    target = torch.device(on_cpu(device) if found.path.suffix == SUFFIX else pick_device(device))
    tensors = {} if found.path.suffix == SUFFIX else read_networks(found.path)[0]
    try:
        config: RunConfig = validate(load_object(info.config), header.config)
        task: Task[Any] = load_object(info.task)(config)
        networks = _fill(task, tensors) if tensors else _by_onnx(found.path)
    except (GanToolsError, RuntimeError, ValueError, TypeError, ArithmeticError, MemoryError) as error:
        reason = error.message if isinstance(error, GanToolsError) else _first_lines(error)
        origin = " ".join(header.plugin.get(key, "?") for key in ("distribution", "version"))
        raise GanToolsError(
            f"{found.name} does not fit its own header: {reason}",
            f"copy it again if it is damaged; it was made by {origin}, and another version may not read it",
        ) from None
    networks.eval().requires_grad_(False).to(target)
    return Model(info, header, networks, task, target, found.path)


def _by_onnx(path: Path) -> Networks:
    """Return the generator of an ONNX file, which onnxruntime runs."""
    session = open_session(path, torch.get_num_threads())
    graph = read_metadata(session, path)[1]
    return Networks({graph["network"]: OnnxNetwork(session, graph["inputs"], graph.get("settled", {}))})


def _fill(task: Task[Any], tensors: dict[str, Tensor]) -> Networks:
    """Build a task's generators around tensors from a file, which have to be all theirs and of the right shapes."""
    values = {
        f"generators.{name}": tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in tensors.items()
    }
    with torch.device("meta"):  # no memory yet: an absurd header cannot ask for more than the file holds
        networks = Networks(task.generators())
    networks.load_state_dict(values, assign=True)
    if any(buffer.is_meta for buffer in networks.buffers()):  # constants that are not part of the file
        networks = Networks(task.generators())
        networks.load_state_dict(values)
    return networks


def _check_tensor(images: Tensor, channels: int) -> None:
    if images.dim() not in {3, 4} or not images.is_floating_point() or images.shape[-3] != channels:
        raise GanToolsError(
            f"cannot translate a tensor of {images.dtype} and shape {list(images.shape)}",
            f"give floats in [-1, 1], shaped [C, H, W] or [N, C, H, W] with C = {channels}",
        )


def _first_lines(error: Exception) -> str:
    """Return what an error says in one short line; torch's second names all tensors that are missing."""
    return shorten(" ".join(str(error).splitlines()[:2]), _LONGEST, placeholder=" …") or type(error).__name__
