"""Pictures in tiles are what they are whole."""

import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import init
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

import gantools
from gantools import GanToolsError
from gantools.data.pixels import to_bytes, to_image, to_unit
from gantools.device import free_memory
from gantools.inference.large import Tiling, cut, translate_tiled
from gantools.inference.parts import PartTranslator, probe
from gantools.inference.scaled import translate_scaled
from gantools.networks import translate_at_size
from gantools.task import Networks
from gantools.weights.header import Header, plugin_of, save_weights

SIZE = (301, 122)  # multiples of nothing

CASES = {
    "cyclegan": ("cyclegan", {"blocks": 1}, {}),
    "cyclegan, transposed": ("cyclegan", {"blocks": 1, "upsample": "transpose"}, {}),
    "cyclegan, blurred": ("cyclegan", {"blocks": 1, "upsample": "blur", "downsample": "blur"}, {}),
    "cyclegan, batch norm": ("cyclegan", {"blocks": 1, "norm": "batch", "inference": "picture"}, {}),
    "stargan": (
        "stargan",
        {"blocks": 1, "norm": "instance", "select": ["x,y"], "labels": ["exclusive"]},
        {"to": ["y"]},
    ),
    "stargan, blurred, demodulated": (
        "stargan",
        {"blocks": 1, "upsample": "blur", "palette": True, "select": ["x,y"], "labels": ["exclusive"]},
        {"to": ["y"]},
    ),
    "stargan, transposed": (
        "stargan",
        {"blocks": 1, "norm": "instance", "upsample": "transpose", "select": ["x,y"], "labels": ["exclusive"]},
        {"to": ["y"]},
    ),
    "stargan, attributes, demodulated": (
        "stargan",
        {"blocks": 1, "smoothing": True, "select": ["x,y"], "labels": ["independent"]},
        {"to": ["+y"]},
    ),
    "pix2pix, resnet": ("pix2pix", {"blocks": 1, "generator": "resnet"}, {}),
    "pix2pix, padded": ("pix2pix", {"dropout": 0.0}, {"resize": False}),
    "pix2pix, stored": ("pix2pix", {"norm": "instance"}, {"resize": False, "inference": "stored"}),
}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def load(folder, task, settings):
    """A model with random weights, large enough that pixels far away and statistics tell."""
    torch.manual_seed(0)
    info = gantools.plugins.manager().tasks.get(task)
    config = gantools.registry.load_object(info.config).model_validate({"size": 16, "width": 4} | settings)
    networks = Networks(gantools.registry.load_object(info.task)(config).generators())
    for parameter in networks.parameters():
        if parameter.dim() > 1:
            init.kaiming_normal_(parameter)
    tensors = {name.removeprefix("generators."): value for name, value in networks.state_dict().items()}
    header = Header(task=task, plugin=plugin_of(task), config=config.model_dump(mode="json"), size=16)
    save_weights(folder / "tiny.safetensors", tensors, header)
    return gantools.load(folder / "tiny.safetensors", device="cpu")


def picture(size=SIZE):
    """Soft shapes, darker on the left: every tile has other statistics."""
    draw = np.random.default_rng(0)
    small = Image.fromarray(draw.integers(0, 256, (9, 17, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    fade = np.linspace(0.2, 1, size[0])[None, :, None]
    return Image.fromarray((np.asarray(small) * fade).astype(np.uint8))


def whole(model, image, options):
    return model.run(to_unit(to_bytes(image))[None], options, 0)[0]


def in_tiles(model, image, options, side):
    """What translate_tiled does, before the numbers are rounded to pixels."""
    view = model.task.view(options)
    options = model.task.settled(model.networks, to_unit(to_bytes(image))[None], options)
    tiles = cut(image, side, probe(model, options, view.stride)[0], view)
    translator = PartTranslator(model, options, 0)
    passes = translator.gather(tiles)
    result = torch.full((3, image.height, image.width), torch.nan)
    for part, crop in tiles:
        made = translator(part, crop())
        y, x = part.y + part.top, part.x + part.left
        result[:, y : y + made.shape[1], x : x + made.shape[2]] = made
    return result, passes, len(tiles)


@pytest.mark.parametrize("case", CASES)
def test_tiles_by_exact_statistics_make_the_whole_picture(tmp_path, case):
    task, settings, options = CASES[case]
    model, image = load(tmp_path, task, settings), picture()
    chosen = next(iter(model.variants(options).values()))
    expected = whole(model, image, chosen)
    result, passes, count = in_tiles(model, image, chosen, 64)
    assert count == 10
    assert (passes == 0) if "demodulated" in case else (passes > 4)  # without norms there is nothing to gather
    assert float((result - expected).abs().max()) < 1e-3
    assert expected.std() > 0.1


def test_the_tiles_of_others_matter(tmp_path):
    """Without what is gathered, or without margins, tiles are something else: the test above can fail."""
    model, image = load(tmp_path, "cyclegan", {"blocks": 1}), picture()
    chosen = model.options({})
    expected = whole(model, image, chosen)
    tiles = cut(image, 32, 0, replace(model.task.view(chosen), stride=4))
    translator = PartTranslator(model, chosen, 0)
    translator.gather(tiles[:1])
    part, crop = tiles[0]
    made = translator(part, crop())
    assert float((made - expected[:, : made.shape[1], : made.shape[2]]).abs().max()) > 0.05


@pytest.mark.parametrize("case", ["cyclegan", "cyclegan, transposed", "cyclegan, blurred", "pix2pix, stored"])
def test_a_network_sees_no_further_than_the_layers_say(tmp_path, case):
    """Measured by the gradient of single pixels, through positive weights without norms."""
    task, settings, options = CASES[case]
    model = load(tmp_path, task, settings)
    chosen = model.options(options)
    stride = model.task.view(chosen).stride
    reach = probe(model, chosen, stride)[0]
    for module in list(model.networks.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, _InstanceNorm | _BatchNorm | nn.ReLU | nn.LeakyReLU | nn.Tanh):
                setattr(module, name, nn.Identity())
    network = next(iter(model.networks.generators.values())).double()
    for parameter in network.parameters():
        parameter.data = torch.full_like(parameter, 1 / max(1, parameter[0].numel()))
    x = torch.zeros(1, 3, 2 * stride, 512, dtype=torch.double, requires_grad=True)
    seen = [network(x)[0, :, 0, 256 + place].sum() for place in (0, stride - 1)]
    left, right = (torch.autograd.grad(one, x)[0].abs().sum((0, 1, 2)).nonzero() for one in seen)
    true = max(256 - int(left.min()), int(right.max()) - 256 - stride + 1)
    assert true <= reach <= 2 * true


@pytest.mark.parametrize("detail", [False, True])
@pytest.mark.parametrize("size", [(90, 601), (1, 300), (300, 1)])
def test_a_network_of_one_size_goes_by_stripes(detail, size):
    image = picture(size)

    def network(small):
        return small.flip(3)

    tensor = to_unit(to_bytes(image))[None]
    expected = to_image(translate_at_size(network, tensor, 16, detail)[0])
    made = translate_scaled(network, image, 16, detail)
    difference = np.abs(np.asarray(made, dtype=int) - np.asarray(expected, dtype=int))
    assert difference.max() <= 1  # one rounds up, one down
    assert (difference > 0).mean() < 1e-3


def test_dropout_is_that_of_the_place(tmp_path):
    """Tiles of two sizes agree, and another seed drops elsewhere."""
    model, image = load(tmp_path, "pix2pix", {"dropout": 0.5}), picture((150, 100))
    chosen = model.options({"resize": False})
    first, second = (in_tiles(model, image, chosen, side)[0] for side in (32, 64))
    assert float((first - second).abs().max()) < 1e-3
    one, other = (translate_tiled(model, image, chosen, seed, Tiling(64)) for seed in (0, 1))
    assert one.tobytes() != other.tobytes()


def test_reduced_statistics_are_those_of_a_smaller_picture(tmp_path, monkeypatch):
    model, image = load(tmp_path, "cyclegan", {"blocks": 1}), picture()
    monkeypatch.setattr("gantools.inference.large._REDUCED", 150 * 60)
    seen = []
    report = lambda what, done, total: seen.append((what, total))  # noqa: E731
    chosen = model.options({})
    made = translate_tiled(model, image, chosen, 0, Tiling(64, "reduced", report))
    assert made.size == SIZE
    assert {total for what, total in seen if what.startswith("statistics")} == {3}
    exact = translate_tiled(model, image, chosen, 0, Tiling(64, "exact"))
    assert made.tobytes() != exact.tobytes()


def test_out_of_memory_starts_tiles_and_says_so(tmp_path, monkeypatch, caplog):
    model, image = load(tmp_path, "cyclegan", {"blocks": 1}), picture((700, 90))
    expected = np.asarray(model.translate(image), dtype=int)
    genuine = model.task.translate

    def small_only(networks, images, options):
        if images.shape[-1] > 600:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")
        return genuine(networks, images, options)

    monkeypatch.setattr(model.task, "translate", small_only)
    with caplog.at_level(logging.WARNING, "gantools"):
        made = model.translate(image)
    assert np.abs(np.asarray(made, dtype=int) - expected).max() <= 1
    assert "not enough memory for 700 x 90 pixels at once: translating in tiles" in caplog.text
    model.tiling = Tiling(side=800)  # as little as that fits
    assert np.abs(np.asarray(model.translate(image), dtype=int) - expected).max() <= 1


def test_what_cannot_be_foreseen_to_fit_is_cut(tmp_path, monkeypatch):
    model, image = load(tmp_path, "cyclegan", {"blocks": 1}), picture((700, 90))
    monkeypatch.setattr("gantools.inference.large._SMALL", 1000)
    monkeypatch.setattr("gantools.inference.large._MOST", 128)
    sides = []
    genuine = model.task.translate
    monkeypatch.setattr(
        model.task, "translate", lambda nets, x, o: sides.append(max(x.shape[-2:])) or genuine(nets, x, o)
    )
    model.translate(image)
    assert max(sides) == 700
    sides.clear()
    monkeypatch.setattr("gantools.inference.large.free_memory", lambda device: 1 << 20)
    model.translate(image)
    assert max(sides) < 700


def test_a_task_that_says_nothing_of_its_view_is_not_cut(tmp_path, monkeypatch):
    model = load(tmp_path, "cyclegan", {"blocks": 1})
    monkeypatch.setattr(model.task, "view", lambda options: None)
    model.tiling = Tiling(side=32)
    with pytest.raises(GanToolsError, match="cannot translate in tiles"):
        model.translate(picture())
    with pytest.raises(GanToolsError, match="no size"):
        Tiling(side=0)


def test_a_containers_limit_counts_and_files_it_can_forget_do_not(tmp_path, monkeypatch):
    monkeypatch.setattr("gantools.device._CONTAINERS", [(tmp_path, "memory.max", "memory.current")])
    unlimited = free_memory(torch.device("cpu"))
    for name, text in {
        "memory.max": "max",
        "memory.current": "7000",
        "memory.stat": "anon 5\ninactive_file 2000",
    }.items():
        (tmp_path / name).write_text(text + "\n")
    assert free_memory(torch.device("cpu")) > unlimited / 2
    (tmp_path / "memory.max").write_text("9000\n")
    assert free_memory(torch.device("cpu")) == 4000
