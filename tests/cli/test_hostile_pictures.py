"""Every strange picture gives the right pixels or one line of error: by the reader, and by the commands."""

import io
import os
import signal
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

import gantools
from gantools import GanToolsError
from gantools.data.decode import open_image, to_rgb
from gantools.terminal import harmless
from tests.conftest import EXAMPLES, unprivileged
from tests.unit.test_decode import FLIPS, RGB, UPRIGHT, write_png16

SECONDS = 60
FOUR = UPRIGHT.astype(np.uint8)  # 24 x 16: white, red, green, black
PICTURE = Image.fromarray(FOUR)
P3 = {  # the primaries of Display P3, adapted to D50; sRGB's red has the numbers (234, 51, 35) there
    b"rXYZ": (0.51512, 0.24120, -0.00105), b"gXYZ": (0.29198, 0.69225, 0.04189), b"bXYZ": (0.15710, 0.06657, 0.78407),
}  # fmt: skip


class TooLong(BaseException):
    """The time is over; no `except Exception` of a reader may take this for damage."""


@pytest.fixture(autouse=True)
def _no_waiting():
    """Nothing here may hang."""

    def stop(*_):
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def encoded(kind, picture=PICTURE, **settings):
    memory = io.BytesIO()
    picture.save(memory, kind, **settings)
    return memory.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, *chunks):
    """Return a grey PNG whose header says that it is so large."""
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + b"".join(chunks)
    )


def with_text(chunk_kind, body):
    """Return our picture as a PNG with a chunk behind its header."""
    plain = encoded("PNG")
    return plain[:33] + chunk(chunk_kind, body) + plain[33:]


def frames(kind):
    others = [Image.new("RGB", PICTURE.size, colour) for colour in ("blue", "yellow")]
    return encoded(kind, save_all=True, append_images=others, **({"lossless": True} if kind == "WEBP" else {}))


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(FLIPS[orientation](UPRIGHT)).astype(np.uint8))
    return encoded("JPEG", stored, exif=exif.tobytes(), quality=100, subsampling=0)


def display_p3():
    """Return a colour profile of a wide gamut: sRGB's with the primaries of Display P3."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack_from(">I", profile, 128)
    for i in range(count):
        name, place, _ = struct.unpack_from(">4sII", profile, 132 + 12 * i)
        if name in P3:
            struct.pack_into(">3i", profile, place + 8, *(round(65536 * value) for value in P3[name]))
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))


def sixteen():
    write_png16(Path("16.tmp"), UPRIGHT.astype(np.uint16) * 257, RGB)
    return Path("16.tmp").read_bytes()


def large_exif():
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 1, "x" * 5_000_000
    return exif.tobytes()


RED = np.full((16, 24, 3), (255, 0, 0), np.uint8)
RIGHT = {  # file name: its content, and the pixels that are right
    "wrong-ending.png": (lambda: encoded("JPEG", quality=100, subsampling=0), FOUR),
    "1x1.png": (lambda: encoded("PNG", Image.new("RGB", (1, 1), "red")), RED[:1, :1]),
    "1x20000.png": (lambda: encoded("PNG", Image.new("RGB", (1, 20_000), "red")), np.repeat(RED[:1, :1], 20_000, 0)),
    "animated.gif": (lambda: frames("GIF"), FOUR),
    "animated.webp": (lambda: frames("WEBP"), FOUR),
    "animated.png": (lambda: frames("PNG"), FOUR),
    "cmyk.jpg": (lambda: encoded("JPEG", PICTURE.convert("CMYK"), quality=100), FOUR),
    "cmyk.tif": (lambda: encoded("TIFF", PICTURE.convert("CMYK")), FOUR),
    "16-bit.png": (sixteen, FOUR),
    **{f"turned-{number}.jpg": (lambda number=number: turned(number), FOUR) for number in FLIPS},
    "wide-gamut.png": (
        lambda: encoded("PNG", Image.new("RGB", (24, 16), (234, 51, 35)), icc_profile=display_p3()), RED,
    ),
    "broken-profile.png": (lambda: encoded("PNG", icc_profile=display_p3()[:300]), FOUR),
    "no-profile.png": (lambda: encoded("PNG", icc_profile=b"no profile"), FOUR),
    "50-mb-of-text.png": (lambda: with_text(b"tEXt", b"Comment\0" + b"x" * 50_000_000), FOUR),
    "5-mb-of-exif.png": (lambda: encoded("PNG", exif=large_exif()), FOUR),
    "60-kb-of-exif.jpg": (lambda: encoded("JPEG", quality=100, subsampling=0, exif=large_exif()[:60_000]), FOUR),
    "new\nline.png": (lambda: encoded("PNG"), FOUR),
    "\x1b[31mred[bold].png": (lambda: encoded("PNG"), FOUR),
    "CON.png": (lambda: encoded("PNG"), FOUR),
    "aux.png": (lambda: encoded("PNG"), FOUR),
    "猫 και γάτα.png": (lambda: encoded("PNG"), FOUR),
    "قطة.png": (lambda: encoded("PNG"), FOUR),
    "\u202egnp.tac.png": (lambda: encoded("PNG"), FOUR),
}  # fmt: skip
BOMB = png(60_000, 60_000, chunk(b"IDAT", zlib.compress(b"\0" * 1000)), chunk(b"IEND", b""))
WRONG = {  # file name: its content, or what makes it, and what is said of it
    "truncated.jpg": (encoded("JPEG", quality=100)[:-200], "truncated"),
    "truncated.png": (encoded("PNG")[:-40], "cannot be read"),
    "zero-bytes.png": (b"", "is not a picture"),
    "only-zeros.jpg": (bytes(1000), "is not a picture"),
    "text.png": (b"Dear reader,\n", "is not a picture"),
    "bomb.png": (BOMB, "more than the 500,000,000 of --max-pixels"),
    "50-mb-of-zip.png": (
        with_text(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000))), "too large",
    ),
    "pipe.png": (os.mkfifo, "is not a file"),
    "loop.png": (lambda path: path.symlink_to(path.name), "cannot be read: .*links"),
    "nowhere.png": (lambda path: path.symlink_to("gone.png"), "cannot be read: No such file"),
    "new\nline-zero.png": (b"", "is not a picture"),
    "\x1b[2Jcut.png": (b"", "is not a picture"),
}  # fmt: skip


def put(folder, name):
    """Write a row of the table into a folder."""
    folder.mkdir(exist_ok=True)
    content = (RIGHT.get(name) or WRONG[name])[0]
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
    elif name in RIGHT:
        (folder / name).write_bytes(content())
    else:
        content(folder / name)
    return folder / name


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    tiny = {"size": 16, "load_size": 16, "width": 2, "d_width": 2, "d_layers": 1, "steps": 1, "device": "cpu"}
    pairs = {"a": EXAMPLES / "outline", "b": EXAMPLES / "openmoji", "norm": "instance", "dropout": 0}
    return gantools.train("pix2pix", **pairs, **tiny, quiet=True, out=tmp_path_factory.mktemp("run") / "run").weights


def lines(result):
    """Return what a command said, once it is sure that it is no traceback and that a terminal would obey none of it."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    assert not {"\x1b", "\u202e"} & set(result.stderr)
    return result.stderr.splitlines()


@pytest.mark.parametrize("name", RIGHT)
def test_the_right_picture(name, weights, gantools_cli):
    path, expected = put(Path("in"), name), RIGHT[name][1]
    pixels = np.asarray(to_rgb(open_image(path))).astype(int)
    assert pixels.shape == expected.shape
    assert np.abs(pixels - expected).mean() < 4
    result = gantools_cli("translate", path, "--weights", weights, "--device", "cpu", "-o", "out")
    assert result.exit_code == 0, result.stderr
    lines(result)
    [made] = Path("out").iterdir()
    with Image.open(made) as translated:
        assert translated.size == expected.shape[1::-1]


@pytest.mark.parametrize("name", WRONG)
def test_a_line_of_error(name, weights, gantools_cli):
    path, expected = put(Path("in"), name), WRONG[name][1]
    with pytest.raises(GanToolsError, match=expected) as caught:
        open_image(path)
    assert caught.value.hint
    result = gantools_cli("translate", path, "--weights", weights, "--device", "cpu", "-o", "out")
    said = lines(result)
    assert result.exit_code in {1, 3}
    assert sum(harmless(str(path)).replace("\n", "\\n") in line for line in said) >= 1, said
    assert not Path("out").exists() or not list(Path("out").iterdir())


def all_of_them():
    """Write the whole table into a folder that has a link to itself, too."""
    for name in [*RIGHT, *WRONG]:
        put(Path("in"), name)
    Path("in", "again").symlink_to(Path.cwd() / "in")
    return Path("in")


def test_a_folder_of_all_is_translated_but_for_what_is_wrong(weights, gantools_cli):
    result = gantools_cli("translate", all_of_them(), "--weights", weights, "--device", "cpu", "-o", "out")
    assert result.exit_code == 3
    said = "\n".join(lines(result))
    for name in WRONG:
        assert said.count(harmless(name).replace("\n", "\\n")) == 1, name
    assert len(list(Path("out").iterdir())) == len(RIGHT)


def test_a_folder_of_all_is_checked(gantools_cli):
    result = gantools_cli("data", "check", all_of_them(), "--all")
    assert result.exit_code == 3
    said = "".join(lines(result)).replace(" ", "")  # long lines are wrapped
    assert f"pictures    in {len(RIGHT)}" in result.stdout
    for name in WRONG:
        assert harmless(name).replace("\n", "\\n").replace(" ", "") in said, name
    assert Path("data-check.png").exists()


@pytest.mark.parametrize("cache", ["1000", "0"])
def test_a_folder_of_all_is_trained_on_but_for_what_is_wrong(cache, gantools_cli, caplog):
    folders = ["--a", all_of_them(), "--b", EXAMPLES / "noto", "--cache-mb", cache, "--workers", "0"]
    tiny = ["--size", "16", "--width", "2", "--blocks", "0", "--d-layers", "1", "--batch-size", "2", "--steps", "1"]
    result = gantools_cli("train", "cyclegan", *folders, *tiny, "--device", "cpu", "-q")
    assert result.exit_code == 0, result.stderr
    lines(result)
    if cache != "0":
        assert sum("left out" in record.getMessage() for record in caplog.records) == len(WRONG)


def test_a_file_without_permission_is_a_line_of_error():
    """A real process, as root may read everything."""
    put(Path("in"), "16-bit.png").rename(os.fsdecode(b"in/no-utf-8-\xff.png"))
    put(Path("in"), "aux.png").chmod(0)
    command = [*unprivileged(), sys.executable, "-m", "gantools", "data", "check", "in"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 3, done.stderr
    assert "problem: in/aux.png cannot be read: Permission denied" in done.stderr
    assert "Traceback" not in done.stderr
