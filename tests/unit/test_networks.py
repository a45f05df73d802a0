"""Generators and discriminators against the papers' architectures."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d, conv_transpose2d, instance_norm, leaky_relu, pad, relu

from gantools.config import validate
from gantools.data.settings import ImageSettings
from gantools.errors import GanToolsError
from gantools.networks import (
    InstanceNorm,
    PatchGAN,
    PixelGAN,
    ResNetGenerator,
    init_leaky,
    init_weights,
    smallest_patch_size,
    translate_any_size,
)
from gantools.networks.patchgan import check_size


def parameter_count(network):
    return sum(p.numel() for p in network.parameters())


def kernels(network):
    """The weights of all convolutions in the order they are applied, and random biases: a norm takes those away."""
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    for layer in layers:
        bias = torch.randn(layer.out_channels, dtype=torch.float64) if layer.bias is None else layer.bias
        yield layer.weight, bias


def test_the_generator_computes_what_the_paper_describes():
    network = ResNetGenerator(width=4, blocks=2, upsample="transpose").double()
    x = torch.rand(2, 3, 16, 24, dtype=torch.float64)
    kernel = kernels(network)
    # Zhu et al. 2017, appendix 7.2: c7s1-w, d2w, d4w, R4w, R4w, u2w, uw, c7s1-3.
    y = relu(instance_norm(conv2d(pad(x, (3, 3, 3, 3), "reflect"), *next(kernel))))
    for _ in range(2):
        y = relu(instance_norm(conv2d(y, *next(kernel), stride=2, padding=1)))
    for _ in range(2):
        z = relu(instance_norm(conv2d(pad(y, (1, 1, 1, 1), "reflect"), *next(kernel))))
        y = y + instance_norm(conv2d(pad(z, (1, 1, 1, 1), "reflect"), *next(kernel)))
    for _ in range(2):
        y = relu(instance_norm(conv_transpose2d(y, *next(kernel), stride=2, padding=1, output_padding=1)))
    y = torch.tanh(conv2d(pad(y, (3, 3, 3, 3), "reflect"), *next(kernel)))
    assert next(kernel, None) is None
    torch.testing.assert_close(network(x), y)


def test_skips_hand_on_what_was_seen_and_the_network_paints_a_change():
    network = ResNetGenerator(width=4, blocks=1, upsample="transpose", skips=True).double()
    x = torch.rand(2, 3, 16, 24, dtype=torch.float64) * 2 - 1
    whole = network.stem(x)
    half = network.down[0](whole)
    y = torch.cat([network.up[0](network.blocks(network.down[1](half))), half], 1)
    change = network.head[1](pad(torch.cat([network.up[1](y), whole], 1), (3, 3, 3, 3), "reflect"))
    torch.testing.assert_close(network(x), torch.tanh(change + torch.atanh(0.9 * x)))
    with torch.no_grad():
        network.head[1].weight.zero_()
        network.head[1].bias.zero_()
    torch.testing.assert_close(network(x), 0.9 * x)


def test_the_patch_discriminator_computes_what_the_paper_describes():
    network = PatchGAN(width=4).double()
    x = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    kernel = kernels(network)
    # Zhu et al. 2017, appendix 7.2: C64 (without norm), C128, C256, C512 (stride 1), then one channel.
    y = leaky_relu(conv2d(x, *next(kernel), stride=2, padding=1), 0.2)
    for stride in (2, 2, 1):
        y = leaky_relu(instance_norm(conv2d(y, *next(kernel), stride=stride, padding=1)), 0.2)
    y = conv2d(y, *next(kernel), padding=1)
    assert next(kernel, None) is None
    torch.testing.assert_close(network(x), y)


def test_the_generator_has_the_reference_implementations_parameters():
    # The reference's resnet_9blocks has 11,378,179 parameters, biases included. Those before an instance norm, which
    # have no effect and are left out here: 64 + 128 + 256 on the way down, 256 in each convolution of the 9 blocks,
    # 128 + 64 on the way up.
    left_out = 64 + 128 + 256 + 9 * 2 * 256 + 128 + 64
    assert parameter_count(ResNetGenerator(upsample="transpose")) == 11_378_179 - left_out
    assert parameter_count(ResNetGenerator(upsample="resize")) == 11_378_179 - left_out  # kernels of the same size


def test_the_patch_discriminator_has_the_reference_implementations_parameters():
    # The reference's n_layers=3 has 2,764,737, with the biases before the three norms: 128 + 256 + 512.
    assert parameter_count(PatchGAN()) == 2_764_737 - (128 + 256 + 512)
    assert parameter_count(PatchGAN(norm="none")) == 2_764_737


@pytest.mark.parametrize("upsample", ["resize", "transpose"])
def test_the_generator_keeps_the_size_and_stays_in_range(upsample):
    network = init_weights(ResNetGenerator(3, 2, width=4, blocks=1, upsample=upsample), std=1.0)
    result = network(10 * torch.randn(2, 3, 24, 8))
    assert result.shape == (2, 2, 24, 8)
    assert 0.5 < result.abs().max() <= 1


def test_three_layers_score_patches_of_70_pixels_on_a_grid_of_30():
    network = PatchGAN(width=2, norm="none")
    image = torch.zeros(1, 3, 256, 256, requires_grad=True)
    scores = network(image)
    assert scores.shape == (1, 1, 30, 30)
    (gradient,) = torch.autograd.grad(scores[0, 0, 15, 15], image)
    seen = gradient.abs().sum((0, 1)).nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [70, 70]


def test_the_pixel_discriminator_scores_every_pixel_by_itself():
    network = PixelGAN(width=4, norm="none")
    image = torch.randn(1, 3, 5, 7, requires_grad=True)
    scores = network(image)
    assert scores.shape == (1, 1, 5, 7)
    (gradient,) = torch.autograd.grad(scores[0, 0, 2, 3], image)
    assert gradient.abs().sum((0, 1)).nonzero().tolist() == [[2, 3]]
    # The reference's PixelDiscriminator: 3·64 + 64, 64·128 + 128, 128 + 1; the 128 before the norm are left out.
    assert parameter_count(PixelGAN()) == 256 + 8192 + 129


@pytest.mark.parametrize("kind", [PatchGAN, PixelGAN])
def test_a_conditional_discriminator_sees_all_its_pictures(kind):
    network = kind(in_channels=6, width=4)
    image, cond = torch.randn(2, 1, 3, 32, 32).unbind(0)
    assert not torch.allclose(network(image, cond), network(image, cond.flip(3)))
    assert not torch.allclose(network(image, cond), network(image.flip(3), cond))


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_the_smallest_patch_size_is_the_smallest_that_works(layers):
    network, smallest = PatchGAN(width=1, layers=layers), smallest_patch_size(layers)
    check_size(smallest, layers)
    assert network(torch.randn(1, 3, smallest, smallest)).numel() >= 1
    with pytest.raises(GanToolsError, match=f"needs {smallest}"):
        check_size(smallest - 1, layers)
    if layers == 1:  # no picture may be as small as that anyway
        with pytest.raises(GanToolsError, match="--size"):
            validate(ImageSettings, {"size": smallest - 1})
    else:
        with pytest.raises((ValueError, RuntimeError), match=r"more than 1 spatial element|Kernel size"):
            network(torch.randn(1, 3, smallest - 1, smallest - 1))


def test_initial_weights_have_the_spread_asked_for_and_no_bias():
    network = init_weights(nn.Sequential(nn.Conv2d(64, 64, 3), nn.ConvTranspose2d(64, 64, 3), nn.Linear(200, 200)))
    for layer in network:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.03)
        assert layer.weight.mean().abs() < 5e-4
        assert not layer.bias.any()


@pytest.mark.parametrize("slope", [0.01, 0.5])
def test_leaky_initial_weights_keep_the_variance_through_many_layers(slope):
    torch.manual_seed(0)
    layers = [init_leaky(nn.Conv2d(256, 256, 2, 2), slope) for _ in range(4)]
    x, kept = torch.randn(8, 256, 32, 32), 2 / (1 + slope**2)  # of an input that no leaky ReLU has halved
    for layer in layers:
        assert layer.weight.std().item() == pytest.approx((kept / (256 * 4)) ** 0.5, rel=0.01)
        assert not layer.bias.any()
        with torch.no_grad():
            x = layer(x)
        assert x.var().item() == pytest.approx(kept, rel=0.15)
        x = leaky_relu(x, slope)


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (5, 37), (3, 3), (9, 8), (30, 31)])
def test_pictures_of_any_size_keep_it(size):
    network = ResNetGenerator(width=2, blocks=1)
    with torch.no_grad():
        result = translate_any_size(network, torch.randn(1, 3, *size), network.stride)
    assert result.shape == (1, 3, *size)
    assert result.isfinite().all()


def test_padding_changes_nothing_where_none_is_needed():
    network = ResNetGenerator(width=2, blocks=1)
    for size in ((8, 8), (16, 40)):
        images = torch.randn(2, 3, *size)
        assert torch.equal(translate_any_size(network, images, network.stride), network(images))


def test_a_padded_picture_is_whole_and_goes_on_as_its_mirror_image():
    seen = []
    images = torch.randn(1, 3, 13, 18)
    translate_any_size(lambda x: seen.append(x) or x, images, 4)
    assert seen[0].shape[2:] == (16, 20)
    assert torch.equal(seen[0][..., :13, :18], images)
    assert torch.equal(seen[0][..., 13:, :18], images.flip(2)[..., 1:4, :])  # the last row is not doubled
    assert torch.equal(seen[0][..., :13, 18:], images.flip(3)[..., 1:3])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("count", [1, 2])
def test_instance_norm_has_the_right_gradient_in_every_layout(count, layout):
    """Against the formula written out: torch's own is wrong for one picture and a gradient in channels_last."""
    x, gradient = torch.randn(2, count, 4, 5, 6, dtype=torch.float64)
    x.requires_grad_(True)
    centred = x - x.mean((2, 3), keepdim=True)
    written_out = centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
    (expected,) = torch.autograd.grad(written_out, x, gradient)
    (found,) = torch.autograd.grad(InstanceNorm(4)(x), x, gradient.to(memory_format=layout))
    torch.testing.assert_close(found, expected)
