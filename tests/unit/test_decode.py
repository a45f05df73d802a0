import io
import os
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageFile

from gantools import GanToolsError
from gantools.data.decode import alpha_of, open_image, parse_background, to_rgb

RAMP = (np.arange(256, dtype=np.uint16) * 257).reshape(16, 16)  # 0 … 65535 in 256 even steps
EVEN = np.arange(256).reshape(16, 16)
GREY, RGB, GREY_ALPHA = 0, 2, 4


def write_png16(path, pixels, colour_type, transparent=b""):
    """Write a PNG of 16 bits a channel, which Pillow itself cannot for colours."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0))
    tail = chunk(b"tRNS", transparent) if transparent else b""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + tail + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def write_tiff16_big_endian(path, pixels):
    height, width = pixels.shape
    body = pixels.astype(">u2").tobytes()
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 16 << 16), (259, 3, 1, 1 << 16), (262, 3, 1, 1 << 16),
        (273, 4, 1, 8), (277, 3, 1, 1 << 16), (278, 4, 1, height), (279, 4, 1, len(body)),
    ]  # fmt: skip
    table = struct.pack(">H", len(entries)) + b"".join(struct.pack(">HHII", *entry) for entry in entries) + bytes(4)
    path.write_bytes(b"MM\0*" + struct.pack(">I", 8 + len(body)) + body + table)


def grey(path):
    pixels = np.asarray(to_rgb(open_image(path)))
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def test_sixteen_bits_of_grey_become_an_even_ramp(tmp_path):
    write_png16(tmp_path / "png.png", RAMP, GREY)
    write_tiff16_big_endian(tmp_path / "big.tif", RAMP)
    Image.fromarray(RAMP).save(tmp_path / "little.tif")
    Image.fromarray(RAMP.astype(np.int32)).save(tmp_path / "thirty-two.tif")
    for path in tmp_path.iterdir():
        np.testing.assert_array_equal(grey(path), EVEN, err_msg=path.name)


def test_values_between_the_steps_are_rounded(tmp_path):
    values = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    write_png16(tmp_path / "a.png", values, GREY)
    np.testing.assert_array_equal(grey(tmp_path / "a.png"), np.rint(values / 257))


def test_sixteen_bits_of_colour_and_of_alpha_are_scaled(tmp_path):
    write_png16(tmp_path / "rgb.png", np.stack([RAMP, RAMP.T, RAMP[::-1]], -1), RGB)
    picture = np.asarray(to_rgb(open_image(tmp_path / "rgb.png")))
    np.testing.assert_array_equal(picture, np.stack([EVEN, EVEN.T, EVEN[::-1]], -1))
    write_png16(tmp_path / "alpha.png", np.stack([np.zeros_like(RAMP), RAMP], -1), GREY_ALPHA)
    np.testing.assert_array_equal(np.asarray(alpha_of(open_image(tmp_path / "alpha.png"))), EVEN)
    np.testing.assert_array_equal(grey(tmp_path / "alpha.png"), 255 - EVEN)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 0.5, 1], [0, 128, 255]),
        ([0, 128, 255], [0, 128, 255]),
        ([0, 257, 65535], [0, 1, 255]),
        ([0, 50_000, 100_000], [0, 128, 255]),
        ([-3, float("nan"), float("inf"), 1], [0, 0, 0, 255]),
    ],
)
def test_floats_are_scaled_by_the_range_they_are_in(tmp_path, values, expected):
    Image.fromarray(np.array([values], dtype=np.float32)).save(tmp_path / "f.tif")
    assert grey(tmp_path / "f.tif")[0].tolist() == expected


def _transparent(mode):
    """Return a picture of a mode, its left pixel black and transparent, its right one nearly black and opaque."""
    if mode in {"LA", "RGBA"}:
        picture = Image.new("RGBA", (2, 1), (0, 0, 0, 255))
        picture.putpixel((0, 0), (0, 0, 0, 0))
        return picture.convert(mode)
    picture = Image.new(mode, (2, 1))
    picture.putpixel((1, 0), (1, 1, 1) if mode == "RGB" else 1)
    if mode == "P":
        picture.putpalette([0, 0, 0, 1, 1, 1])
    return picture


@pytest.mark.parametrize(
    ("mode", "transparency"),
    [("P", 0), ("P", b"\x00\xff"), ("1", 0), ("L", 0), ("RGB", (0, 0, 0)), ("LA", None), ("RGBA", None)],
)
def test_transparency_of_every_kind_shows_the_background(tmp_path, mode, transparency):
    settings = {} if transparency is None else {"transparency": transparency}
    _transparent(mode).save(tmp_path / "t.png", **settings)
    _check_transparent(tmp_path / "t.png", {255} if mode == "1" else {0, 1})


def test_a_transparent_value_of_sixteen_bit_grey_shows_the_background(tmp_path):
    write_png16(tmp_path / "t.png", np.array([[0x1234, 0x0134]]), GREY, transparent=b"\x12\x34")
    _check_transparent(tmp_path / "t.png", {1})


def _check_transparent(path, opaque):
    read = open_image(path)
    assert list(np.asarray(alpha_of(read)).ravel()) == [0, 255]
    assert to_rgb(read).mode == "RGB"
    assert to_rgb(read).getpixel((0, 0)) == (255, 255, 255)
    assert max(to_rgb(read).getpixel((1, 0))) in opaque
    assert to_rgb(read, (10, 200, 30)).getpixel((0, 0)) == (10, 200, 30)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "CMYK", "L"])
def test_large_pictures_are_converted_some_rows_at_a_time(monkeypatch, mode):
    picture = Image.effect_noise((30, 700), 90).convert("RGB")
    if mode in {"RGBA", "LA"}:
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    picture = picture.convert(mode)
    expected = to_rgb(picture, (10, 200, 30))
    monkeypatch.setattr("gantools.data.decode._AT_ONCE", 30 * 64)
    assert to_rgb(picture, (10, 200, 30)).tobytes() == expected.tobytes()


def test_half_transparent_pixels_blend_with_the_background():
    picture = Image.new("RGBA", (1, 1), (255, 0, 0, 128))
    assert to_rgb(picture).getpixel((0, 0)) == pytest.approx((255, 127, 127), abs=1)
    assert to_rgb(picture, parse_background("#000080")).getpixel((0, 0)) == pytest.approx((128, 0, 64), abs=1)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr", "HSV", "LAB", "RGBX", "I", "F", "I;16"])
def test_opaque_pictures_have_no_alpha_and_every_mode_becomes_rgb(mode):
    picture = Image.new(mode, (3, 2))
    assert alpha_of(picture) is None
    assert (to_rgb(picture).mode, to_rgb(picture).size) == ("RGB", (3, 2))


def test_cmyk_jpeg_keeps_its_colours(tmp_path):
    colours = Image.new("RGB", (48, 16), "white")
    colours.paste((200, 40, 40), (0, 0, 16, 16))
    colours.paste((20, 20, 20), (32, 0, 48, 16))
    colours.convert("CMYK").save(tmp_path / "c.jpg", quality=95)
    picture = open_image(tmp_path / "c.jpg")
    assert picture.mode == "CMYK"
    read = to_rgb(picture)
    for x, expected in ((8, (200, 40, 40)), (24, (255, 255, 255)), (40, (20, 20, 20))):
        assert read.getpixel((x, 8)) == pytest.approx(expected, abs=6)


def test_a_colour_profile_that_does_not_fit_is_ignored():
    picture = Image.new("CMYK", (2, 2), (0, 255, 255, 0))
    plain = to_rgb(picture)
    picture.info["icc_profile"] = b"no profile at all"
    assert to_rgb(picture).tobytes() == plain.tobytes()


UPRIGHT = np.kron(np.array([[[255, 255, 255], [255, 0, 0]], [[0, 255, 0], [0, 0, 0]]], np.uint8), np.ones((8, 12, 1)))
FLIPS = {
    1: lambda a: a, 2: lambda a: a[:, ::-1], 3: lambda a: a[::-1, ::-1], 4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1), 6: np.rot90, 7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_exif_orientation_is_undone(tmp_path, suffix):
    for orientation, flip in FLIPS.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = Image.fromarray(np.ascontiguousarray(flip(UPRIGHT)).astype(np.uint8))
        stored.save(tmp_path / f"x.{suffix}", exif=exif.tobytes(), **({"quality": 100} if suffix == "jpg" else {}))
        read = np.asarray(to_rgb(open_image(tmp_path / f"x.{suffix}"))).astype(int)
        assert read.shape == (16, 24, 3), orientation
        assert np.abs(read - UPRIGHT).mean() < 12, orientation


def test_damaged_exif_costs_neither_the_picture_nor_a_warning(tmp_path):
    picture = Image.new("RGB", (30, 20), "teal")
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "Ann " * 100
    picture.save(tmp_path / "cut.jpg", exif=exif.tobytes()[:-300])  # a tag that points behind the end
    assert open_image(tmp_path / "cut.jpg").size == (20, 30)
    picture.save(tmp_path / "garbage.jpg", exif=b"Exif\0\0garbage of some length")
    assert open_image(tmp_path / "garbage.jpg").size == (30, 20)


def _encoded(kind, **settings):
    file = io.BytesIO()
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8))
    noise.save(file, kind, **settings)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.jpg", _encoded("JPEG")[:-300]),
        ("cut.png", _encoded("PNG")[:-300]),
        ("cut.webp", _encoded("WEBP")[:-300]),
        ("cut.gif", _encoded("GIF")[:-700]),
        ("cut.bmp", _encoded("BMP")[:-300]),
        ("cut.tif", _encoded("TIFF")[:-300]),
        ("empty.png", b""),
        ("text.png", b"this is a letter, not a picture\n"),
        ("header-only.jpg", b"\xff\xd8\xff"),
    ],
)
def test_a_broken_file_is_named_in_one_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GanToolsError, match=name) as caught:
        to_rgb(open_image(tmp_path / name))
    assert caught.value.hint
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("error", [RuntimeError("no planes"), TypeError("odd"), struct.error("short"), KeyError("x")])
def test_whatever_a_reader_raises_is_a_broken_file(tmp_path, monkeypatch, error):
    def load(self):
        raise error

    Image.new("L", (2, 2)).save(tmp_path / "x.bmp")
    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(GanToolsError, match=r"x\.bmp cannot be read"):
        open_image(tmp_path / "x.bmp")


def test_missing_files_folders_and_dangling_links_are_errors(tmp_path):
    (tmp_path / "link.png").symlink_to("nowhere.png")
    (tmp_path / "folder.png").mkdir()
    for name in ("none.png", "link.png", "folder.png"):
        with pytest.raises(GanToolsError, match=name):
            open_image(tmp_path / name)


def test_a_pipe_and_a_loop_of_links_are_errors_and_nothing_waits(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "one.png").symlink_to("two.png")
    (tmp_path / "two.png").symlink_to("one.png")
    for name in ("pipe.png", "one.png"):
        with pytest.raises(GanToolsError, match=name):
            open_image(tmp_path / name)


def test_a_decompression_bomb_is_refused_and_a_large_picture_is_not_warned_of(tmp_path, monkeypatch):
    Image.new("L", (12, 12)).save(tmp_path / "large.png")
    Image.new("L", (20, 20)).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # Pillow's own limit gives way to ours
    assert open_image(tmp_path / "large.png", 200).size == (12, 12)
    assert Image.MAX_IMAGE_PIXELS == 100
    with pytest.raises(GanToolsError, match="more than the 200 of --max-pixels"):
        open_image(tmp_path / "bomb.png", 200)


def test_decoding_in_threads_leaves_the_warning_filters_alone(tmp_path, monkeypatch):
    Image.new("L", (12, 12)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(open_image, [tmp_path / "large.png"] * 200))) == 200
    assert warnings.filters == before


@pytest.mark.parametrize("suffix", ["gif", "webp", "tif", "png"])
def test_of_several_frames_the_first_is_taken(tmp_path, suffix):
    frames = [Image.new("RGB", (9, 7), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / f"x.{suffix}", save_all=True, append_images=frames[1:])
    read = to_rgb(open_image(tmp_path / f"x.{suffix}"))
    assert read.size == (9, 7)
    assert read.getpixel((4, 3)) == pytest.approx((255, 0, 0), abs=3)


@pytest.mark.parametrize("name", ["with spaces.png", "ünïcödé 猫.png", "new\nline.png", "UPPER.PNG", "-dash.png"])
def test_any_file_name_will_do(tmp_path, name):
    Image.new("RGB", (1, 1), "red").save(tmp_path / "plain.png")
    os.rename(tmp_path / "plain.png", tmp_path / name)
    assert to_rgb(open_image(tmp_path / name)).getpixel((0, 0)) == (255, 0, 0)
