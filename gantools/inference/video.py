"""Videos, frame by frame: the same noise and the same statistics for all of them, and the sound as it was."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from gantools.config import Options
from gantools.data.frames import opened
from gantools.data.pixels import to_image
from gantools.errors import GanToolsError
from gantools.inference.large import preview
from gantools.inference.parts import PartTranslator
from gantools.networks.whole import Part
from gantools.storage import write_atomically

if TYPE_CHECKING:
    from gantools.inference.model import Model

_SEEN = 8  # frames that the statistics are of
_RATE = 25
_MATRIX, _RANGE = 6, 1  # of colours, as FFmpeg numbers them: SMPTE 170M, that Pillow's pictures are encoded by; limited


def translate_video(model: Model, source: Path, target: Path, options: Options, seed: int = 0) -> None:
    """Translate a video into another, with its size, its times and its sound; GanToolsError says what is wrong.

    Norms go by the statistics of a few frames from all over the clip, attributes are recognised in these together, and
    dropout drops in the same places, so that nothing flickers that does not flicker in the source.
    """
    frames = _Frames(model, source, options, seed)
    write_atomically(target, lambda temporary: _write(frames, source, temporary, target))


class _Frames:
    """Translates frames of one video."""

    def __init__(self, model: Model, source: Path, options: Options, seed: int) -> None:
        several, self._count = _spread(source)
        self._what, self._done = f"frames of {source.name}", 0
        alike = [image for image in several if image.size == several[0].size]
        previews = torch.cat([preview(model, model.shown(image)) for image in alike])
        options = model.task.settled(model.networks, previews, options)
        self._model, self._options, self._seed = model, options, seed
        self.size = several[0].size
        self._steady: PartTranslator | None = None
        if model.in_parts(options):
            shown = [model.shown(image) for image in several]
            self._steady = PartTranslator(model, options, seed)
            self._steady.gather([(_all_of(image), partial(Image.Image.copy, image)) for image in shown])

    def __call__(self, image: Image.Image) -> Image.Image:
        """Return the translation of a frame, of the frame's size."""
        self._done += 1
        self._model.tiling.report(self._what, self._done, max(self._done, self._count))
        if self._steady is None:
            return self._model.picture(image, self._options, self._seed).convert("RGB")
        shown = self._model.shown(image)
        return self._model.finished(image, to_image(self._steady(_all_of(shown), shown))).convert("RGB")


def _all_of(image: Image.Image) -> Part:
    return Part(image.height, image.width, 0, 0, 0, 0, None, None)


def _spread(source: Path) -> tuple[list[Image.Image], int]:
    """Return a few frames from all over a video, and about how many it has."""
    with opened(source) as container:
        count = sum(1 for _ in container.demux(video=0)) or 1
    wanted = {int((i + 0.5) * count / _SEEN) for i in range(_SEEN)}
    with opened(source) as container:
        frames = [_image(frame) for n, frame in enumerate(container.decode(video=0)) if n in wanted or not n]
    if not frames:
        raise GanToolsError(f"{source} holds no pictures", "give a video that can be played")
    return frames[1:] or frames, count


def _image(frame: Any) -> Image.Image:
    """Return a frame as a picture, upright, without the last row or column of an odd size, which no encoder takes."""
    image: Image.Image = frame.to_image().rotate(getattr(frame, "rotation", 0), expand=True)
    return image.crop((0, 0, max(2, image.width & ~1), max(2, image.height & ~1)))


def _write(frames: _Frames, source: Path, path: Path, target: Path) -> None:
    import av

    kind = {".mkv": "matroska", ".m4v": "mp4"}.get(target.suffix.lower(), target.suffix.lower().lstrip("."))
    with opened(source) as container:
        try:
            with av.open(str(path), "w", format=kind) as made:
                _copy(frames, container, made)
        except (av.FFmpegError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise GanToolsError(
                f"{target} cannot be written: {reason}", "give --out a name that ends in .mp4 or .mkv"
            ) from None


def _copy(frames: _Frames, container: Any, made: Any) -> None:
    """Write the translated frames and the packets of the sound, in the order they come."""
    pictures = container.streams.video[0]
    sound = container.streams.audio[0] if container.streams.audio else None
    rate = pictures.average_rate or Fraction(_RATE)
    stream = made.add_stream("libx264", rate=rate)
    stream.width, stream.height = frames.size
    stream.pix_fmt, stream.options = "yuv420p", {"crf": "16"}
    coder = stream.codec_context
    coder.time_base, coder.colorspace, coder.color_range = pictures.time_base, _MATRIX, _RANGE
    if pictures.sample_aspect_ratio:
        coder.sample_aspect_ratio = pictures.sample_aspect_ratio
    copied = made.add_stream_from_template(sound) if sound else None
    for packet in container.demux(*[one for one in (pictures, sound) if one]):
        if sound and packet.stream is sound:
            if packet.dts is not None:
                packet.stream = copied
                made.mux(packet)
            continue
        for frame in packet.decode():
            for written in _encoded(frames, frame, stream):
                made.mux(written)
    made.mux(stream.encode(None))


def _encoded(frames: _Frames, frame: Any, stream: Any) -> Iterator[Any]:
    """Yield the packets of a translated frame, which keeps its time."""
    import av

    image = frames(_image(frame))
    if image.size != (stream.width, stream.height):
        image = image.resize((stream.width, stream.height))
    made: Any = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
    made.pts, made.time_base = frame.pts, frame.time_base
    yield from stream.encode(made)
