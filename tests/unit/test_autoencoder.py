"""The auto-encoder that an energy-based objective has for a critic, and the critics that a task asks for."""

import pytest
import torch
from torch import nn

from gantools.errors import GanToolsError
from gantools.networks import AutoEncoder, InstanceNorm, PatchGAN, PixelGAN, build_critic
from gantools.objectives import Needs, Verdict


def parts_of(critic, x):
    """The reconstruction, computed part by part."""
    return torch.tanh(critic.head(critic.decoder(critic.encoder(x))))


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("size", [(32, 32), (32, 48), (33, 46), (17, 23)])
def test_the_score_is_minus_the_mean_squared_error_and_the_code_is_the_feature(layers, size):
    critic, images = AutoEncoder(width=4, layers=layers, code=5), torch.rand(3, 3, *size) * 2 - 1
    verdict = critic(images)
    assert isinstance(verdict, Verdict)
    assert verdict.score.shape == (3,)
    (code,) = verdict.features
    assert code.shape == (3, 5, size[0] >> layers, size[1] >> layers)
    again = parts_of(critic, images)
    assert again.shape[2:] == tuple(side >> layers << layers for side in size)
    if again.shape == images.shape:
        torch.testing.assert_close(verdict.score, -((again - images) ** 2).mean((1, 2, 3)))
    assert (verdict.score < 0).all()


def test_an_odd_picture_is_compared_at_its_own_size():
    critic, image = AutoEncoder(width=4, layers=1), torch.rand(1, 3, 5, 7)
    again = parts_of(critic, image)
    rows, columns = [i * 4 // 5 for i in range(5)], [i * 6 // 7 for i in range(7)]  # of the nearest pixel
    expected = -((again[:, :, rows][..., columns] - image) ** 2).mean((1, 2, 3))
    torch.testing.assert_close(critic(image).score, expected)


def test_a_condition_is_reconstructed_too():
    critic = AutoEncoder(in_channels=5, width=4, layers=2)
    image, cond = torch.rand(2, 3, 16, 16), torch.rand(2, 2, 16, 16)
    joined = torch.cat([image, cond], 1)
    torch.testing.assert_close(critic(image, cond).score, -((parts_of(critic, joined) - joined) ** 2).mean((1, 2, 3)))


def test_it_can_learn_what_it_is_shown():
    torch.manual_seed(0)
    critic = AutoEncoder(width=8, layers=2, norm="none")
    seen = torch.linspace(-0.9, 0.9, 16).view(1, 1, 16, 1).expand(4, 3, 16, 16)
    optimizer = torch.optim.Adam(critic.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        (-critic(seen).score.mean()).backward()
        optimizer.step()
    assert critic(seen).score.min() > -0.02
    assert critic(seen.flip(2)).score.max() < critic(seen).score.min() - 0.1


def test_the_error_is_taken_in_float32_under_autocast():
    critic, images = AutoEncoder(width=4, layers=2), torch.rand(2, 3, 16, 16).bfloat16()  # as a generator leaves them
    with torch.autocast("cpu", torch.bfloat16):
        score, again = critic(images).score, parts_of(critic, images)
    assert again.dtype == torch.bfloat16
    torch.testing.assert_close(score, -((again.float() - images.float()) ** 2).mean((1, 2, 3)), rtol=1e-6, atol=0)


@pytest.mark.parametrize("kind", ["patch", "pixel", "image"])
@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
def test_critics_are_built_as_asked_for(kind, norm):
    critic = build_critic(kind, Needs(), in_channels=4, width=4, size=32, layers=1, norm=norm)
    assert isinstance(critic, PixelGAN if kind == "pixel" else PatchGAN)
    norms = {type(module) for module in critic.modules()} & {InstanceNorm, nn.BatchNorm2d}
    assert norms == {"instance": {InstanceNorm}, "batch": {nn.BatchNorm2d}, "none": set()}[norm]
    assert critic(torch.rand(2, 4, 32, 32)).shape[2:] == {"patch": (14, 14), "pixel": (32, 32), "image": (6, 6)}[kind]


@pytest.mark.parametrize("kind", ["patch", "pixel", "image"])
def test_a_per_sample_penalty_has_instance_norm_in_place_of_batch_norm(kind):
    critic = build_critic(kind, Needs(norm="per-sample"), width=4, size=32, layers=2, norm="batch")
    assert not any(isinstance(module, nn.BatchNorm2d) for module in critic.modules())
    assert any(isinstance(module, nn.InstanceNorm2d) for module in critic.modules())
    without = build_critic(kind, Needs(norm="per-sample"), width=4, size=32, layers=2, norm="none")
    assert not any(isinstance(module, nn.InstanceNorm2d) for module in without.modules())


@pytest.mark.parametrize("kind", ["patch", "pixel", "image"])
@pytest.mark.parametrize("size", [4, 6, 9, 31, 64])
def test_an_energy_has_an_autoencoder_that_any_size_fits_into(kind, size):
    critic = build_critic(kind, Needs(critic="autoencoder"), width=4, size=size, layers=5, norm="batch")
    assert isinstance(critic, AutoEncoder)
    assert critic(torch.rand(2, 3, size, size)).score.shape == (2,)
    calm = build_critic(
        kind, Needs(critic="autoencoder", norm="per-sample"), width=4, size=size, layers=5, norm="batch"
    )
    assert calm(torch.rand(1, 3, size, size)).score.shape == (1,)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in calm.modules())


def test_initial_weights_are_those_of_the_papers():
    for needs in (Needs(), Needs(critic="autoencoder")):
        critic = build_critic("patch", needs, width=32, size=64)
        stds = [module.weight.std().item() for module in critic.modules() if isinstance(module, nn.Conv2d)]
        assert stds == pytest.approx([0.02] * len(stds), rel=0.15)


def test_pictures_too_small_for_patches_are_refused():
    with pytest.raises(GanToolsError, match="--size 16 is too small"):
        build_critic("patch", Needs(), size=16, layers=4)
