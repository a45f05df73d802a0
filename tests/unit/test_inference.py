import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import gantools
from gantools import GanToolsError
from gantools.inference.files import Job, plan
from gantools.inference.large import Tiling
from gantools.inference.pipeline import translate_files
from gantools.task import Networks
from gantools.weights.header import Header, plugin_of, save_weights
from gantools_cyclegan.config import Config
from gantools_cyclegan.task import CycleGAN


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model with random weights, loaded from a file as any other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # faster for pictures this small
    torch.manual_seed(0)
    config = Config(width=4, blocks=1, size=16, skips=False)  # which would hand on what JPEG does to small pictures
    tensors = Networks(CycleGAN(config).generators()).state_dict()
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    header = Header(task="cyclegan", plugin=plugin_of("cyclegan"), config=config.model_dump(mode="json"), size=16)
    save_weights(path, {name.removeprefix("generators."): tensor for name, tensor in tensors.items()}, header)
    yield gantools.load(path, device="cpu")
    torch.set_num_threads(threads)


def noise(size, channels=3, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], channels), dtype=np.uint8)
    return Image.fromarray(pixels.squeeze(-1) if channels == 1 else pixels)


def tensor(picture):
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1) / 127.5 - 1


def put(path, size=(9, 7), **settings):
    """Save a picture of noise, making its folder."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    noise(size).save(path, **settings)
    return path


def translate(model, *inputs, out="out", force=False, **options):
    """Do what `gantools translate` does; return the reasons of what failed by the name of the source."""
    jobs = plan(list(map(str, inputs)), Path(out), force)
    return {result.job.source.name: result.error for result in translate_files(model, jobs, **options) if result.error}


def refuse(*inputs, out="out", force=False):
    with pytest.raises(GanToolsError) as caught:
        plan(list(map(str, inputs)), Path(out), force)
    assert caught.value.hint
    return caught.value.message


def tree(folder="out"):
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


# Pictures and tensors


def test_a_path_a_picture_and_a_list_are_translated_alike(model):
    put("x.png", (20, 12))
    picture = Image.open("x.png")
    result = model.translate(picture)
    assert (result.mode, result.size) == ("RGB", (20, 12))
    assert model.translate("x.png").tobytes() == result.tobytes()
    both = model.translate([Path("x.png"), picture])
    assert [one.tobytes() for one in both] == [result.tobytes()] * 2
    assert model.translate([]) == []
    picture.close()


@pytest.mark.parametrize("size", [(5, 37), (1, 1), (200, 3), (16, 16), (7, 8), (2, 2)])
def test_every_size_is_kept(model, size):
    assert model.translate(noise(size)).size == size
    tensor = torch.rand(2, 3, *size) * 2 - 1
    result = model.translate(tensor)
    assert result.shape == tensor.shape
    assert float(result.abs().max()) <= 1


def test_a_picture_is_shown_with_the_margin_that_training_put_around_pictures(model, monkeypatch):
    monkeypatch.setattr(model, "margin", 3)
    monkeypatch.setattr(model, "background", (255, 0, 0))
    put("x.png", (20, 12))
    put("y.png", (20, 12))
    picture = Image.open("x.png").convert("RGBA")
    picture.putalpha(noise((20, 12), 1))
    opaque = Image.alpha_composite(Image.new("RGBA", (20, 12), "red"), picture).convert("RGB")
    shown = Image.new("RGB", (26, 18), "red")
    shown.paste(opaque, (3, 3))
    expected = model.run(tensor(shown)[None], model.options({}), 0)[..., 3:15, 3:23]
    made = model.translate(picture)
    assert made.getchannel("A").tobytes() == picture.getchannel("A").tobytes()
    torch.testing.assert_close(tensor(made.convert("RGB")), expected[0], atol=0.005, rtol=0)
    torch.testing.assert_close(model.translate(tensor(opaque)), expected[0], atol=1e-5, rtol=0)
    monkeypatch.setattr(model, "tiling", Tiling(16))
    torch.testing.assert_close(tensor(model.translate(opaque)), expected[0], atol=0.01, rtol=0)
    translate(model, "x.png", "y.png")
    assert Image.open("out/x.png").tobytes() == model.translate("x.png").tobytes()


def test_one_tensor_and_a_batch_agree_and_the_given_tensor_is_left_alone(model):
    batch = torch.rand(2, 3, 10, 12) * 2 - 1
    before = batch.clone()
    result = model.translate(batch)
    assert torch.allclose(model.translate(batch[1]), result[1], atol=1e-5)
    assert model.translate(batch[1]).shape == (3, 10, 12)
    assert torch.equal(batch, before)
    assert model.translate(batch.half()).dtype == torch.float32
    result.add_(1)  # an ordinary tensor, not one of inference mode
    assert not result.requires_grad


@pytest.mark.parametrize(
    "tensor", [torch.zeros(16, 16), torch.zeros(1, 1, 3, 8, 8), torch.zeros(3, 8, 8, dtype=torch.uint8)]
)
def test_tensors_of_another_kind_are_refused(model, tensor):
    with pytest.raises(GanToolsError, match="cannot translate a tensor") as caught:
        model.translate(tensor)
    assert "[-1, 1]" in caught.value.hint


def test_directions_differ_and_unknown_options_are_refused(model):
    picture = noise((16, 16))
    assert model.translate(picture).tobytes() == model.translate(picture, direction="a2b").tobytes()
    assert model.translate(picture).tobytes() != model.translate(picture, direction="b2a").tobytes()
    with pytest.raises(GanToolsError, match="direction"):
        model.translate(picture, direction="sideways")
    with pytest.raises(GanToolsError, match="have no use for --style"):
        model.translate(picture, style="loud")


def test_alpha_is_kept_exactly_and_the_hidden_colour_does_not_show(model):
    picture = noise((18, 10), channels=4)
    result = model.translate(picture)
    assert result.mode == "RGBA"
    assert result.getchannel("A").tobytes() == picture.getchannel("A").tobytes()
    clear, other = Image.new("RGBA", (16, 16), (255, 0, 0, 0)), Image.new("RGBA", (16, 16), (0, 0, 255, 0))
    assert model.translate(clear).tobytes() == model.translate(other).tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "CMYK", "I", "I;16", "F", "YCbCr", "LAB"])
def test_every_mode_is_translated(model, mode):
    picture = Image.new(mode, (9, 6)) if mode in {"I;16", "LAB"} else noise((9, 6)).convert(mode)
    result = model.translate(picture)
    assert result.size == (9, 6)
    assert result.mode == ("RGBA" if mode == "LA" else "RGB")


def test_a_palette_with_transparency_gives_alpha(model):
    picture = noise((9, 6)).convert("P")
    picture.info["transparency"] = picture.getpixel((0, 0))
    assert model.translate(picture).getchannel("A").getextrema() == (0, 255)


def test_sixteen_bits_are_scaled_before_they_are_translated(model):
    eight = noise((12, 8), channels=1)
    sixteen = Image.fromarray(np.asarray(eight).astype(np.uint16) * 257)
    assert model.translate(sixteen).tobytes() == model.translate(eight).tobytes()


def test_broken_pictures_are_errors(model):
    Path("x.png").write_text("no picture")
    with pytest.raises(GanToolsError, match=r"x\.png is not a picture"):
        model.translate("x.png")
    with pytest.raises(GanToolsError, match=r"none\.png cannot be read"):
        model.translate("none.png")


# Files


def test_a_folder_is_translated_with_all_below_and_relative_names_are_kept(model):
    for name in ("a.png", "sub/a.png", "sub/deep/ü 猫.JPG", "sub/.hidden.png", "new\nline.webp"):
        put(f"in/{name}")
    Path("in/notes.txt").write_text("no picture")
    assert translate(model, "in") == {}
    assert tree() == ["a.png", "new\nline.webp", "sub/a.png", "sub/deep/ü 猫.JPG"]
    assert tree() == [name for name in tree("in") if name not in {"notes.txt", "sub/.hidden.png"}]


def test_globs_keep_the_names_below_their_fixed_part_and_pass_over_other_files():
    for name in ("1.png", "x/1.png", "x/deep/2.jpg", "y/1.png"):
        put(f"in/{name}")
    Path("in/empty").mkdir()
    Path("in/notes.txt").touch()

    def targets(pattern):
        return sorted(str(job.target) for job in plan([pattern], Path("out"), False))

    assert targets("in/*.png") == ["out/1.png"]
    assert targets("in/*/1.png") == ["out/x/1.png", "out/y/1.png"]
    assert targets("in/*") == targets("in/**") == ["out/1.png", "out/x/1.png", "out/x/deep/2.jpg", "out/y/1.png"]
    assert targets("./in/[xy]/?.png") == ["out/x/1.png", "out/y/1.png"]
    assert refuse("in/*.gif") == "in/*.gif does not exist"
    assert refuse("in/*.txt") == "no pictures match in/*.txt, but 1 other files"


def test_a_name_that_looks_like_a_glob_is_a_name():
    put("in/photo [1]*.png")
    assert [job.target for job in plan(["in/photo [1]*.png"], Path("out"), False)] == [Path("out/photo [1]*.png")]


def test_a_missing_input_and_an_empty_folder_are_errors_that_speak_of_pictures():
    Path("empty").mkdir()
    with pytest.raises(GanToolsError, match=r"none\.png does not exist"):
        plan(["none.png"], Path("out"), False)
    with pytest.raises(GanToolsError, match="no pictures in empty") as caught:
        plan(["empty"], Path("out"), False)
    assert "--a" not in caught.value.hint


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK"])
@pytest.mark.parametrize("suffix", ["png", "jpg", "JPEG", "webp", "tif", "bmp", "gif", "jp2", "ppm", "tga", "pcx"])
def test_format_size_and_alpha_are_kept(model, suffix, mode):
    picture = noise((21, 13), channels=4).convert("RGB" if mode in {"P", "CMYK"} else mode).convert(mode)
    Path("in").mkdir()
    try:
        picture.save(f"in/x.{suffix}")
    except (OSError, ValueError):
        return  # a format that has no such pictures
    with Image.open(f"in/x.{suffix}") as source:
        kind, source_alpha = source.format, source.has_transparency_data
    assert translate(model, f"in/x.{suffix}") == {}
    with Image.open(f"out/x.{suffix}") as result:
        assert (result.format, result.size) == (kind, (21, 13))
        assert result.has_transparency_data == source_alpha
        if source_alpha and suffix != "gif":  # whose pixels are clear or not
            assert result.convert("RGBA").getchannel("A").tobytes() == picture.getchannel("A").tobytes()


def test_formats_that_pillow_cannot_write_at_this_size_become_png(model):
    put("in/x.ico", (48, 48))
    shutil.copy(put("in/y.png", (30, 10)), "in/z.psd")  # the content decides how it is read, the name how it is written
    assert translate(model, "in/x.ico", "in/z.psd") == {}
    assert tree() == ["x.ico.png", "z.psd.png"]
    with Image.open("out/x.ico.png") as result:
        assert (result.format, result.size) == ("PNG", (48, 48))


def test_one_picture_may_be_given_its_name_and_an_unknown_suffix_is_a_folder(model):
    put("a.png")
    noise((9, 7), channels=4).save("clear.png")
    for source, out in (("a.png", "to/b.jpg"), ("*a.png", "c.png"), ("clear.png", "d.jpg"), ("a.png", "out.xyz")):
        assert translate(model, source, out=out) == {}
    for name, kind in (("to/b.jpg", "JPEG"), ("c.png", "PNG"), ("d.jpg", "JPEG"), ("out.xyz/a.png", "PNG")):
        with Image.open(name) as result:
            assert (result.format, result.size) == (kind, (9, 7))
    Path("folder.png").mkdir()
    assert plan(["a.png"], Path("folder.png"), False) == [Job(Path("a.png"), Path("folder.png/a.png"))]


def test_names_for_results_that_cannot_work_are_refused_before_any_work():
    put("a.png")
    put("b.png")
    Path("file").touch()
    assert refuse("a.png", "b.png", out="c.png") == "c.png names one picture, and there are 2 to translate"
    assert refuse("a.png", out="c.psd") == "Pillow cannot write .psd files"
    assert refuse("a.png", out="file") == "file is a file, not a folder"
    assert not Path("c.png").exists()


def test_two_pictures_of_one_name_are_refused_and_one_given_twice_is_done_once():
    put("x/a.png")
    put("y/a.png")
    assert refuse("x/a.png", "y/a.png") == "x/a.png and y/a.png would both become out/a.png"
    assert refuse("x", "y") == "x/a.png and y/a.png would both become out/a.png"
    assert len(plan(["x/a.png", "./x/a.png", "x", "x/*.png"], Path("out"), False)) == 1


def test_existing_results_are_replaced_only_by_force(model):
    put("in/a.png")
    assert translate(model, "in") == {}
    first = Path("out/a.png").read_bytes()
    assert refuse("in") == "out/a.png exists"
    assert translate(model, "in", force=True, direction="b2a") == {}
    assert Path("out/a.png").read_bytes() != first


def test_no_input_is_ever_overwritten_whatever_the_name_it_goes_by():
    put("in/a.png")
    put("in/sub/a.png")
    os.symlink("in", "link")
    os.symlink("../in/a.png", "in/alias.png")
    for inputs, out in (
        (["in"], "in"),
        (["in/a.png"], "in"),
        (["in/a.png"], "in/a.png"),
        (["in/a.png"], "link"),
        (["in/a.png"], "in/alias.png"),
        (["link"], "in"),
        (["in"], "in/sub"),  # in/a.png would become in/sub/a.png, which is an input too
    ):
        assert "would be overwritten" in refuse(*inputs, out=out, force=True)


def test_one_broken_file_does_not_stop_the_others(model):
    for name in ("1.png", "3.png", "5.png"):
        put(f"in/{name}")
    Path("in/2.png").write_text("no picture")
    Path("in/4.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    failed = translate(model, "in")
    assert sorted(failed) == ["2.png", "4.jpg"]
    assert failed["2.png"] == "in/2.png is not a picture"
    assert tree() == ["1.png", "3.png", "5.png"]


@pytest.mark.parametrize("error", [RuntimeError("out of memory\nat 0x"), MemoryError(), ValueError("too wide")])
def test_a_picture_that_cannot_be_translated_does_not_stop_the_others(model, monkeypatch, error):
    put("in/1.png", (40, 40))
    put("in/2.png", (8, 8))
    genuine = model.task.translate

    def small_only(networks, images, options):
        if images.shape[-1] > 8:
            raise error
        return genuine(networks, images, options)

    monkeypatch.setattr(model.task, "translate", small_only)
    failed = translate(model, "in")
    assert list(failed) == ["1.png"]
    assert failed["1.png"].startswith("in/1.png cannot be translated: ")
    assert "\n" not in failed["1.png"]
    assert tree() == ["2.png"]


def test_small_neighbours_of_one_size_go_together(model, monkeypatch):
    for name, size in {"1": (16, 16), "2": (16, 16), "3": (16, 16), "4": (20, 8), "5": (16, 16)}.items():
        noise(size, seed=int(name)).save(put(f"in/{name}.png"))
    genuine, passes = model.task.translate, []
    monkeypatch.setattr(
        model.task, "translate", lambda nets, x, o: passes.append(tuple(x.shape)) or genuine(nets, x, o)
    )
    assert not translate(model, "in")
    assert passes[2:] == [(3, 3, 16, 16), (1, 3, 8, 20), (1, 3, 16, 16)]  # after two that ask whether it is random
    for name in "12345":
        alone, made = model.translate(f"in/{name}.png"), Image.open(f"out/{name}.png")
        assert np.abs(np.asarray(alone, dtype=int) - np.asarray(made, dtype=int)).max() <= 1


def test_where_the_seed_tells_pictures_go_alone(model, monkeypatch):
    put("in/1.png", (16, 16))
    put("in/2.png", (16, 16))
    passes = []

    def random(networks, images, options):
        passes.append(len(images))
        return torch.rand_like(images) * 2 - 1

    monkeypatch.setattr(model.task, "translate", random)
    assert not translate(model, "in")
    assert passes == [1, 1, 1, 1]
    assert Path("out/1.png").read_bytes() == Path("out/2.png").read_bytes()  # by the seed alone, not what was before


def test_a_place_that_cannot_be_written_is_a_reason(model):
    put("in/a.png")
    put("in/b.png")
    Path("out").mkdir()
    jobs = plan(["in"], Path("out"), False)
    Path("out/a.png").mkdir()
    reasons = [result.error for result in translate_files(model, jobs)]
    assert "cannot write out/a.png" in reasons[0]
    assert reasons[1] is None
    assert tree() == ["b.png"]


# EXIF


ARTIST, ORIENTATION, DETAILS, GPS, MAKER_NOTE, TAKEN = 0x013B, 0x0112, 0x8769, 0x8825, 0x927C, 0x9003


def photo(path, size=(24, 16)):
    """Save a photo as a telephone does: sideways, with its place, its maker's notes, its author and date."""
    exif = Image.Exif()
    exif[ARTIST], exif[ORIENTATION] = "Ann Example", 6
    exif[GPS] = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 36.0)}
    exif[DETAILS] = {TAKEN: "2024:05:06 07:08:09", MAKER_NOTE: b"secret place"}
    return put(path, size, exif=exif.tobytes())


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_orientation_is_applied_once_and_the_place_is_left_out(model, suffix):
    photo(f"in/x.{suffix}")
    with Image.open(f"in/x.{suffix}") as source:
        assert suffix == "tif" or GPS in source.getexif()
    assert translate(model, f"in/x.{suffix}") == {}
    with Image.open(f"out/x.{suffix}") as result:
        assert result.size == (16, 24)
        exif = result.getexif()
        assert exif.get(ORIENTATION, 1) == 1
        assert GPS not in exif
        assert not exif.get_ifd(GPS)
        if suffix != "tif":
            assert exif[ARTIST] == "Ann Example"
            assert exif.get_ifd(DETAILS) == {TAKEN: "2024:05:06 07:08:09"}
    assert b"secret" not in Path(f"out/x.{suffix}").read_bytes()
    upright = model.translate(f"in/x.{suffix}")
    with Image.open(f"out/x.{suffix}") as result:
        difference = np.asarray(result.convert("RGB")).astype(int) - np.asarray(upright)
    assert np.abs(difference).mean() < 12  # turned again, it would be far more


def test_exif_goes_along_into_another_format(model):
    photo("x.jpg")
    for out in ("y.png", "y.webp", "y.tif", "y.bmp"):
        assert translate(model, "x.jpg", out=out) == {}
        with Image.open(out) as result:
            assert result.size == (16, 24)
            assert GPS not in result.getexif()
            assert out == "y.bmp" or result.getexif()[ARTIST] == "Ann Example"


def test_damaged_exif_does_not_stop_a_translation(model):
    exif = Image.Exif()
    exif[ARTIST] = "Ann " * 100
    put("in/cut.jpg", exif=exif.tobytes()[:-300])
    put("in/garbage.jpg", exif=b"Exif\0\0garbage of some length")
    assert translate(model, "in") == {}
    assert tree() == ["cut.jpg", "garbage.jpg"]


def test_a_notebook_shows_what_a_model_is_and_does():
    model = gantools.load("emoji-styles", "cpu")
    shown = model._repr_html_()
    assert "fluent3d, noto, openmoji, twemoji, flat" in shown
    assert "src='data:image/png;base64,iVBOR" in shown
    assert "http" not in shown.partition("<img")[0]
    model.header.licence = "<script>"
    assert "<script>" not in model._repr_html_()
    assert isinstance(model.networks["g"], torch.nn.Module)
