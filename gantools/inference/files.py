"""From paths to translated files: which pictures are meant, where results go, and how they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from glob import glob
from pathlib import Path

from PIL import Image

from gantools.data.decode import open_image
from gantools.data.folders import image_suffixes, list_images
from gantools.errors import GanToolsError
from gantools.inference.model import Model
from gantools.weights.files import write_atomically

_GPS = 0x8825
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Job:
    """One picture to translate and where its result goes."""

    source: Path
    target: Path


def plan(inputs: Sequence[str], out: Path, force: bool) -> list[Job]:
    """Turn files, folders and globs into jobs; GanToolsError before any work if something would be overwritten.

    ``out`` is a folder, or a file name if there is one input picture. Pictures from folders keep their relative names.
    """
    pairs = [pair for text in inputs for pair in _expand(text)]
    single = (
        len(pairs) == 1 and Path(inputs[0]).is_file() and out.suffix.lower() in image_suffixes() and not out.is_dir()
    )
    jobs = [Job(source, out if single else out / _writable(name)) for source, name in pairs]
    targets: dict[Path, Path] = {}
    for job in jobs:
        target = job.target.resolve()
        if target == job.source.resolve():
            raise GanToolsError(
                f"{job.source} would be overwritten by its own translation", "give another folder with --out"
            )
        if target in targets:
            raise GanToolsError(
                f"{targets[target]} and {job.source} would both become {job.target}",
                "translate them into different folders with --out",
            )
        if job.target.exists() and not force:
            raise GanToolsError(f"{job.target} exists", "add --force to replace it, or give another --out")
        targets[target] = job.source
    return jobs


def translate_files(model: Model, jobs: Sequence[Job], **options: object) -> Iterator[tuple[Job, str | None]]:
    """Translate one picture after another and yield each job with None, or with the reason why it failed."""
    chosen = model.options(options)
    for job in jobs:
        try:
            image = open_image(job.source)
            save_like(image, model.translate(image, **chosen.model_dump()), job.target)
        except GanToolsError as error:
            yield job, error.message
        else:
            yield job, None


def save_like(source: Image.Image, result: Image.Image, target: Path) -> None:
    """Write a picture in the format its name says, with the source's EXIF except location and orientation."""
    kind = Image.registered_extensions()[target.suffix.lower()]
    settings: dict[str, object] = {}
    if kind in {"JPEG", "WEBP"}:
        settings["quality"] = 95
    exif = source.getexif()
    for tag in (_GPS, _ORIENTATION):
        if tag in exif:
            del exif[tag]
    if len(exif) and kind in {"JPEG", "PNG", "WEBP", "TIFF"}:
        settings["exif"] = exif.tobytes()
    if kind == "JPEG" and result.mode != "RGB":
        result = result.convert("RGB")
    write_atomically(target, lambda temporary: result.save(temporary, kind, **settings))


def _expand(text: str) -> list[tuple[Path, Path]]:
    """Return (picture, relative name of its result) for a file, a folder or a glob."""
    path = Path(text)
    if path.is_dir():
        return [(image, image.relative_to(path)) for image in list_images(path)]
    if path.exists():
        return [(path, Path(path.name))]
    matches = sorted(glob(text, recursive=True))
    if not matches:
        raise GanToolsError(
            f"{text} does not exist", "give a picture, a folder of pictures, or a quoted pattern like 'photos/*.jpg'"
        )
    found: list[tuple[Path, Path]] = []
    for match in map(Path, matches):
        if match.is_dir():
            found += [(image, Path(match.name) / image.relative_to(match)) for image in list_images(match)]
        elif match.suffix.lower() in image_suffixes():
            found.append((match, Path(match.name)))
    return found


def _writable(name: Path) -> Path:
    """Keep a file name if Pillow can write its format, else make it a PNG."""
    return name if name.suffix.lower() in _writable_suffixes() else name.with_name(name.name + ".png")


@cache
def _writable_suffixes() -> frozenset[str]:
    Image.init()
    return frozenset(
        suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.SAVE and kind in Image.OPEN
    )
