"""Fuzzing every reader of files: whatever the bytes are, what comes is a result or a GanToolsError.

Coverage-guided, by Atheris (`pip install atheris`); each reader has a process and its share of the time:

    OMP_NUM_THREADS=1 python benchmarks/fuzz.py --minutes 15

An input that a reader stumbles over is printed and kept in --keep, and `python benchmarks/fuzz.py READER FILE` reads it
again.
"""

from __future__ import annotations

import argparse
import io
import json
import logging
import pickle
import re
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["gantools", "safetensors", "yaml", "zipfile", "PIL", "csv", "json"]):
    import torch
    from PIL import Image

    import gantools
    from gantools import GanToolsError
    from gantools.data.captions import read_captions
    from gantools.data.decode import alpha_of, open_image, to_rgb
    from gantools.data.labels import read_labels
    from gantools.datasets.get import unpack
    from gantools.storage import checksum
    from gantools.training.checkpoint import list_checkpoints, load_checkpoint
    from gantools.training.log import read_log
    from gantools.training.run import resolve
    from gantools.weights.foreign import read_parts, read_vocabulary

EXAMPLES = Path(__file__).parent.parent / "examples"
TINY = {"size": 16, "load_size": 16, "width": 2, "d_width": 2, "d_layers": 1, "steps": 1, "device": "cpu"}
PICTURES = "png jpeg gif bmp tiff webp ppm ico tga pcx sgi"
Seeds = dict[str, bytes]


def main() -> None:
    """Fuzz all readers, or the one that is named: with libFuzzer's options, or a file that it has kept."""
    if len(sys.argv) > 1 and sys.argv[1] in READERS:
        fuzz(sys.argv[1], sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--readers", nargs="+", default=list(READERS), choices=list(READERS))
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    options = parser.parse_args()
    options.keep.mkdir(exist_ok=True)
    seconds = round(60 * options.minutes / len(options.readers))
    print("| reader | seconds | inputs | places in the code reached | findings |\n|---|---|---|---|---|")
    for name in options.readers:
        print(f"| {name} | {seconds} | {run(name, seconds, options.keep.absolute())} |", flush=True)


def run(name: str, seconds: int, keep: Path) -> str:
    """Fuzz a reader in a process of its own; return the last columns of its row."""
    limits = ["-timeout=20", "-rss_limit_mb=6000", f"-max_total_time={seconds}"]
    command = [sys.executable, __file__, name, *limits, f"-artifact_prefix={keep}/{name}-"]
    done = subprocess.run(command, check=False, capture_output=True)
    said = done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace")
    if done.returncode:
        print(said[-3000:], file=sys.stderr)
    inputs = max([int(number) for number in re.findall(r"^#(\d+)", said, re.MULTILINE)], default=0)
    reached = max([int(number) for number in re.findall(r"cov: (\d+)", said)], default=0)
    return f"{inputs:,} | {reached:,} | {int(done.returncode != 0)}"


def fuzz(name: str, options: list[str]) -> None:
    """Hand one reader over to libFuzzer, which never returns."""
    warnings.simplefilter("ignore")
    logging.getLogger("gantools").addHandler(logging.NullHandler())
    torch.set_num_threads(1)
    corpus = Path(tempfile.mkdtemp())
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    seeds, read = READERS[name]
    given = seeds()
    for file, content in given.items():
        Path(corpus, file).write_bytes(content)
    longest = max(20_000, *(2 * len(content) for content in given.values()))  # else libFuzzer cuts the seeds off

    def one(content: bytes) -> None:
        try:
            read(folder, content)
        except GanToolsError as error:
            if not error.hint:
                raise

    files = [option for option in options if not option.startswith("-")]
    atheris.Setup([sys.argv[0], f"-max_len={longest}", *options, *([] if files else [str(corpus)])], one)
    atheris.Fuzz()


def _trained() -> Any:
    """Train a tiny network for a step."""
    pairs = {"a": EXAMPLES / "outline", "b": EXAMPLES / "openmoji"}
    return gantools.train("pix2pix", **pairs, **TINY, quiet=True, out=Path(tempfile.mkdtemp()) / "run")


def _weights() -> Seeds:
    return {"w": _trained().weights.read_bytes()}


def _weights_header() -> Seeds:
    return {"h": _parts(_trained().weights.read_bytes())[0]}


def _checkpoint() -> Seeds:
    return {"c": list_checkpoints(_trained().folder / "checkpoints")[-1].read_bytes()}


def _states() -> Seeds:
    one = {"items": [["step", {"value": 3}], [1, {"list": [{"tensor": "0"}, {"value": None}]}]]}
    return {"s": json.dumps(one).encode()}


def _parts(content: bytes) -> tuple[bytes, bytes]:
    """Return the header and the tensors of a safetensors file."""
    end = 8 + struct.unpack("<Q", content[:8])[0]
    return content[8:end], content[end:]


BODY: list[bytes] = []


def _read_weights(folder: Path, content: bytes) -> None:
    path = folder / "w.safetensors"
    path.write_bytes(content)
    gantools.load(path, "cpu")


def _read_header(folder: Path, content: bytes) -> None:
    """Read the bytes as a header, its length told rightly, in front of real tensors."""
    BODY or BODY.append(_parts(_trained().weights.read_bytes())[1])
    _read_weights(folder, struct.pack("<Q", len(content)) + content + BODY[0])


def _read_checkpoint(folder: Path, content: bytes) -> None:
    path = folder / "step-000001.safetensors"
    path.write_bytes(content)
    load_checkpoint(path)


def _read_state(folder: Path, content: bytes) -> None:
    """Read the bytes as what a checkpoint says of itself, its checksum told rightly."""
    from safetensors.torch import save

    try:
        skeleton = json.loads(content)
    except (ValueError, RecursionError):
        return
    tensors = {"0": torch.zeros(2)}
    told = {"format": 1, "kind": "checkpoint", "step": 1, "state": skeleton}
    told["checksum"] = checksum(tensors, json.dumps(skeleton))
    _read_checkpoint(folder, save(tensors, {"gantools": json.dumps(told)}))


def _pictures() -> Seeds:
    """Return a picture in every format, some with an EXIF, a colour profile, a palette, several frames."""
    plain = Image.effect_noise((12, 9), 60).convert("RGB")
    found = {}
    for kind in PICTURES.split():
        for mode in ("RGB", "L", "P", "RGBA", "CMYK", "I;16", "1"):
            memory = io.BytesIO()
            try:
                plain.convert("L" if mode == "I;16" else mode).convert(mode).save(memory, kind)
            except (OSError, ValueError, KeyError):
                continue
            found[f"{kind}-{mode.replace(';', '')}"] = memory.getvalue()
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "Ann"
    for kind in ("png", "jpeg", "webp", "tiff"):
        memory = io.BytesIO()
        plain.save(memory, kind, exif=exif.tobytes(), icc_profile=_srgb())
        found[f"{kind}-exif"] = memory.getvalue()
    for kind in ("png", "gif", "webp"):
        memory = io.BytesIO()
        plain.save(memory, kind, save_all=True, append_images=[plain, plain.rotate(180)])
        found[f"{kind}-frames"] = memory.getvalue()
    return found


def _srgb() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def _read_picture(folder: Path, content: bytes) -> None:
    path = folder / "x.png"
    path.write_bytes(content)
    image = open_image(path, 10_000_000)
    alpha_of(image)
    assert to_rgb(image).mode == "RGB"


def _tables() -> Seeds:
    return {
        "csv": b"file,Old,Happy\n1.png,1,0\n2.png,0,1\n",
        "celeba": b"2\nOld Happy\n1.png -1 1\n2.png 1 -1\n",
        "words": "name;style\n1.png;gänse\n2.png;birds\n".encode(),
    }


def _read_attributes(folder: Path, content: bytes) -> None:
    for name in ("1.png", "2.png"):
        if not (folder / name).exists():
            (folder / name).write_bytes(b"")
    path = folder / "a.csv"
    path.write_bytes(content)
    read_labels(folder, path, [])


def _captions() -> Seeds:
    return {
        "jsonl": b'J{"file_name": "1.png", "text": "a red bird"}\n{"file_name": "2.png", "text": ["a", null]}\n',
        "csv": b'Cfile_name,text\n1.png,"a, b"\n2.png,c\n',
        "txt": b"Ta red bird\nanother line\n",
    }


def _read_texts(folder: Path, content: bytes) -> None:
    """Read the bytes as the file that their first one says."""
    files = {"J": "metadata.jsonl", "C": "metadata.csv"}
    wanted = files.get(content[:1].decode("latin-1"), "1.txt")
    for name in ("metadata.jsonl", "metadata.csv", "1.txt"):
        (folder / name).unlink(missing_ok=True)
    for name in ("1.png", "2.png"):
        (folder / name).write_bytes(b"")
    (folder / wanted).write_bytes(content[1:])
    read_captions(folder)


def _settings() -> Seeds:
    return {
        "one": b"task: cyclegan\nsteps: 30\nobjective: wgan-gp\npenalty: [r1:every=2]\nbetas: [0.5, 0.9]\n",
        "two": b"a: &x {when: 2020-01-01, b: ~, c: !!binary aGk=}\neval_data: [*x, *x]\naugment: color,cutout\n",
    }


def _read_settings(folder: Path, content: bytes) -> None:
    path = folder / "c.yaml"
    path.write_bytes(content)
    (folder / "a").mkdir(exist_ok=True)
    resolve("cyclegan", {"a": folder / "a", "b": folder / "a", "device": "cpu"}, path)


def _archives() -> Seeds:
    found = {}
    for name, kind in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED), ("lzma", zipfile.ZIP_LZMA)):
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w", kind) as packed:
            packed.writestr("set/a/1.png", b"12345" * 9)
            packed.writestr("set/b.txt", b"x")
        found[name] = memory.getvalue()
    return found


def _read_archive(folder: Path, content: bytes) -> None:
    """Unpack the bytes; nothing may appear outside of the folder."""
    import shutil

    place = folder / "place"
    place.mkdir(exist_ok=True)
    (place / "x.zip").write_bytes(content)
    try:
        unpack(place / "x.zip", place / "out")
    finally:
        shutil.rmtree(place / "out", ignore_errors=True)
        assert [path.name for path in place.iterdir()] == ["x.zip"]
        assert [path.name for path in folder.iterdir()] == ["place"]


def _logs() -> Seeds:
    return {"log": b'{"step": 1, "d/adv": 0.5}\n{"step": 2, "d/adv": 0.25, "eval/kid": 1e-3}\n'}


def _read_rows(folder: Path, content: bytes) -> None:
    path = folder / "log.jsonl"
    path.write_bytes(content)
    read_log(path)


def _foreign() -> Seeds:
    memory = io.BytesIO()
    torch.save({"model.1.weight": torch.zeros(2, 3), "epoch": 3}, memory)
    old = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, old, _use_new_zipfile_serialization=False)
    return {"zip": memory.getvalue(), "old": old.getvalue()}


def _read_foreign(folder: Path, content: bytes) -> None:
    path = folder / "latest_net_G.pth"
    path.write_bytes(content)
    read_parts(path)


def _vocabularies() -> Seeds:
    words = {0: "<end>", 1: "a", 2: "bird"}
    found = [[[1, 2]], [[1, 3]], words, {word: number for number, word in words.items()}]
    return {f"protocol-{number}": pickle.dumps(found, protocol=number) for number in range(5)}


def _read_words(folder: Path, content: bytes) -> None:
    path = folder / "captions.pickle"
    path.write_bytes(content)
    read_vocabulary(path)


READERS: dict[str, tuple[Callable[[], Seeds], Callable[[Path, bytes], None]]] = {
    "weights": (_weights, _read_weights),
    "weights-header": (_weights_header, _read_header),
    "checkpoints": (_checkpoint, _read_checkpoint),
    "checkpoint-state": (_states, _read_state),
    "pictures": (_pictures, _read_picture),
    "attributes": (_tables, _read_attributes),
    "captions": (_captions, _read_texts),
    "settings": (_settings, _read_settings),
    "archives": (_archives, _read_archive),
    "logs": (_logs, _read_rows),
    "foreign-weights": (_foreign, _read_foreign),
    "vocabularies": (_vocabularies, _read_words),
}

if __name__ == "__main__":
    main()
