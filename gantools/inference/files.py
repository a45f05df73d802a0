"""From paths to translated files: which pictures are meant, where results go, and how they are written."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from glob import glob
from pathlib import Path

from PIL import Image

from gantools.data.decode import ORIENTATION, Background, quiet_pillow, to_rgb
from gantools.data.folders import image_suffixes, list_images, walk
from gantools.data.frames import is_video
from gantools.errors import GanToolsError
from gantools.storage import write_atomically

_GPS, _DETAILS, _MAKER_NOTE, _INTEROP = 0x8825, 0x8769, 0x927C, 0xA005
_WRITTEN = frozenset({".mkv", ".mov", ".mp4"})
_INPUTS = "give a picture, a video, a folder of pictures, or a quoted pattern like 'photos/*.jpg'"


@dataclass(frozen=True)
class Job:
    """One picture to translate and where its result goes.

    One of several variants of a picture names the ``sheet`` that shows them all.
    """

    source: Path
    target: Path
    variant: str = ""
    sheet: Path | None = None


def plan(inputs: Sequence[str], out: Path, force: bool, variants: Sequence[str] = ("",)) -> list[Job]:
    """Turn files, folders and globs into jobs; GanToolsError before any work if something would be overwritten.

    ``out`` is a folder, or a file name if there is one input picture. Pictures from folders keep their relative names.
    Of several ``variants`` each is a job, whose target ends in its word; the picture's sheet ends in "all".
    """
    pairs = list(dict.fromkeys(pair for text in inputs for pair in _expand(text, alone=len(inputs) == 1)))
    single = _is_file_name(out, len(pairs))
    words = _file_words(variants)
    places = [(source, out if single else out / _writable(name)) for source, name in pairs]
    _check_kinds(places)
    alike = Counter(place.with_suffix("") for _, place in places)
    jobs = []
    for source, place in places:
        name = place.stem if alike[place.with_suffix("")] == 1 else place.name
        sheet = place.with_name(f"{name}-all.png") if len(variants) > 1 and not is_video(source) else None
        jobs += [Job(source, _with_word(place, word), variant, sheet) for variant, word in words.items()]
    _check_targets(jobs, force)
    return jobs


def _check_kinds(places: Sequence[tuple[Path, Path]]) -> None:
    """Raise GanToolsError if a picture is to become a video, or a video a picture."""
    for source, place in places:
        if is_video(source) != is_video(place):
            kinds = ("video", "picture") if is_video(source) else ("picture", "video")
            raise GanToolsError(f"{source} is a {kinds[0]}, and {place} would be a {kinds[1]}", "give --out a folder")


def _check_targets(jobs: Sequence[Job], force: bool) -> None:
    """Raise GanToolsError if something would be overwritten."""
    sources = {_identity(job.source) for job in jobs}
    written = {job.target: job.source for job in reversed(jobs)} | {job.sheet: job.source for job in jobs if job.sheet}
    for target in written:
        if target.exists() and _identity(target) in sources:
            raise GanToolsError(
                f"{target} would be overwritten, and it is one of the pictures to translate",
                "give another folder with --out",
            )
        if target.exists() and not force:
            raise GanToolsError(f"{target} exists", "add --force to replace it, or give another --out")
    for job in jobs:
        if written[job.target] != job.source:
            raise GanToolsError(
                f"{written[job.target]} and {job.source} would both become {job.target}",
                "translate them into different folders with --out",
            )


def save_like(source: Image.Image, result: Image.Image, target: Path, background: Background = (255, 255, 255)) -> None:
    """Write a picture in the format its name says, with the source's EXIF except location and orientation.

    Where the format knows no transparency, the result is laid over ``background``.
    """
    kind = Image.registered_extensions()[target.suffix.lower()]
    settings: dict[str, object] = {}
    if kind in {"AVIF", "JPEG", "WEBP"}:
        settings["quality"] = 95
    exif = _exif_to_keep(source)
    if exif and kind in {"AVIF", "JPEG", "PNG", "TIFF", "WEBP"}:
        settings["exif"] = exif
    if not _can_write(kind, result.mode):
        result = to_rgb(result, background)
    write_atomically(target, lambda temporary: result.save(temporary, kind, **settings))


def _expand(text: str, alone: bool) -> list[tuple[Path, Path]]:
    """Return (picture, relative name of its result) for a file, a folder or a glob.

    A file that is not there is an error if it stands ``alone``; among others it fails later, by itself.
    """
    path = Path(text)
    if is_video(path) and path.exists():
        return [(path, Path(path.name if path.suffix.lower() in _WRITTEN else f"{path.name}.mp4"))]
    if path.is_dir():
        return [(image, image.relative_to(path)) for image in list_images(path, _INPUTS)]
    if path.exists() or path.is_symlink():
        return [(path, Path(path.name))]
    matches = sorted(map(Path, glob(text, recursive=True)))
    if not matches and (alone or any(sign in text for sign in "*?[")):
        raise GanToolsError(f"{text} does not exist", _INPUTS)
    if not matches:
        return [(path, Path(path.name))]
    files = [file for match in matches for file in (sorted(walk(match)) if match.is_dir() else [match])]
    root = _before_pattern(path)
    found = [(file, file.relative_to(root)) for file in files if file.suffix.lower() in image_suffixes()]
    if not found:
        raise GanToolsError(f"no pictures match {text}, but {len(files)} other files", _INPUTS)
    return found


def _file_words(variants: Sequence[str]) -> dict[str, str]:
    """Return a word for each variant, in characters that every system allows in file names; all differ."""
    words: dict[str, str] = {}
    for variant in variants:
        word = re.sub(r"[^-+,.=\w]", "_", variant)
        taken = {other.casefold() for other in words.values()}
        numbered = (word, *(f"{word}-{i}" for i in range(2, len(variants) + 2)))
        words[variant] = next(one for one in numbered if one.casefold() not in taken)
    return words


def _with_word(path: Path, word: str) -> Path:
    """Add a word to a file's name."""
    return path.with_stem(f"{path.stem}-{word}") if word else path


def _before_pattern(path: Path) -> Path:
    """Return the part of a glob that is the same for all its matches."""
    parts = list(path.parts)
    first = next(i for i, part in enumerate(parts) if any(sign in part for sign in "*?["))
    return Path(*parts[:first])


def _is_file_name(out: Path, count: int) -> bool:
    """Whether ``out`` names a picture and not a folder; GanToolsError if it can be neither."""
    if is_video(out) and not out.is_dir():
        return _is_video_name(out, count)
    if out.is_dir() or out.suffix.lower() not in image_suffixes():
        if out.exists() and not out.is_dir():
            raise GanToolsError(f"{out} is a file, not a folder", "give another folder with --out")
        return False
    if count > 1:
        raise GanToolsError(f"{out} names one picture, and there are {count} to translate", "give --out a folder")
    if _writable(out) != out:
        raise GanToolsError(f"Pillow cannot write {out.suffix} files", "give --out a name that ends in .png or .jpg")
    return True


def _is_video_name(out: Path, count: int) -> bool:
    """Return that ``out`` names a video; GanToolsError if it cannot."""
    if count > 1:
        raise GanToolsError(f"{out} names one video, and there are {count} to translate", "give --out a folder")
    if out.suffix.lower() not in _WRITTEN:
        raise GanToolsError(f"{out.suffix} videos are not written", "give --out a name that ends in .mp4, .mov or .mkv")
    return True


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from all others, however it is named; None if it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _writable(name: Path) -> Path:
    """Keep a file name if Pillow can write its format, or if it is a video's, else make it a PNG."""
    if is_video(name):
        return name
    kind = Image.registered_extensions().get(name.suffix.lower())
    keep = kind in Image.OPEN and _can_write(kind, "RGB")
    return name if keep else name.with_name(name.name + ".png")


@cache
def _can_write(kind: str, mode: str) -> bool:
    """Try whether Pillow writes pictures of a mode in a format, and in their own size."""
    file = io.BytesIO()
    try:
        with quiet_pillow:
            Image.new(mode, (20, 20)).save(file, kind)
            with Image.open(file) as image:
                return image.size == (20, 20)
    except Exception:  # each format has its own way to refuse
        return False


def _exif_to_keep(source: Image.Image) -> bytes:
    """Return a picture's EXIF without location, orientation, thumbnail and maker's notes; empty if it is damaged."""
    try:
        with quiet_pillow:
            exif = source.getexif()
            kept = Image.Exif()
            kept.update({tag: value for tag, value in exif.items() if tag not in {_GPS, ORIENTATION, _DETAILS}})
            details = {
                tag: value for tag, value in exif.get_ifd(_DETAILS).items() if tag not in {_MAKER_NOTE, _INTEROP}
            }
            if details:
                kept[_DETAILS] = details
            return kept.tobytes() if len(kept) else b""
    except Exception:  # Pillow raises nearly anything at damaged EXIF
        return b""
