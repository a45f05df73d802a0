"""`gantools data prepare`: what it makes, and that it neither overwrites nor leaves anything half done."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantools.data.captions import read_captions
from gantools.data.frames import frames_of
from gantools.datasets.drawing import edges
from tests.conftest import EXAMPLES


def stems(folder: str) -> set[str]:
    return {path.stem for path in Path(folder).iterdir()}


def test_kinds_are_split_alike_wherever_they_are(gantools_cli):
    command = f"data prepare {EXAMPLES}/outline {EXAMPLES}/openmoji --size 32 --test 0.25".split()
    result = gantools_cli(*command, "-o", "set")
    assert result.exit_code == 0, result.stderr
    assert "next:       gantools data check set" in result.stderr
    assert stems("set/train/outline") == stems("set/train/openmoji")
    assert stems("set/test/outline") | stems("set/train/outline") == stems(f"{EXAMPLES}/outline")
    with Image.open(next(Path("set/train/outline").iterdir())) as image:
        assert image.size == (32, 32)

    few = Path("few")
    shutil.copytree(EXAMPLES / "outline", few)
    for path in sorted(few.iterdir())[::2]:
        path.unlink()  # the others stay on their side
    assert gantools_cli("data", "prepare", few, "--test", "0.25", "-o", "half").exit_code == 0
    assert stems("half/test") == stems("set/test/outline") & stems("few")

    again = gantools_cli(*command, "-o", "set")
    assert again.exit_code == 1
    assert "set exists, and nothing is overwritten" in again.stderr


def test_pairs_are_made_of_drawings_and_of_halves_and_what_is_broken_is_left_out(gantools_cli):
    Path("photos").mkdir()
    for number in range(3):
        Image.effect_noise((90 + number, 60), 60).convert("RGB").save(f"photos/{number}.jpg")
    Path("photos/broken.jpg").write_bytes(b"no")
    result = gantools_cli("data", "prepare", "photos", "--make", "edges", "--size", "32", "-o", "edges")
    assert result.exit_code == 3
    assert "left out: photos/broken.jpg is not a picture" in result.stderr
    with Image.open("edges/A/0.png") as a, Image.open("edges/B/0.png") as b:
        assert (a.mode, a.size, b.mode, b.size) == ("L", (32, 32), "RGB", (32, 32))
        assert np.array_equal(a, edges(b))

    result = gantools_cli("data", "prepare", "photos", "--halves", "-o", "halves")
    assert "photos/1.jpg is 91 pixels wide" in result.stderr
    with Image.open("halves/A/0.png") as a, Image.open("halves/B/0.png") as b, Image.open("photos/0.jpg") as whole:
        assert np.array_equal(np.hstack([a, b]), whole)

    shutil.move("photos/broken.jpg", "broken.jpg")
    result = gantools_cli("data", "prepare", "broken.jpg", "-o", "nothing")
    assert result.exit_code == 1
    assert "broken.jpg is not a picture" in result.stderr
    assert {path.name for path in Path().iterdir()} == {"broken.jpg", "edges", "halves", "photos"}


def test_edges_lie_on_the_dark_side():
    levels = np.full((16, 16), 220, dtype=np.uint8)
    levels[:, :8] = 40
    ink = 255 - np.asarray(edges(Image.fromarray(levels).convert("RGB"))).astype(int)
    assert ink[:, 7].min() == 255
    assert ink[:, 8:].max() == ink[:, :4].max() == 0


def test_captions_follow_their_pictures(gantools_cli):
    Path("words").mkdir()
    names = sorted(path.name for path in (EXAMPLES / "noto").iterdir())[:12]
    for name in names:
        shutil.copy(EXAMPLES / "noto" / name, "words")
    rows = [{"file_name": name, "text": [f"thing {name}", "another"]} for name in names]
    Path("words/metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert gantools_cli("data", "prepare", "words", "--test", "0.3", "-o", "set").exit_code == 0
    found = [one for part in ("train", "test") for one in read_captions(Path("set", part))]
    assert {one.file.name: one.texts for one in found} == {row["file_name"]: tuple(row["text"]) for row in rows}


def test_a_video_becomes_frames_and_its_end_the_test_set(gantools_cli):
    av = pytest.importorskip("av")
    with av.open("clip.mp4", "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for number in range(40):
            levels = np.full((16, 32, 3), 6 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(levels, format="rgb24")))
        container.mux(stream.encode(None))
    brightness = [np.asarray(image).mean() for _, image in frames_of(Path("clip.mp4"), every=1.0)]
    assert brightness == pytest.approx([0, 60, 120, 180], abs=6)
    result = gantools_cli("data", "prepare", "clip.mp4", "--every", "0.5", "--test", "0.25", "-o", "frames")
    assert result.exit_code == 0, result.stderr
    assert sorted(stems("frames/test")) == ["clip-00003000", "clip-00003500"]
    assert len(stems("frames/train")) == 6


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none"], "none does not exist"),
        ([EXAMPLES / "test", "--make", "grey", "--halves"], "--make and --halves exclude each other"),
        ([EXAMPLES / "noto", "--background", "blu"], "`blu` is no colour"),
        ([EXAMPLES, "--test", "0.1"], "has parts of its own"),
        ([EXAMPLES / "noto", EXAMPLES / "test" / "noto"], "two folders are called noto"),
    ],
)
def test_what_cannot_be_made_is_one_error(gantools_cli, words, message):
    result = gantools_cli("data", "prepare", *words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert not Path("prepared").exists()
