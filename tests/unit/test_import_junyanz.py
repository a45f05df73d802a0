"""Generators of CycleGAN, pix2pix and CUT: imported, they compute what they computed before."""

from pathlib import Path

import pytest
import torch

import gantools
from gantools import GanToolsError
from gantools.interchange import Wishes
from gantools.networks import PatchGAN, PixelGAN
from gantools.training.checkpoint import newest_checkpoint
from gantools.weights.header import read_header, read_networks
from gantools.weights.importing import import_weights
from tests.conftest import EXAMPLES
from tests.unit.foreign import Patches, Pixels, ResNet, UNet, drawn

OUT = Path("w.safetensors")
SIZES = [(32, 32), (64, 32), (20, 44)]


def save(network, path="latest_net_G.pth"):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)
    return Path(path)


def taken(source, task=None, **wishes):
    import_weights(Path(source), OUT, Wishes(**wishes), task, force=True)
    return gantools.load(OUT, "cpu")


@torch.no_grad()
def agrees(network, model, sizes=SIZES, seed=3, **options):
    """Whether both make the same of pictures of these sizes; dropout draws the same."""
    channels = model.channels
    for size in sizes:
        picture = torch.rand(1, channels, *size) * 2 - 1
        torch.manual_seed(seed)
        expected = network(picture)
        assert expected.std() > 0.05
        torch.testing.assert_close(model.translate(picture, seed=seed, **options), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("blocks", [6, 9, 1])
def test_a_cyclegan_generator(blocks):
    network = drawn(ResNet(blocks=blocks)).eval()
    model = taken(save(network))
    agrees(network, model)
    assert model.header.task == "cyclegan"
    assert model.header.data == {"kind": "unpaired", "domains": ["A", "B"]}
    assert (model.task.config.blocks, model.task.config.width) == (blocks, 4)
    with pytest.raises(GanToolsError, match="no direction b2a"):
        model.translate(torch.rand(1, 3, 16, 16), direction="b2a")


def test_a_folder_with_both_directions_and_discriminators():
    networks = {name: drawn(ResNet()).eval() for name in ("G_A", "G_B")}
    for name, network in networks.items():
        save(drawn(ResNet()), f"run/5_net_{name}.pth")
        save(network, f"run/latest_net_{name}.pth")
        save(Patches(width=6, layers=2), f"run/latest_net_D_{name[2]}.pth")
    model = taken("run", domains=("horses,zebras",))
    agrees(networks["G_A"], model)
    agrees(networks["G_B"], model, direction="b2a")
    config = model.task.config
    assert (config.directions, config.critic, config.d_width, config.d_layers) == ("both", "patch", 6, 2)
    header = read_header(OUT)
    assert header.data["domains"] == ["horses", "zebras"]
    files = [file["name"] for file in header.extra["imported"]["files"]]
    assert files == ["latest_net_D_A.pth", "latest_net_D_B.pth", "latest_net_G_A.pth", "latest_net_G_B.pth"]


def test_discriminators_judge_as_they_did_and_training_goes_on_with_them():
    networks = {"G_A": drawn(ResNet()), "G_B": drawn(ResNet())}
    networks |= {name: drawn(Patches(width=6, layers=2)).eval() for name in ("D_A", "D_B")}
    for name, network in networks.items():
        save(network, f"run/latest_net_{name}.pth")
    model = taken("run")
    a, b = EXAMPLES / "noto", EXAMPLES / "fluent3d"
    tiny = {"size": 32, "load_size": 32, "steps": 1, "lr_g": 1e-12, "lr_d": 1e-12, "device": "cpu", "quiet": True}
    gantools.train("cyclegan", a=a, b=b, init=OUT, **tiny, out="on")
    nets = newest_checkpoint(Path("on/checkpoints"))["updates"]["nets"]
    for theirs, ours in (("D_A", "d_b"), ("D_B", "d_a")):
        critic = PatchGAN(width=6, layers=2)
        prefix = f"discriminators.{ours}."
        critic.load_state_dict({k.removeprefix(prefix): v for k, v in nets.items() if k.startswith(prefix)})
        picture = torch.rand(1, 3, 40, 48) * 2 - 1
        torch.testing.assert_close(critic(picture), networks[theirs](picture), atol=1e-4, rtol=0)
    assert set(model.networks.generators) == {"g_ab", "g_ba"}


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize(("theirs", "critic"), [(Patches, PatchGAN), (Pixels, PixelGAN)])
def test_a_conditional_discriminator_sees_source_and_result_in_their_places(theirs, critic, norm):
    network = drawn(theirs(inside=6, width=4, norm=norm)).eval()
    save(drawn(UNet(norm=norm)), "run/latest_net_G.pth")
    save(network, "run/latest_net_D.pth")
    taken("run")
    _, tensors = read_networks(OUT)
    ours = critic(6, width=4, norm=norm).eval()
    ours.load_state_dict({name.removeprefix("d."): value for name, value in tensors.items()})
    a, b = torch.rand(2, 1, 3, 64, 64) * 2 - 1
    torch.testing.assert_close(ours(b, a), network(torch.cat([a, b], 1)), atol=1e-4, rtol=0)


def test_a_discriminator_of_another_kind_is_left_out():
    save(drawn(UNet()), "run/latest_net_G.pth")
    torch.save({**Patches(inside=6).state_dict(), "model.8.weight_u": torch.ones(3)}, "run/latest_net_D.pth")
    taken("run")
    assert read_networks(OUT)[1] == {}


def test_the_generator_of_the_way_back_alone():
    network = drawn(ResNet()).eval()
    model = taken(save(network, "latest_net_G_B.pth"))
    agrees(network, model)
    with pytest.raises(GanToolsError, match="no direction a2b"):
        model.translate(torch.rand(1, 3, 16, 16), direction="a2b")


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("inference", ["batch", "eval"])
@pytest.mark.parametrize("task", ["pix2pix", "cyclegan"])
def test_a_resnet_with_batch_norm_and_dropout(dropout, inference, task):
    network = drawn(ResNet(norm="batch", dropout=dropout)).train(inference == "batch")
    path = save(network)
    model = taken(path, task, inference=inference)
    agrees(network, model)
    assert model.header.task == task
    if task == "pix2pix":
        assert read_header(OUT).config == taken(path, inference=inference).header.config  # it is the default


@pytest.mark.parametrize(("down", "up"), [(True, True), (False, True), (True, False)])
def test_a_cut_generator(down, up):
    network = drawn(ResNet(blur_down=down, blur_up=up)).eval()
    model = taken(save(network))
    agrees(network, model)
    assert "CUT" in model.header.extra["imported"]["layout"]


@pytest.mark.parametrize(
    ("levels", "norm"), [(5, "batch"), (7, "batch"), (8, "batch"), (5, "instance"), (7, "instance")]
)
@pytest.mark.parametrize("inference", ["batch", "eval"])
def test_a_pix2pix_unet(levels, norm, inference):
    network = drawn(UNet(levels=levels, norm=norm, dropout=True)).train(inference == "batch")
    model = taken(save(network), inference=inference)
    side = 2**levels
    agrees(network, model, [(side, side), (2 * side, side)])
    assert (model.header.task, model.header.size) == ("pix2pix", side)


def test_dropout_of_a_unet_is_a_flag():
    network = drawn(UNet(levels=6)).train()
    model = taken(save(network), dropout=0.0)
    agrees(network, model, [(64, 64), (128, 64)])
    with pytest.raises(AssertionError):
        agrees(network, taken(save(network)), [(64, 64)])


def test_pictures_of_other_channels():
    network = drawn(ResNet(inside=1, outside=4)).eval()
    model = taken(save(network))
    agrees(network, model)
    assert model.header.task == "pix2pix"
    with pytest.raises(GanToolsError, match="4 channels of 1"):
        taken(save(network), "cyclegan")
    network = drawn(UNet(inside=4, outside=1)).train()
    agrees(network, taken(save(network), dropout=0.0), [(32, 32)])


def test_other_sizes_are_padded():
    model = taken(save(drawn(ResNet())))
    assert model.translate(torch.rand(1, 3, 30, 37)).shape == (1, 3, 30, 37)
    model = taken(save(drawn(UNet())))
    assert model.translate(torch.rand(1, 3, 30, 37)).shape == (1, 3, 30, 37)


@pytest.mark.parametrize("build", [ResNet, lambda: UNet(norm="instance")])
def test_wrappers_and_stale_statistics(build):
    network = drawn(build()).eval()
    state = {f"module._orig_mod.{name}": tensor for name, tensor in network.state_dict().items()}
    norms = [name for name, module in network.named_modules() if isinstance(module, torch.nn.InstanceNorm2d)]
    for name in norms:  # as torch 0.3 saved them
        state[f"module.{name}.running_mean"] = torch.zeros(4)
        state[f"module.{name}.running_var"] = torch.ones(4)
        state[f"module.{name}.num_batches_tracked"] = torch.tensor(7)
    torch.save({"state_dict": state, "epoch": 3, "optimizer": {"state": {0: {"step": torch.ones(1)}}}}, "x.pth")
    agrees(network, taken("x.pth", dropout=0.0), [(32, 32)])
    torch.save(network.state_dict(), "old.pth", _use_new_zipfile_serialization=False)
    agrees(network, taken("old.pth", dropout=0.0), [(32, 32)])
    torch.save({"netG": network.half().state_dict(), "netD": Patches().state_dict()}, "both.pth")
    agrees(network.float(), taken("both.pth", dropout=0.0), [(32, 32)])


def test_counters_that_old_torch_did_not_keep():
    network = drawn(ResNet(norm="batch")).eval()
    state = {name: tensor for name, tensor in network.state_dict().items() if "tracked" not in name}
    torch.save(state, "x.pth")
    agrees(network, taken("x.pth", inference="eval"))


def changed(change):
    state = drawn(ResNet()).state_dict()
    change(state)
    torch.save(state, "x.pth")
    with pytest.raises(GanToolsError) as caught:
        taken("x.pth")
    assert caught.value.hint
    assert not OUT.exists()
    return caught.value.message


def test_networks_of_almost_the_layout_are_refused():
    assert "`model.99.weight` belongs to no layer" in changed(lambda s: s.update({"model.99.weight": torch.ones(3)}))
    assert "`model.7.weight` is missing" in changed(lambda s: s.pop("model.7.weight"))
    assert "is of shape [3, 3]" in changed(lambda s: s.update({"model.7.weight": torch.ones(3, 3)}))
    assert "not finite" in changed(lambda s: s["model.7.weight"].fill_(float("nan")))
    assert "no norm behind" in changed(lambda s: s.pop("model.1.bias"))
    assert "filter" in changed(lambda s: s.update({"model.7.filt": torch.ones(8, 1, 3, 3)}))
    assert "more numbers than there are" in changed(
        lambda s: s.update({"model.1.weight": torch.ones(1).expand(9**9, 3, 7, 7)})
    )
    assert "no importer knows" in changed(lambda s: [s.pop(name) for name in list(s) if "block" in name])


def test_two_unets_are_refused():
    for name in ("G_A", "G_B"):
        save(drawn(UNet()), f"run/latest_net_{name}.pth")
    with pytest.raises(GanToolsError, match="several generators"):
        taken("run")
