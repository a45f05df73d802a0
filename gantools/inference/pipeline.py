"""Translating many files: the next are decoded and the last are written while the generator works."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from PIL import Image

from gantools.config import Options
from gantools.data.decode import MAX_PIXELS, open_image
from gantools.data.frames import is_video
from gantools.errors import GanToolsError
from gantools.inference.files import Job, save_like
from gantools.inference.model import Model
from gantools.inference.video import translate_video

_THREADS = 2  # that decode, and that write
_AHEAD, _AHEAD_PIXELS = 16, 16_000_000
_BATCH_PIXELS, _BATCH_PIXELS_GPU = 1 << 15, 1 << 20  # that a network sees; more at once is no faster on a CPU


@dataclass(frozen=True)
class Result:
    """What became of a job: ``error`` says why it failed, ``remark`` how the picture differs from the training's."""

    job: Job
    error: str | None = None
    remark: str | None = None


def translate_files(
    model: Model, jobs: Sequence[Job], seed: int = 0, max_pixels: int = MAX_PIXELS, **options: object
) -> Iterator[Result]:
    """Translate pictures and yield what became of each, in order; one that fails does not stop the rest.

    Neighbours of one size go through the generator together where they are small and nothing in it is random.
    """
    variants = model.variants(options)
    together = {word: _is_steady(model, chosen) for word, chosen in variants.items()} if len(jobs) > 1 else {}
    with ThreadPoolExecutor(_THREADS) as readers, ThreadPoolExecutor(_THREADS) as writers:
        decoded = _Ahead(readers, jobs, max_pixels)
        writing: deque[Future[Result] | Result] = deque()
        while group := decoded.group(model, variants, together):
            chosen = variants[group[0].job.variant]
            for one, made in zip(group, _translated(model, group, chosen, seed), strict=True):
                if isinstance(made, Result):
                    writing.append(made)
                else:
                    writing.append(writers.submit(_finished, model, one, made, chosen))
            while writing and (len(writing) > decoded.most or _is_done(writing[0])):
                yield _outcome(writing.popleft())
        while writing:
            yield _outcome(writing.popleft())


@dataclass(frozen=True)
class _Opened:
    """A job with its picture, or with why there is none; a video's has neither."""

    job: Job
    image: Image.Image | GanToolsError | None


class _Ahead:
    """Decodes pictures before they are asked for: the fewer, the larger they are."""

    def __init__(self, pool: ThreadPoolExecutor, jobs: Sequence[Job], max_pixels: int) -> None:
        self._pool, self._jobs, self._max_pixels = pool, iter(jobs), max_pixels
        self._coming: deque[Future[_Opened]] = deque()
        self._next: _Opened | None = None
        self.most = 1  # pictures that are on their way

    def group(self, model: Model, variants: dict[str, Options], together: dict[str, bool]) -> list[_Opened]:
        """Return the next pictures that can be translated in one pass; none at the end."""
        first = self._take()
        if first is None:
            return []
        group = [first]
        if not isinstance(first.image, Image.Image) or not together.get(first.job.variant):
            return group
        most = _most_together(model, first.image, variants[first.job.variant])
        while len(group) < most and (following := self._take()) is not None:
            if following.job.variant != first.job.variant or getattr(following.image, "size", None) != first.image.size:
                self._next = following
                break
            group.append(following)
        return group

    def _take(self) -> _Opened | None:
        if self._next is not None:
            taken, self._next = self._next, None
            return taken
        self._fill(max(1, self.most))
        if not self._coming:
            return None
        opened = self._coming.popleft().result()
        if isinstance(opened.image, Image.Image):
            self.most = min(_AHEAD, _AHEAD_PIXELS // max(1, opened.image.width * opened.image.height))
        self._fill(self.most)
        return opened

    def _fill(self, most: int) -> None:
        for job in islice(self._jobs, max(0, most - len(self._coming))):
            self._coming.append(self._pool.submit(self._open, job))

    def _open(self, job: Job) -> _Opened:
        if is_video(job.source):
            return _Opened(job, None)
        try:
            return _Opened(job, open_image(job.source, self._max_pixels))
        except GanToolsError as error:
            return _Opened(job, error)
        except MemoryError:
            return _Opened(job, GanToolsError(f"{job.source} is too large for the memory", "make it smaller"))


def _most_together(model: Model, image: Image.Image, chosen: Options) -> int:
    """Return how many pictures of this size may go through the generator in one pass."""
    pixels = (image.width + 2 * model.margin) * (image.height + 2 * model.margin)
    view = model.task.view(chosen)
    seen = view.size**2 if view and view.size else pixels
    most = _BATCH_PIXELS if model.device.type == "cpu" else _BATCH_PIXELS_GPU
    return min(most // max(1, seen), _BATCH_PIXELS_GPU // max(1, pixels))


def _is_steady(model: Model, chosen: Options) -> bool:
    """Say whether pictures may be translated together: not if a translation depends on the seed, or is none."""
    try:
        return model.is_steady(chosen)
    except (GanToolsError, RuntimeError, ValueError, MemoryError):
        return False


def _translated(model: Model, group: Sequence[_Opened], chosen: Options, seed: int) -> Sequence[Image.Image | Result]:
    """Return the translations of pictures, or why there are none."""
    images = [one.image for one in group if isinstance(one.image, Image.Image)]
    if len(images) > 1:
        try:
            return model.pictures(images, chosen, seed)
        except (GanToolsError, RuntimeError, ValueError, MemoryError):  # one by one it may do, or says which it is
            pass
    return [_alone(model, one, chosen, seed) for one in group]


def _alone(model: Model, one: _Opened, chosen: Options, seed: int) -> Image.Image | Result:
    if isinstance(one.image, GanToolsError):
        return Result(one.job, one.image.message)
    try:
        if one.image is None:
            translate_video(model, one.job.source, one.job.target, chosen, seed)
            return Result(one.job)
        return model.picture(one.image, chosen, seed)
    except (GanToolsError, RuntimeError, ValueError, MemoryError) as error:
        return _failed(one.job, error)


def _finished(model: Model, one: _Opened, made: Image.Image, chosen: Options) -> Result:
    """Write a translation."""
    assert isinstance(one.image, Image.Image)  # noqa: S101  (else it had not been translated)
    try:
        remark = model.remark(one.image, **chosen.model_dump())
        save_like(one.image, made, one.job.target, model.background)
        return Result(one.job, remark=remark)
    except (GanToolsError, RuntimeError, ValueError, MemoryError) as error:
        return _failed(one.job, error)


def _failed(job: Job, error: Exception) -> Result:
    """Say why a job failed: too large for the memory, or for the format, or what an error says for itself."""
    if isinstance(error, GanToolsError):
        return Result(job, error.message)
    reason = (str(error) or type(error).__name__).splitlines()[0]
    return Result(job, f"{job.source} cannot be translated: {reason}")


def _outcome(writing: Future[Result] | Result) -> Result:
    return writing if isinstance(writing, Result) else writing.result()


def _is_done(writing: Future[Result] | Result) -> bool:
    return isinstance(writing, Result) or writing.done()
