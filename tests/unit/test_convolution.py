"""Convolutions with less work give what torch's own give: results and gradients, in float64."""

import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate

from gantools.networks import Doubling, PictureConv2d, convolve_doubled


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(2, 5, 6, 7), (1, 5, 2, 3), (0, 5, 4, 4)])
def test_a_doubled_convolution_is_the_convolution_of_what_is_doubled(mode: str, bias: bool, shape: tuple) -> None:
    convolution = nn.Conv2d(5, 3, 3, padding=1, bias=bias, padding_mode=mode).double()
    x = torch.randn(shape, dtype=torch.double, requires_grad=True)
    _same(
        convolution(interpolate(x, scale_factor=2.0)), convolve_doubled(x, convolution), [x, *convolution.parameters()]
    )


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate"])
@pytest.mark.parametrize(
    ("kernel", "padding", "bias"), [(7, 0, True), (7, 3, False), (3, 1, True), ((3, 5), (1, 2), True)]
)
def test_a_convolution_to_a_picture_is_a_convolution(mode: str, kernel, padding, bias: bool) -> None:
    layer = PictureConv2d(4, 3, kernel, padding=padding, bias=bias, padding_mode=mode).double()
    usual = nn.Conv2d(4, 3, kernel, padding=padding, bias=bias, padding_mode=mode).double()
    usual.load_state_dict(layer.state_dict())
    x = torch.randn(2, 4, 9, 8, dtype=torch.double, requires_grad=True)
    expected, made = usual(x), layer(x)
    torch.testing.assert_close(made, expected)
    torch.testing.assert_close(
        _gradients(made, [x, *layer.parameters()]), _gradients(expected, [x, *usual.parameters()])
    )


@pytest.mark.parametrize(
    "settings", [{"stride": 2}, {"dilation": 2}, {"groups": 2}, {"padding": "same"}, {"padding_mode": "circular"}]
)
@pytest.mark.parametrize("shape", [(2, 4, 9, 8), (0, 4, 9, 8), (4, 9, 8)])
def test_what_is_not_quicker_by_columns_goes_the_usual_way(settings: dict, shape: tuple) -> None:
    settings = {"kernel_size": 3, "padding": 1} | settings
    layer, usual = PictureConv2d(4, 2, **settings), nn.Conv2d(4, 2, **settings)
    usual.load_state_dict(layer.state_dict())
    x = torch.randn(shape)
    torch.testing.assert_close(layer(x), usual(x))


def test_in_mixed_precision_the_result_is_of_the_precision_of_torchs_own_layers() -> None:
    layer, x = PictureConv2d(8, 3, 3, padding=1), torch.randn(1, 8, 8, 8)
    usual = nn.Conv2d(8, 3, 3, padding=1)
    usual.load_state_dict(layer.state_dict())
    with torch.autocast("cpu", torch.bfloat16):
        made, doubled, expected = layer(x), convolve_doubled(x, usual), usual(x)
    assert made.dtype == doubled.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(made, expected, atol=0.02, rtol=0.02)


def test_a_second_derivative_is_right_too() -> None:
    """Gradient penalties differentiate through a gradient."""
    layer = PictureConv2d(2, 3, 5, padding=2).double()
    doubling = Doubling(nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.Tanh())).double()
    x = torch.randn(1, 2, 4, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: layer(doubling(x)).tanh(), x)


def test_an_export_and_channels_last_give_the_same() -> None:
    layers = nn.Sequential(
        Doubling(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1))), PictureConv2d(4, 3, 7, padding=3)
    ).eval()
    x = torch.randn(2, 4, 8, 8)
    expected = layers(x)
    exported = torch.export.export(layers, (x,))
    assert "as_strided" not in str(exported.graph)
    torch.testing.assert_close(exported.module()(x), expected)
    last = layers.to(memory_format=torch.channels_last)(x.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(last, expected)


def _same(expected: torch.Tensor, made: torch.Tensor, inputs: list[torch.Tensor]) -> None:
    torch.testing.assert_close(made, expected)
    torch.testing.assert_close(_gradients(made, inputs), _gradients(expected, inputs))


def _gradients(result: torch.Tensor, inputs: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad(result.square().sum(), inputs)
