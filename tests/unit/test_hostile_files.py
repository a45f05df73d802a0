"""Damaged and malicious files: every reader gives what is there or a GanToolsError, whatever the bytes are."""

import io
import json
import random
import struct
import time
from pathlib import Path

import pytest
from PIL import Image

import gantools
from gantools import GanToolsError
from gantools.training.checkpoint import list_checkpoints, load_checkpoint
from tests.conftest import EXAMPLES

MANY = pytest.param(20_000, marks=pytest.mark.slow)
TINY = {"size": 16, "load_size": 16, "width": 2, "d_width": 2, "d_layers": 1, "steps": 1, "device": "cpu"}
ODD = [None, -1, 0, 2**62, 1e308, 10**30, "x", "..", "\ud800", [], {}, [1] * 50, True, float("nan")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    pairs = {"a": EXAMPLES / "outline", "b": EXAMPLES / "openmoji"}
    return gantools.train("pix2pix", **pairs, **TINY, quiet=True, out=tmp_path_factory.mktemp("run") / "run")


def changed(value, draw):
    """Return JSON with one thing in it missing, replaced, or changed."""
    if isinstance(value, dict) and value:
        key = draw.choice(list(value))
        rest = {name: item for name, item in value.items() if name != key}
        return rest if draw.random() < 0.15 else {**rest, key: changed(value[key], draw)}
    if isinstance(value, list) and value:
        place = draw.randrange(len(value))
        return [*value[:place], changed(value[place], draw), *value[place + 1 :]]
    return draw.choice(ODD)


def damaged(content, draw):
    """Return a safetensors file with wrong bytes, a wrong end, a length that lies, or another header."""
    length = struct.unpack("<Q", content[:8])[0]
    kind = draw.choice(["bytes", "end", "length", "header", "ours"])
    if kind == "bytes":
        result = bytearray(content)
        for _ in range(draw.randrange(1, 6)):
            result[draw.randrange(min(len(content), length + 200))] = draw.randrange(256)
        return bytes(result)
    if kind == "end":
        return content[: draw.randrange(len(content))]
    if kind == "length":
        return struct.pack("<Q", draw.choice([0, 1, 2**40, 2**63, length - 1, length + 1])) + content[8:]
    header = json.loads(content[8 : 8 + length])
    if kind == "header":
        header = changed(header, draw)
    else:
        ours = json.loads(header["__metadata__"]["gantools"])
        header["__metadata__"]["gantools"] = json.dumps(changed(changed(ours, draw), draw))
    text = json.dumps(header).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + content[8 + length :]


@pytest.mark.parametrize("count", [300, MANY])
@pytest.mark.parametrize("kind", ["weights", "checkpoint"])
@pytest.mark.filterwarnings("ignore")
def test_weights_and_checkpoints(kind, count, run, tmp_path):
    original = run.weights if kind == "weights" else list_checkpoints(run.folder / "checkpoints")[-1]
    read = (lambda path: gantools.load(path, "cpu")) if kind == "weights" else load_checkpoint
    content, draw, path, refused = original.read_bytes(), random.Random(1), tmp_path / "x.safetensors", 0
    for _ in range(count):
        path.write_bytes(damaged(content, draw))
        try:
            read(path)
        except GanToolsError:
            refused += 1
    assert refused > count / 2


STARS = {"data": EXAMPLES, "select": "noto,twemoji", "blocks": 1}
EMOJI = {"a": EXAMPLES / "noto", "b": EXAMPLES / "fluent3d", "blocks": 1}


@pytest.mark.parametrize(("task", "given"), [("cyclegan", EMOJI), ("stargan", STARS)])
def test_a_header_with_an_absurd_setting_is_refused_at_once(task, given, tmp_path):
    """Whichever setting it is: nothing as large is built, and the error names file and reason."""
    trained = gantools.train(task, **given, **{**TINY, "d_layers": 2}, quiet=True, out=tmp_path / "run").weights
    content = trained.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    ours = json.loads(header["__metadata__"]["gantools"])
    began = time.monotonic()
    for name in ours["config"]:
        for absurd in (10**9, -1, "x"):
            changed = {**ours, "config": {**ours["config"], name: absurd}}
            text = json.dumps({**header, "__metadata__": {"gantools": json.dumps(changed)}}).encode()
            (tmp_path / "x.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])
            try:
                gantools.load(tmp_path / "x.safetensors", "cpu")
            except GanToolsError as error:
                assert "does not fit its own header" in error.message  # noqa: PT017
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("count", [150, MANY])
@pytest.mark.filterwarnings("ignore")
def test_pictures(count, run, tmp_path):
    model, draw = run.model("cpu"), random.Random(2)
    image = Image.open(next((EXAMPLES / "test" / "outline").glob("*.png"))).convert("RGB")
    files = []
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO"):
        memory = io.BytesIO()
        image.save(memory, kind)
        files.append((Path(tmp_path, f"x.{kind.lower()}"), memory.getvalue()))
    translated = 0
    for _ in range(count):
        path, content = draw.choice(files)
        wrong = bytearray(content[: draw.randrange(len(content))] if draw.random() < 0.3 else content)
        for _ in range(draw.randrange(4) if wrong else 0):
            wrong[draw.randrange(min(400, len(wrong)))] = draw.randrange(256)
        path.write_bytes(wrong)
        try:
            model.translate(path)
            translated += 1
        except GanToolsError:
            continue
    assert 0 < translated < count
