import pytest
import torch
from PIL import Image

from gantools.config import validate
from gantools.data.profile import profile, strangeness
from gantools.networks import InstanceNorm, UNetGenerator, translate_at_size
from gantools.networks.patchgan import receptive_field, whole_image_layers
from gantools.objectives import Needs
from gantools.task import Networks
from gantools_pix2pix.config import Config, Options
from gantools_pix2pix.task import Pix2Pix


@pytest.mark.parametrize(("size", "stride"), [(16, 16), (64, 64), (100, 64), (256, 256), (1000, 256)])
def test_the_unet_is_as_deep_as_the_pictures_are_large(size, stride):
    unet = UNetGenerator(width=2, size=size).eval()
    assert unet.stride == stride
    if size <= 256:
        assert unet(torch.rand(1, 3, stride, stride)).shape == (1, 3, stride, stride)


def test_a_picture_of_the_training_size_is_not_padded():
    task, nets = _task()
    seen = []
    nets["g"].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape))
    task.translate(nets, torch.rand(1, 3, 16, 16), Options())
    assert seen == [(1, 3, 16, 16)]


def test_skips_carry_every_size_to_the_output():
    """One pixel changed at the input changes the output, whatever the innermost layers see of it."""
    unet = UNetGenerator(width=2, size=32).eval()
    picture = torch.rand(1, 3, 32, 32)
    other = picture.clone()
    other[..., 9, 9] += 1
    assert not torch.equal(unet(picture), unet(other))


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_receptive_fields_are_what_the_papers_say(layers):
    assert receptive_field(layers) == {1: 16, 2: 34, 3: 70, 4: 142}[layers]


def test_a_whole_image_critic_sees_all_of_it():
    assert [whole_image_layers(size) for size in (32, 64, 128, 256)] == [2, 3, 4, 5]


def _task(**settings):
    small = {"size": 16, "width": 2, "critic": "pixel", "device": "cpu", **settings}
    task = Pix2Pix(validate(Config, small))
    torch.manual_seed(0)
    return task, Networks(task.generators()).eval()


def test_translating_by_the_pictures_statistics_leaves_the_weights_alone():
    task, nets = _task(dropout=0.5)
    before = {name: value.clone() for name, value in nets.state_dict().items()}
    pictures = torch.rand(3, 3, 16, 16)
    torch.manual_seed(1)
    together = task.translate(nets, pictures, Options())
    torch.manual_seed(1)
    first = task.translate(nets, pictures[:1], Options())
    assert torch.equal(together[:1], first)  # a picture's statistics are its own, whatever comes with it
    assert not torch.equal(task.translate(nets, pictures[:1], Options()), first)  # dropout is the noise
    assert all(torch.equal(before[name], value) for name, value in nets.state_dict().items())
    assert not any(module.training for module in nets.modules())


def test_stored_statistics_give_the_same_picture_each_time():
    task, nets = _task(inference="stored")
    picture = torch.rand(1, 3, 16, 16)
    assert torch.equal(task.translate(nets, picture, Options()), task.translate(nets, picture, Options()))
    by_picture = task.translate(nets, picture, Options(inference="picture"))
    assert not torch.equal(task.translate(nets, picture, Options()), by_picture)


def test_any_size_is_padded_and_cut():
    task, nets = _task(size=32)
    assert task.translate(nets, torch.rand(1, 3, 100, 37), Options()).shape == (1, 3, 100, 37)


def test_a_unet_works_at_its_own_size_and_scales_back():
    task, nets = _task(inference="stored")
    seen = []
    nets["g"].register_forward_pre_hook(lambda module, inputs: seen.append(tuple(inputs[0].shape[-2:])))
    assert task.translate(nets, torch.rand(1, 3, 90, 50), Options()).shape == (1, 3, 90, 50)
    assert task.translate(nets, torch.rand(1, 3, 90, 50), Options(resize=False)).shape == (1, 3, 90, 50)
    assert seen == [(16, 16), (96, 64)]


def test_detail_keeps_the_lines_of_a_larger_picture():
    lines = torch.ones(1, 3, 64, 64)
    lines[..., ::7] = -1
    blurred, sharp = (translate_at_size(lambda x: x, lines, 16, detail) for detail in (False, True))
    torch.testing.assert_close(sharp, lines)
    assert (blurred - lines).abs().mean() > 0.2


def test_batch_norm_gives_way_under_a_per_sample_penalty():
    task, _ = _task()
    kinds = [type(module) for module in task.discriminators(Needs(norm="per-sample"))["d"].modules()]
    assert torch.nn.BatchNorm2d not in kinds
    assert InstanceNorm in kinds


def test_a_photograph_is_not_an_outline():
    outlines = [torch.where(torch.rand(3, 16, 16) > 0.2, 255, 0).to(torch.uint8) for _ in range(20)]
    known = profile(outlines)
    assert strangeness(outlines[3], known) is None
    gradient = Image.linear_gradient("L").resize((16, 16)).convert("RGB")
    photo = torch.frombuffer(bytearray(gradient.tobytes()), dtype=torch.uint8).reshape(16, 16, 3).permute(2, 0, 1)
    assert "less white" in strangeness(photo, known)
