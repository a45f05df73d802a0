"""Videos as pictures: the extra `video`, which brings PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from gantools.errors import GanToolsError

VIDEOS = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})


def duration_of(path: Path) -> float:
    """Return the length of a video in seconds, 0 if the file does not say; GanToolsError if it is none."""
    with opened(path) as container:
        return (container.duration or 0) / 1_000_000


def frames_of(path: Path, every: float) -> Iterator[tuple[float, Image.Image]]:
    """Yield a frame every so many seconds, upright, with its time in seconds; a damaged end is left out."""
    with opened(path) as container:
        due = 0.0
        for frame in container.decode(video=0):
            time = float(frame.time or 0)
            if time >= due:
                yield time, frame.to_image().rotate(getattr(frame, "rotation", 0), expand=True)
                due = (time // every + 1) * every


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open a video that has pictures; GanToolsError if it is none, or PyAV is missing."""
    try:
        import av
    except ImportError:
        raise GanToolsError(f"reading {path} needs PyAV", "pip install 'gantools[video]'") from None
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise GanToolsError(f"{path} holds no pictures", "give a video")
            yield container
    except av.FFmpegError as error:
        raise GanToolsError(f"{path} cannot be read: {error.strerror}", "check the file, or leave it out") from None


def is_video(path: Path) -> bool:
    """Say whether a file is named as a video."""
    return path.suffix.lower() in VIDEOS
