"""What metrics see: the backbone, features that are kept, and whether figures order pictures as eyes do."""

import io
import shutil
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from torch_fidelity import feature_extractor_inceptionv3

from gantools import GanToolsError
from gantools.data.comparison import Picture
from gantools.metrics import Evidence, lite0
from gantools.metrics.backbones import Backbone, load_backbone
from gantools.metrics.pairs import PerceptualDistance
from gantools.metrics.pictures import PictureSet
from gantools.metrics.sets import KernelDistance
from tests.conftest import EXAMPLES

EMOJI = sorted((EXAMPLES / "openmoji").glob("*.png"))


def means(pictures):
    mean = pictures.mean((2, 3))
    return mean, mean, []


MEANS = Backbone("means", 8, means)


def picture_set(paths, backbone=MEANS, **more):
    return PictureSet([Picture(path.stem, path) for path in paths], backbone, **more)


@pytest.fixture
def opened(monkeypatch):
    """The names of the pictures that are decoded, as they are."""
    names, whole = [], Picture.open
    monkeypatch.setattr(Picture, "open", lambda self: names.append(self.name) or whole(self))
    return names


def test_features_of_a_picture_depend_on_no_other():
    backbone = load_backbone()
    pictures = list(picture_set(EMOJI[:11]))
    together = backbone.features(iter(pictures))
    backwards = backbone.features(iter(pictures[::-1]))
    for part in range(2):
        assert torch.equal(together[part], backwards[part].flip(0))
        for i in (0, 10):
            assert torch.equal(backbone.features(iter([pictures[i]]))[part][0], together[part][i])
    maps = backbone.maps(pictures[:3])
    assert [part.shape[0] for part in maps] == [3] * 5
    assert torch.equal(backbone.maps(pictures[2:3])[4][0], maps[4][2])


def test_lite0_has_the_published_size_and_every_weight(monkeypatch):
    network = lite0.load_lite0()
    assert sum(p.numel() for p in network.parameters()) == 4_652_008
    assert not any(tensor.is_meta for tensor in network.state_dict().values())
    loaded = torch.load
    monkeypatch.setattr(torch, "load", lambda *a, **k: {n: t for n, t in loaded(*a, **k).items() if n != "_bn1.bias"})
    with pytest.raises(RuntimeError, match=r"Missing key.*_bn1\.bias"):
        lite0.load_lite0()


def test_another_file_of_weights_is_refused(elsewhere, monkeypatch):
    package = Path(find_spec(lite0._PACKAGE).origin).parent
    copy = elsewhere / "package" / lite0._FILE
    copy.parent.mkdir(parents=True)
    content = bytearray((package / lite0._FILE).read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    for folder, message in (("package", "its checksum differs"), ("none", "is not installed")):
        spec = SimpleNamespace(origin=str(elsewhere / folder / "__init__.py"))
        monkeypatch.setattr(lite0, "find_spec", lambda name, spec=spec: spec)
        with pytest.raises(GanToolsError, match=message):
            lite0.load_lite0()


def test_kid_orders_blur_and_noise_and_finds_halves_alike(elsewhere):
    halves = [EMOJI[::2], EMOJI[1::2]]
    real = picture_set(halves[1], load_backbone())

    def kid(name, change):
        paths = [elsewhere / name / path.name for path in halves[0]]
        (elsewhere / name).mkdir()
        for source, path in zip(halves[0], paths, strict=True):
            with Image.open(source) as image:
                change(image.convert("RGB")).save(path)
        return KernelDistance()(Evidence(picture_set(paths, load_backbone()), real))

    def blur(radius):
        return kid(f"blur-{radius}", lambda image: image.filter(ImageFilter.GaussianBlur(radius)))

    def noise(sigma):
        grain = np.random.default_rng(0).normal(0, sigma, (64, 64, 3))
        return kid(f"noise-{sigma}", lambda image: Image.fromarray((image + grain).clip(0, 255).astype(np.uint8)))

    alike = blur(0)
    assert abs(alike.value) < 2 * alike.std_error
    for slight, strong in ((blur(1), blur(3)), (noise(15), noise(60))):
        assert alike.value < slight.value < strong.value - 2 * strong.std_error


def test_figures_depend_on_neither_names_nor_order(elsewhere, opened):
    (elsewhere / "renamed").mkdir()
    paths = [Path(shutil.copy(path, elsewhere / "renamed" / f"{i}.png")) for i, path in enumerate(EMOJI[:12])]
    before = picture_set(EMOJI[:12]).features
    opened.clear()
    assert torch.equal(picture_set(paths).features.pooled, before.pooled)
    assert not opened  # what a file holds is looked up, not what it is called
    real = picture_set(EMOJI[20:40])
    one, other = (KernelDistance()(Evidence(picture_set(some), real)).value for some in (paths, paths[::-1]))
    assert one == pytest.approx(other, rel=1e-9)


def test_features_are_kept_until_a_picture_changes_or_the_file_is_damaged(elsewhere, opened):
    paths = [Path(shutil.copy(path, elsewhere)) for path in EMOJI[:3]]
    first = picture_set(paths).features
    assert opened == [path.stem for path in paths]
    assert torch.equal(picture_set(paths).features.logits, first.logits)
    assert len(opened) == 3
    (kept,) = (elsewhere / "cache" / "features").iterdir()
    for content in (kept.read_bytes()[:-7], b""):
        kept.write_bytes(content)
        assert torch.equal(picture_set(paths).features.pooled, first.pooled)
    assert len(opened) == 9
    picture_set(paths).features  # noqa: B018  (kept again)
    assert len(opened) == 9
    shutil.copy(EMOJI[3], paths[1])
    changed = picture_set(paths).features.pooled
    assert len(opened) == 12
    assert [torch.equal(a, b) for a, b in zip(changed, first.pooled, strict=True)] == [True, False, True]


def test_features_are_kept_for_each_backbone_background_and_half(elsewhere):
    Image.new("RGBA", (8, 4), (255, 0, 0, 0)).save("clear.png")
    sides = Image.new("RGB", (8, 4), "red")
    sides.paste("blue", (4, 0, 8, 4))
    sides.save("sides.png")
    clear = [Path("clear.png")]
    seen = [picture_set(clear), picture_set(clear, background=(0, 0, 0))]
    seen += [PictureSet([Picture("sides", Path("sides.png"), half)], MEANS) for half in ("left", "right")]
    seen.append(picture_set(clear, Backbone("halves", 8, lambda pictures: means(pictures / 2))))
    for _ in range(2):
        again = [PictureSet(one.pictures, one.backbone, one.background).features.pooled[0] for one in seen]
        expected = [[1, 1, 1], [0, 0, 0], [1, 0, 0], [0, 0, 1], [0.5, 0.5, 0.5]]
        torch.testing.assert_close(torch.stack(again), torch.tensor(expected, dtype=torch.float64))


def test_perceptual_distance_is_0_for_equal_pictures_and_grows_with_blur(elsewhere):
    values = []
    for radius in (0, 0.5, 2):
        paths = []
        for path in EMOJI[:9]:  # more than a pass
            with Image.open(path) as image:
                buffer = io.BytesIO()
                image.convert("RGB").filter(ImageFilter.GaussianBlur(radius)).save(buffer, "PNG")
            paths.append(elsewhere / f"{radius}-{path.name}")
            paths[-1].write_bytes(buffer.getvalue())
        made, real = (picture_set(some, load_backbone()) for some in (paths, EMOJI[:9]))
        values.append(PerceptualDistance()(Evidence(made, real, truth=tuple(range(9)))))
    assert values[0][:3] == (0, 0, 9)
    assert 0 < values[1].value < values[2].value
    assert not PerceptualDistance().applies(
        Evidence(*[picture_set(EMOJI[:1], Backbone("x", 8, means, False))] * 2, (0,))
    )


@pytest.fixture
def inception(monkeypatch):
    """torch-fidelity's Inception with random weights, in place of those that it would fetch."""
    module = feature_extractor_inceptionv3
    network_class = module.FeatureExtractorInceptionV3
    torch.manual_seed(0)
    with monkeypatch.context() as building:
        building.setattr(module, "load_state_dict_from_url", lambda *a, **k: {})
        building.setattr(network_class, "load_state_dict", lambda self, state: None)
        network = network_class("random", ["2048", "logits_unbiased"])
    monkeypatch.setattr(module, "load_state_dict_from_url", lambda *a, **k: network.state_dict())
    load_backbone.cache_clear()
    yield network
    load_backbone.cache_clear()


def test_inception_sees_pictures_as_torch_fidelity_hands_them_over(inception):
    pictures = [*picture_set(EMOJI[:2]), torch.full((3, 32, 48), 200, dtype=torch.uint8)]
    pooled, logits = load_backbone("inception").features(iter(pictures))
    for i, picture in enumerate(pictures):  # of any size; it resizes them itself
        expected = inception(picture[None])
        assert torch.allclose(pooled[i], expected[0][0].double(), atol=1e-4)
        assert torch.allclose(logits[i], expected[1][0].double(), atol=1e-4)


def test_inception_that_cannot_be_had_is_one_line(monkeypatch):
    def unreachable(*args, **kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr(feature_extractor_inceptionv3, "load_state_dict_from_url", unreachable)
    load_backbone.cache_clear()
    with pytest.raises(GanToolsError, match="cannot be had: Name or service not known") as raised:
        load_backbone("inception")
    assert "lite0" in raised.value.hint
