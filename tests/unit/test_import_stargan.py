"""StarGAN's generators: imported, they compute what they computed before."""

from pathlib import Path

import pytest
import torch

import gantools
from gantools import GanToolsError
from gantools.interchange import Wishes
from gantools.weights.header import read_header
from gantools.weights.importing import import_weights
from tests.unit.foreign import Star, StarJudge, drawn

OUT = Path("w.safetensors")


def taken(source, **wishes):
    import_weights(Path(source), OUT, Wishes(**wishes), force=True)
    return gantools.load(OUT, "cpu")


@torch.no_grad()
def agrees(network, model, labels, **options):
    for size in [(32, 32), (20, 44)]:
        picture = torch.rand(2, 3, *size) * 2 - 1
        expected = network(picture, torch.tensor([labels, labels]).float())
        assert expected.std() > 0.05
        torch.testing.assert_close(model.translate(picture, **options), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("blocks", [6, 2])
def test_a_generator_by_statistics_of_the_picture_alone(blocks):
    network = drawn(Star(5, blocks=blocks)).train()
    torch.save(network.state_dict(), "200000-G.ckpt")
    model = taken("200000-G.ckpt")
    agrees(network, model, [0, 0, 1, 0, 0], to="2")
    agrees(network, model, [1, 0, 0, 0, 1], to="0,4")
    agrees(network, model, [1, 0, 1, 0, 0], to="+2,-4", from_="0,4")
    everything = model.translate(torch.rand(1, 3, 16, 16), to="all")
    assert list(everything) == ["0", "1", "2", "3", "4"]
    with pytest.raises(GanToolsError, match="do not see which attributes"):
        model.translate(torch.rand(1, 3, 16, 16), to="+2")
    header = read_header(OUT)
    assert (header.task, header.size, header.domains) == ("stargan", 128, ["0", "1", "2", "3", "4"])


def test_the_newest_of_a_folder_with_names_and_a_discriminator():
    Path("models").mkdir()
    network = drawn(Star(2)).train()
    torch.save(drawn(Star(2)).state_dict(), "models/9000-G.ckpt")
    torch.save(network.state_dict(), "models/10000-G.ckpt")
    torch.save(StarJudge(2).state_dict(), "models/10000-D.ckpt")
    model = taken("models", domains=("angry,happy",), labels=("exclusive",))
    agrees(network, model, [0, 1], to="happy")
    config = model.task.config
    assert (config.size, config.d_width, config.d_layers, config.labels) == (32, 2, 4, ["exclusive"])


def test_two_data_sets():
    network = drawn(Star(3 + 2 + 2)).train()
    torch.save(network.state_dict(), "1-G.ckpt")
    model = taken("1-G.ckpt", domains=("Black,Male,Young", "angry,happy"), labels=("independent", "exclusive"))
    agrees(network, model, [1, 0, 1, 0, 0, 1, 0], to="Black,Young")
    agrees(network, model, [0, 0, 0, 0, 1, 0, 1], to="happy")
    with pytest.raises(GanToolsError, match="told 7 labels"):
        taken("1-G.ckpt", domains=("Black,Male,Young",))
    with pytest.raises(GanToolsError, match="independent"):
        taken("1-G.ckpt", labels=("loose",))
