"""StarGAN: targets, losses written out, networks as published, and translating into several domains."""

import math
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from pydantic import ValidationError
from torch.nn.functional import binary_cross_entropy, nll_loss, softmax

import gantools
import gantools.api
import gantools.task
from gantools import GanToolsError
from gantools.cli.translate import draw_variants
from gantools.data.domains import DomainImages
from gantools.inference.evaluation import comparisons_for
from gantools.inference.files import plan
from gantools.networks import init_weights
from gantools.networks.blur import BlurUp
from gantools.objectives import Needs, Sample, Verdict
from gantools.objectives.grammar import build_objective
from gantools.objectives.layers import head_of
from gantools.plugins import manager
from gantools.randomness import StepRandom
from gantools.training.log import read_log
from gantools_stargan.config import Config, Options
from gantools_stargan.discriminators import Discriminator, edges
from gantools_stargan.generator import Generator, Palette, Smoothing, bounded
from gantools_stargan.regularisation import details, distance, nearest, paired, plain
from gantools_stargan.targets import Target, every_target, read_target
from gantools_stargan.task import StarGAN
from gantools_stargan.teacher import aims

DOMAINS, KINDS = [["Dark", "Old"], ["noto", "fluent", "twemoji"]], ["independent", "exclusive"]
EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def task(**settings):
    names = {"select": [",".join(part) for part in DOMAINS], "labels": KINDS}
    return StarGAN(Config(**{"size": 32, "width": 8, "blocks": 1, **names, **settings}))


def test_targets_are_domains_attributes_or_changes():
    assert read_target("fluent", DOMAINS, KINDS) == Target(1, (3,))
    assert read_target("Dark,Old", DOMAINS, KINDS) == Target(0, (0, 1))
    assert read_target("+Old,-Dark", DOMAINS, KINDS) == Target(0, (1,), (0,), relative=True)
    assert every_target(DOMAINS, KINDS) == ["+Dark", "+Old", "noto", "fluent", "twemoji"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("notto", "no domain `notto`"), ("noto,fluent", "a picture is of one domain"), ("+noto", "of one domain"),
        ("Dark,noto", "different data sets"), ("+Dark,-Dark", "and for its absence"),
        ("--Dark", "no domain `-Dark`"), ("+Dark,Old", "names no target"), (",", "names no target"),
    ],
)  # fmt: skip
def test_bad_targets_are_explained(spec, message):
    with pytest.raises(GanToolsError, match=message):
        read_target(spec, DOMAINS, KINDS)
    with pytest.raises(GanToolsError, match="--to missing"):
        task().variants(Options())


def test_classification_is_the_papers_for_either_kind_and_blind_for_other_sets():
    logits = torch.randn(3, 5, dtype=torch.float64)
    label = torch.tensor([[1, 0, 0, 0, 0], [0, 0, 0, 1, 0], [1, 1, 0, 0, 0]], dtype=torch.float64)
    ours = task().labels.classification(logits, label, torch.tensor([0, 1, 0]))
    bits = torch.sigmoid(logits[:, :2])
    expected = [
        binary_cross_entropy(bits[0], label[0, :2], reduction="sum"),
        nll_loss(softmax(logits[1:2, 2:], 1).log(), torch.tensor([1])),
        binary_cross_entropy(bits[2], label[2, :2], reduction="sum"),
    ]
    torch.testing.assert_close(ours.double(), sum(expected) / 3, rtol=1e-6, atol=1e-6)


def test_parameters_are_the_published_ones():
    # yunjey/stargan, 5 labels at 128 px: 8,430,528 and 44,762,048 parameters.
    assert sum(p.numel() for p in Generator(5, 64, 6, "transpose").parameters()) == 8_430_528
    assert sum(p.numel() for p in Discriminator(5, 128, 64, 6).parameters()) == 44_762_048


def test_relative_targets_keep_what_is_given_or_recognised():
    stargan = task(select=["Dark,Old"], labels=["independent"])
    nets = gantools.task.Networks(stargan.generators())
    told = []
    nets["g"].register_forward_pre_hook(lambda module, inputs: told.append(inputs[1].tolist()))
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    stargan.translate(nets, images, Options(to=["+Old"], from_="Dark"))
    assert told[-1] == [[1, 1], [1, 1]]
    with torch.no_grad():
        nets["recogniser"].head.weight.zero_()
        nets["recogniser"].head.bias.copy_(torch.tensor([1.0, -1.0]))  # sees Dark, not Old
    stargan.translate(nets, images, Options(to=["-Dark"]))
    assert told[-1] == [[0, 0], [0, 0]]
    stargan.translate(nets, images, Options(to=["+Old"], from_="none"))
    assert told[-1] == [[0, 1], [0, 1]]
    stargan.translate(nets, images, Options(to=["Old"]))
    assert told[-1] == [[0, 1], [0, 1]]


def test_the_frames_of_a_video_have_the_attributes_that_most_of_them_show(monkeypatch):
    stargan = task(select=["Dark,Old"], labels=["independent"])
    frames = torch.tensor([[1.0, 0], [1, 1], [0, 0]])
    monkeypatch.setattr(stargan, "_labels_of", lambda nets, images, number, given: frames)
    settled = stargan.settled(None, torch.zeros(3, 3, 8, 8), Options(to=["+Old"]))
    assert settled.from_ == "Dark"


def test_a_trained_one_translates_into_one_domain_or_all(elsewhere):
    for name in ("noto", "twemoji"):
        (elsewhere / "data").mkdir(exist_ok=True)
        (elsewhere / "data" / name).symlink_to(EXAMPLES / name)
    small = {"size": 32, "width": 4, "blocks": 1, "steps": 2, "n_critic": 1, "batch_size": 2, "device": "cpu"}
    run = gantools.train("stargan", quiet=True, data=["data"], **small)
    model = run.model("cpu")
    assert model.header.domains == ["noto", "twemoji"]
    picture = min((EXAMPLES / "noto").glob("*.png"))
    with Image.open(picture) as source:
        assert model.translate(picture, to="twemoji").size == source.size
    assert list(model.translate(picture, to="all")) == ["noto", "twemoji"]
    with pytest.raises(GanToolsError, match="did you mean `twemoji`"):
        model.translate(picture, to="twemojy")


def test_with_skips_a_network_that_paints_nothing_keeps_its_source_and_without_the_papers_is_grey():
    images, labels = torch.rand(2, 3, 16, 16) * 2 - 1, torch.eye(2)
    for skips, expected in ((True, 0.9 * images), (False, torch.zeros_like(images))):
        generator = Generator(2, 4, 1, skips=skips)
        torch.nn.init.zeros_(generator.head.weight)
        torch.testing.assert_close(generator(images, labels), expected)


def test_a_least_slope_of_tanh_is_for_gradients_that_lead_back_from_an_end():
    x = torch.tensor([-4.0, -4, 0.1, 4, 4], requires_grad=True)
    made = bounded(x, 0.05)
    assert torch.equal(made, x.tanh())
    made.backward(torch.tensor([1.0, -1, 1, 1, -1]))
    slope = 1 - x.detach().tanh().square()
    assert torch.equal(x.grad, torch.tensor([slope[0], -0.05, slope[2], 0.05, -slope[4]]))


def test_a_least_slope_changes_what_a_white_picture_teaches_and_not_what_is_made():
    image, label = torch.full((1, 3, 16, 16), 0.9), torch.ones(1, 1)

    def taught(slope):
        torch.manual_seed(0)
        generator = Generator(1, 8, 1, skips=True, norm="demodulation", tanh_slope=slope).train()
        with torch.no_grad():
            generator.head.weight.mul_(100)  # far into both ends
        made = generator(image, label)
        (made * made.detach().sign()).sum().backward()  # towards the middle
        return made.detach(), generator.head.weight.grad.norm()

    (plainly, little), (made, much) = taught(0.0), taught(0.05)
    assert torch.equal(made, plainly)
    assert much > 5 * little


def test_smoothing_is_a_bilateral_filter_of_three_reaches_as_tolerant_as_labels_say():
    torch.manual_seed(0)
    smoothing = Smoothing(2).double()
    smoothing.tolerance.data = torch.tensor([0.2, -0.1]).double()
    images, labels = 0.2 * torch.rand(3, 3, 6, 9).double(), torch.tensor([[1, 0], [0, 1], [1, 1]]).double()
    expected = images
    for reach in (1, 2, 4):
        before, expected = expected, torch.zeros_like(images)
        for n, y, x in np.ndindex(3, 6, 9):
            tolerance = 0.05 * np.exp(5 * [0.2, -0.1, 0.1][n])
            near = [(y + reach * i, x + reach * j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
            near = torch.stack([before[n, :, i, j] for i, j in near if 0 <= i < 6 and 0 <= j < 9])
            weights = (-(near - before[n, :, y, x]).square().sum(1) / (2 * tolerance**2)).exp()
            expected[n, :, y, x] = weights @ near / weights.sum()
    torch.testing.assert_close(smoothing(images, labels), expected)


def test_smoothing_takes_haze_and_leaves_lines():
    torch.manual_seed(0)
    drawing = torch.ones(1, 3, 16, 16)
    drawing[:, :, :, 5] = -1
    made = Smoothing(1)(drawing + 0.02 * torch.randn_like(drawing), torch.ones(1, 1))
    assert (made - drawing).abs().max() < 0.03
    assert (made - drawing).std() < 0.005


def test_a_palette_adds_what_the_tables_of_the_labels_say_there_and_half_a_gradient_passes_by():
    palette = Palette(2).double()
    axis = torch.linspace(-1, 1, 17).double()
    red, green, blue = torch.meshgrid(axis, axis, axis, indexing="ij")
    palette.tables.data = torch.stack([torch.stack([green, blue, red]), torch.stack([red, red, red])]) / 200
    image = (torch.rand(3, 3, 5, 4).double() - 0.5).requires_grad_()
    labels = torch.tensor([[1, 0], [0, 1], [1, 1]])
    moved = palette(image, labels)
    first, second = image[:, [1, 2, 0]] / 10, image[:, [0, 0, 0]] / 10  # linear tables are met between nodes too
    shift = [first[0], second[1], first[2] + second[2]]
    torch.testing.assert_close(moved, image + torch.stack(shift))
    moved.sum().backward()
    assert palette.tables.grad is None
    half = torch.tensor([[1.05, 1.05, 1.05], [1.15, 1, 1], [1.2, 1.05, 1.05]])  # 1, and half of what the tables add
    torch.testing.assert_close(image.grad.mean((2, 3)).float(), half)
    assert palette(torch.ones(1, 3, 1, 1).double(), torch.ones(1, 2)).max() == 1


def test_a_palette_learns_the_mean_of_the_colours_that_a_noisy_one_may_have_been():
    torch.manual_seed(0)
    colours = torch.tensor([[0.25, -0.5, 0.0], [-0.25, -0.5, 0.0]])
    palette, label = Palette(1), torch.ones(1, 1)
    learning = torch.optim.Adam(palette.parameters(), 3e-4)
    for _ in range(400):
        image = colours[torch.randint(4, (64 * 64,)).clamp(max=1)].T.reshape(
            1, 3, 64, 64
        )  # of the second three in four
        learning.zero_grad()
        palette.loss(image, label, torch.randn_like(image)).backward()
        learning.step()
    noisy = torch.tensor([-0.2, -0.1, 0.0, 0.1, 0.2])
    seen = torch.stack([noisy, torch.full_like(noisy, -0.45), torch.zeros(5)])[None, :, None]
    ahead = (-(noisy - 0.25).square() / 0.02 - np.log(3) + (noisy + 0.25).square() / 0.02).sigmoid()  # noise of 0.1
    moved = palette(seen, label)[0, :, 0]
    torch.testing.assert_close(moved[0], 0.25 * ahead - 0.25 * (1 - ahead), atol=0.06, rtol=0)
    torch.testing.assert_close(moved[1], torch.full_like(noisy, -0.5), atol=0.03, rtol=0)
    far = torch.full((1, 3, 1, 1), 0.9)
    assert torch.equal(palette(far, label), far)


def test_edges_are_first_and_second_differences_of_brightness_and_of_two_colours_small_ones_enlarged():
    image = torch.zeros(1, 3, 2, 3)
    image[0, :, 0, 2] = 0.02  # brighter
    image[0, :, 1, 0] = torch.tensor([0.03, -0.05, 0.02])  # of another tint, as bright
    brightness, green, blue = (1 - 2 * np.exp(-(d**2) / (2 * 0.03**2)) for d in (0.02, 0.075, 0.03))
    none = [[-1] * 3, [-1] * 3]
    right = [[[-1, brightness, -1], [-1] * 3], *([[-1] * 3, [d, -1, -1]] for d in (green, blue))]
    down = [[[-1, -1, brightness], [-1] * 3], *([[d, -1, -1], [-1] * 3] for d in (green, blue))]
    sides = [[[-1, brightness, -1], [-1] * 3], *([[-1] * 3, [-1, d, -1]] for d in (green, blue))]
    torch.testing.assert_close(edges(image)[0], torch.tensor([*right, *down, *sides, none, none, none]).float())


def test_edges_tell_a_slope_from_hatching():
    slope = (0.05 * torch.arange(8.0)).expand(1, 3, 8, 8)
    hatching = (0.05 * (torch.arange(8) % 2)).expand(1, 3, 8, 8)
    first, second = slice(0, 1), slice(6, 7)  # of brightness, to the sides
    inside = [edges(image)[..., 1:-1, 1:-1] for image in (slope, hatching)]
    torch.testing.assert_close(inside[0][:, first], inside[1][:, first])
    assert inside[0][:, second].max() < -0.99 < 0.99 < inside[1][:, second].min()
    upright = edges(hatching.mT).mT.unflatten(1, (4, 3))[:, [1, 0, 3, 2]].flatten(1, 2)
    torch.testing.assert_close(upright, edges(hatching))


@pytest.mark.parametrize("part", ["stem", "halving", "resize", "blur", "transpose", "unactivated"])
def test_a_demodulated_layer_is_a_convolution_by_weights_of_unit_power(part):
    torch.manual_seed(0)
    upsample = part if part in {"blur", "transpose"} else "resize"
    generator = Generator(2, 4, 1, upsample=upsample, norm="demodulation").double()
    others = {"stem": generator.stem, "halving": generator.down[0], "unactivated": generator.blocks[0].second}
    layer = others.get(part, generator.up[0])
    convolution = layer.conv[1][0] if part in {"resize", "blur"} else layer.conv
    doubled = {"resize": torch.nn.Upsample(scale_factor=2), "blur": BlurUp()}.get(part, torch.nn.Identity())
    side = 1 if part == "transpose" else 0  # of the weights, that of the output channels
    labels = torch.tensor([[1.0, 0], [0, 1], [1, 1], [0, 0]]).double()
    images = torch.rand(4, layer.scale.out_features, 8, 8).double()
    for image, label, made in zip(images, labels, layer(images, labels), strict=True):
        scale = (1 + layer.scale(label)).view([-1, 1, 1, 1] if side else [1, -1, 1, 1])
        weight = convolution.weight.detach() * scale
        taps = 4 if side else 1  # a pixel of a doubling by transposed convolution sees a quarter of the kernel
        weight = weight / (weight.square().sum([1 - side, 2, 3], keepdim=True) / taps + 1e-8).sqrt()
        seen = doubled(image[None])
        if side:
            made_plain = torch.nn.functional.conv_transpose2d(seen, weight, stride=2, padding=1)[0]
        else:
            seen = torch.nn.functional.pad(seen, 4 * [convolution.padding[0]], mode="replicate")
            made_plain = torch.nn.functional.conv2d(seen, weight, stride=convolution.stride)[0]
        gain = 1 if part == "unactivated" else 2**0.5
        expected = gain * made_plain + layer.shift(label)[:, None, None]
        torch.testing.assert_close(made, expected if part == "unactivated" else expected.relu())


def test_demodulated_features_neither_grow_nor_fade_through_many_blocks():
    torch.manual_seed(0)
    generator = Generator(2, 16, 30, norm="demodulation")
    x, labels = torch.randn(4, 64, 16, 16), torch.eye(2).repeat(2, 1)
    before = x.square().mean()
    with torch.no_grad():
        for block in generator.blocks:
            block.second.shift.weight.zero_()
            block.second.shift.bias.zero_()
            x = block(x, labels)
    # A block leaves 0.7 to 1.5 of it, by its random weights and shifts; without its share each would double it.
    assert 0.5 < x.square().mean() / before < 4


def test_demodulation_stands_small_weights_in_16_bits():
    torch.manual_seed(0)
    layer = Generator(2, 4, 1, norm="demodulation").blocks[0].first
    layer.conv.weight.data *= 0.01
    layer.conv.weight.data[0] = 0
    x, labels = torch.randn(2, 16, 8, 8), torch.eye(2)
    expected = layer(x, labels)
    with torch.autocast("cpu", torch.float16):
        made = layer(x, labels)
    torch.testing.assert_close(made.float(), expected, rtol=0.01, atol=0.02)
    made.float().square().mean().backward()
    assert all(parameter.grad.isfinite().all() for parameter in layer.parameters())


def test_demodulated_a_picture_looks_the_same_whatever_is_far_from_it_and_normalised_it_does_not():
    torch.manual_seed(0)
    drawing, labels = torch.rand(1, 3, 64, 64), torch.tensor([[1.0, 0]])
    wide = torch.nn.functional.pad(drawing, (0, 256, 0, 0), value=1.0)
    for norm, agree in (("demodulation", True), ("instance", False)):
        generator = init_weights(Generator(2, 4, 1, skips=True, norm=norm)).eval()
        generator.head.weight.data *= 30  # after few layers of random weights a change would be small
        near, far = (generator(seen, labels)[..., :16] for seen in (drawing, wide))
        assert torch.allclose(near, far, atol=1e-5) is agree


def test_the_papers_norm_takes_away_what_a_constant_map_says_but_for_the_borders():
    images, labels = torch.rand(1, 3, 32, 32).expand(2, -1, -1, -1), torch.tensor([[0.0, 0], [0, 1]])
    stem = Generator(2, 4, 1).stem
    seen = stem.conv(torch.cat([images, labels[:, :, None, None].expand(-1, -1, 32, 32)], 1))[:, :, 3:-3, 3:-3]
    torch.testing.assert_close(*torch.nn.functional.instance_norm(seen))


def test_a_projection_adds_what_the_features_say_of_each_label():
    critic = Discriminator(3, 16, 4, 2, projection=True)
    images = torch.rand(2, 3, 16, 16)
    without, first, both = (
        critic(images, torch.tensor([bits] * 2)).score for bits in ([0, 0, 0], [1, 0, 0], [1, 1, 0])
    )
    of_first, of_second = first - without, both - first
    torch.testing.assert_close(critic(images, torch.tensor([[0, 1, 0]] * 2)).score, without + of_second)
    torch.testing.assert_close(of_first, critic.projection(critic.body(images))[:, :1])
    assert of_first.abs().min() > 0


def test_fine_scores_are_of_small_patches_and_count_as_much_as_the_coarse_ones():
    torch.manual_seed(0)
    coarse = Discriminator(2, 64, 4, 4, projection=True).double()
    critic = Discriminator(2, 64, 4, 4, projection=True, fine=2).double()
    critic.load_state_dict(coarse.state_dict(), strict=False)
    image, labels = torch.rand(1, 3, 64, 64).double().requires_grad_(), torch.tensor([[1.0, 0]])
    score = critic(image, labels).score
    assert score.shape == (1, 2, 16, 16)
    repeated = coarse(image, labels).score.repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(score[:, :1], repeated)
    [slope] = torch.autograd.grad(score[0, 1, 8, 8], image)
    seen = slope[0].abs().sum(0).nonzero()
    assert (seen.max(0).values - seen.min(0).values + 1).tolist() == [18, 18]
    assert (critic(image, 1 - labels).score[:, 1] - score[:, 1]).abs().min() > 0
    assert head_of(critic) == (critic, "head")  # what widens the last layer, or looks before it, takes the coarse one
    assert task(d_fine=2, select=["noto,twemoji"], labels=["exclusive"]).discriminators(Needs())["d"].fine_depth == 2


def test_the_identity_loss_counts_pictures_whose_target_is_their_own_domain_and_self_regularisation_all():
    weights = {"identity": 3.0, "self_regularisation": 0.5, "reconstruction": 0}
    stargan = task(select=["noto,twemoji"], labels=["exclusive"], objective="lsgan", **weights)
    nets = gantools.task.Networks(stargan.generators(), stargan.discriminators(build_objective(stargan.config).needs))
    label, target = torch.eye(2), torch.tensor([[1.0, 0], [1, 0]])
    batch = {"image": torch.rand(2, 3, 32, 32), "label": label, "target": target, "set": torch.zeros(2).long()}
    rng = StepRandom(0, "g", 0, rows=slice(0, 2), total=2, device=torch.device("cpu"), update=0)
    out = stargan.forward(nets, batch, rng)
    losses = stargan.g_losses(nets, batch, out, build_objective(stargan.config), rng)
    change = (out["fake"] - batch["image"]).abs().mean((1, 2, 3))
    torch.testing.assert_close(losses["identity"], 3 * change[0] / 2)
    torch.testing.assert_close(losses["self-regularisation"], 0.5 * change.mean())
    stargan.config = stargan.config.model_copy(update={"reach": 1})
    around = torch.nn.functional.pad(batch["image"], [1] * 4, mode="replicate")
    around = torch.nn.functional.unfold(around, 3).view(2, 3, 9, 32, 32)
    nearest = (out["fake"][:, :, None] - around).abs().mean(1).amin(1)
    losses = stargan.g_losses(nets, batch, out, build_objective(stargan.config), rng)
    torch.testing.assert_close(losses["self-regularisation"], 0.5 * nearest.mean())


def test_pictures_without_a_partner_count_nothing_in_the_paired_loss():
    stargan = task(select=["noto,twemoji"], labels=["exclusive"], objective="lsgan", paired=4.0, reconstruction=0)
    nets = gantools.task.Networks(stargan.generators(), stargan.discriminators(build_objective(stargan.config).needs))
    batch = {"image": torch.rand(2, 3, 32, 32), "label": torch.eye(2), "target": torch.eye(2).flip(0)}
    batch |= {"set": torch.zeros(2).long(), "partner": torch.rand(2, 3, 32, 32), "known": torch.tensor([1.0, 0])}
    rng = StepRandom(0, "g", 0, rows=slice(0, 2), total=2, device=torch.device("cpu"), update=0)
    out = stargan.forward(nets, batch, rng)
    losses = stargan.g_losses(nets, batch, out, build_objective(stargan.config), rng)
    torch.testing.assert_close(
        losses["paired"], 4 * paired(out["fake"], batch["image"], batch["partner"], [1, 1, 1])[0] / 2
    )
    with pytest.raises(GanToolsError, match="of an attribute there are no pairs"):
        task(paired=1)


def test_a_change_of_tint_may_cost_more_than_one_of_brightness():
    source = torch.zeros(1, 3, 2, 2)
    grey, tint = (torch.tensor(c)[None, :, None, None].expand(1, 3, 2, 2) for c in ([0.3] * 3, [0.3, 0, -0.3]))
    cases = ((grey, 0, 0.3), (grey, 2, 0.3), (tint, 0, 0.2), (tint, 2, 0.6), (grey + tint, 2, 0.7))
    for made, chroma, expected in cases:
        torch.testing.assert_close(distance(made, source, 0, chroma), torch.tensor(expected))
    both = torch.stack([tint[..., 0], grey[..., 0]], 3)
    for chroma, nearer in ((0, 0.2), (1, 0.3)):  # the tint, then the grey
        torch.testing.assert_close(distance(torch.zeros_like(both), both, 1, chroma), torch.tensor(nearer))


def test_a_detail_is_to_stand_out_as_in_its_source_where_both_sides_of_it_are_alike():
    flat, outline = torch.full((1, 3, 9, 9), -0.5), torch.full((1, 3, 9, 9), -0.5)
    outline[..., 4:], outline[..., 4] = 0.5, -1
    dot, line = flat.clone(), flat.clone()
    dot[..., 4, 4], line[..., 4] = 0.5, 0.5
    cases = [(flat, dot, 1 / 81), (flat, line, 3 / 4 / 9), (dot + 0.3, dot, 0), (0.5 * dot, dot, 0.5 / 81)]
    for made, source, expected in [*cases, (outline.clamp(min=-0.5), outline, 0), (dot, flat, 0)]:
        torch.testing.assert_close(details(made, source), torch.tensor(float(expected)), atol=1e-5, rtol=0)


def test_what_is_plain_may_get_shades_and_edges_of_its_own_but_no_spots():
    flat, spot, halves = torch.zeros(3, 1, 3, 32, 32)
    spot[..., 16, 16], halves[..., 16:] = 0.5, 1
    cases = [(flat + 0.5, flat, 0), (spot, flat, 2 * 0.5 / 32**2), (spot, spot, 0), (halves * 0.9, halves, 0)]
    for made, source, expected in cases:
        torch.testing.assert_close(plain(made, source), torch.tensor(float(expected)), atol=1e-5, rtol=1e-3)
    slope, wave = flat + torch.linspace(-0.2, 0.2, 32), flat + 0.2 * (torch.arange(32) * torch.pi / 8).sin()
    assert plain(slope, flat) < plain(wave, flat) / 5


LABELS, TARGETS = [4, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2], [3, 0, 1, 1, 2, 2, 0, 0, 1, 2, 0, 2]
TWINNED = torch.tensor([0, 1, 1, 0, 1, 0, 1, 0, 1, 1, 0, 0.0])


def aligned_task(**settings):
    """Return a task, networks and a batch of drawings, of the same without lines, and of others, with what is made."""
    names = {"select": ["drawn,bare,other", "here,there"], "labels": ["exclusive"] * 2, "aligned": ("drawn", "bare")}
    settings = {"paired": 2.0, "exact": 3.0, "objective": "lsgan", "reconstruction": 0, **names, **settings}
    stargan = task(**settings)
    nets = gantools.task.Networks(stargan.generators(), stargan.discriminators(build_objective(stargan.config).needs))
    pictures = torch.rand(3, 12, 3, 32, 32)
    batch = dict(zip(("image", "twin", "partner"), pictures, strict=True))
    batch |= {"label": torch.eye(5)[LABELS], "target": torch.eye(5)[TARGETS], "known": torch.ones(12)}
    batch |= {"twinned": TWINNED, "set": torch.tensor([1] + [0] * 11)}
    batch["twin"] = torch.where(TWINNED[:, None, None, None] > 0, batch["twin"], batch["image"])
    rng = StepRandom(0, "g", 0, rows=slice(0, 12), total=12, device=torch.device("cpu"), update=0)
    out = stargan.forward(nets, batch, rng)
    losses = stargan.g_losses(nets, batch, out, build_objective(stargan.config), rng)
    return stargan, nets, batch, out["fake"], losses


def kept_of(batch):
    changes = [2, 3, 4, 5, 6, 7]  # outlines come or go
    return batch["image"].index_copy(0, torch.tensor(changes), batch["twin"][changes])


def test_between_aligned_domains_only_pixels_count_and_elsewhere_what_lies_near():
    _, _, batch, fake, losses = aligned_task()
    far = paired(fake, kept_of(batch), batch["partner"], [1, 1, 1])
    far[[2, 3, 6, 7]] = 0
    torch.testing.assert_close(losses["paired"], 2 * far.mean())


def test_what_has_a_twin_keeps_what_the_twin_shows_where_outlines_come_or_go():
    _, _, batch, fake, losses = aligned_task(self_regularisation=1.0)
    torch.testing.assert_close(losses["self-regularisation"], (fake - kept_of(batch)).abs().mean())


def test_a_drawing_becomes_what_its_twin_does_and_of_that_the_drawing_is_made_again():
    stargan, nets, batch, fake, losses = aligned_task(reconstruction=5)

    def translated(images, domains):
        return nets["g"](images, stargan.labels.told(torch.eye(5)[domains], torch.zeros(len(images)).long()))

    twins = translated(batch["twin"][[4, 9]], [2, 2])
    ends = torch.stack([twins[0], fake[9]]).detach()  # of the pictures without lines
    apart = torch.stack([fake[4] - ends[0], twins[1] - ends[1], *(fake - batch["twin"])[[2, 6]]])
    starts = torch.cat([ends, batch["twin"][[2, 6]]])  # between both domains too the way back begins at what is known
    drawings = torch.stack([batch["image"][4], batch["twin"][9], *batch["image"][[2, 6]]])
    again = translated(starts, [0, 0, 0, 1]) - drawings
    expected = 3 * (apart.abs() + again.abs()).mean((1, 2, 3)).sum() / 12
    rest = [1, 3, 5, 7, 8, 10, 11]
    back = (translated(fake[rest], [LABELS[row] for row in rest]) - batch["image"][rest]).abs().mean((1, 2, 3)).sum()
    other = nets["g"](fake[:1], stargan.labels.told(batch["label"][:1], batch["set"][:1])) - batch["image"][:1]
    total = 5 * (back + other.abs().mean()) / 12
    for loss, wanted in ((losses["aligned"], expected), (losses["reconstruction"], total)):
        torch.testing.assert_close(loss, wanted)
        given, right = (torch.autograd.grad(x, nets["g"].head.weight, retain_graph=True) for x in (loss, wanted))
        torch.testing.assert_close(given, right, atol=1e-5, rtol=1e-3)  # none by way of what is to be reached
    exact = aligned_task()[-1]
    assert exact["aligned"] > 0
    assert exact["reconstruction"] == 0


@pytest.mark.parametrize("norm", ["instance", "demodulation"])
def test_without_a_drawing_that_leaves_its_domain_all_lead_back_as_ever(norm):
    stargan, nets, batch, fake, _ = aligned_task(reconstruction=5, norm=norm)
    some = [1, 3, 5, 7, 8, 10, 11]
    losses = stargan._way_back(nets, {name: rows[some] for name, rows in batch.items()}, fake[some])
    back = nets["g"](fake[some], stargan.labels.told(batch["label"][some], batch["set"][some]))
    torch.testing.assert_close(losses["reconstruction"], 5 * (back - batch["image"][some]).abs().mean())
    assert losses["aligned"] == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"aligned": ("drawn", "drawn")}, "give two domains, not one twice"),
        ({"aligned": "drawn,bare", "exact": 0}, "--aligned needs a weight: give --exact 60"),
        ({"teacher": "t", "exact": 0, "aligned": None}, "--teacher needs a weight: give --exact 100"),
    ],
)
def test_aligned_domains_have_to_be_two_and_what_is_known_weighs(settings, message):
    with pytest.raises(ValidationError, match=message):
        aligned_task(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"aligned": "a,b", "exact": 1}, "--aligned has no meaning without --paired or --teacher"),
        ({"exact": 1}, "--exact has no meaning without --aligned or --teacher"),
        ({"n_critic": 0}, "--n-critic 0 leaves nobody to learn from"),
        ({"n_critic": "0"}, "--n-critic 0 leaves nobody to learn from"),
        ({"teacher": "nowhere", "exact": 1}, "--teacher nowhere: no such file or run folder"),
    ],
)
def test_there_has_to_be_somebody_to_learn_from(elsewhere, settings, message):
    (elsewhere / "data").mkdir()
    for name, style in (("a", "noto"), ("b", "twemoji")):
        (elsewhere / "data" / name).symlink_to(EXAMPLES / style)
    with pytest.raises(GanToolsError, match=message):
        gantools.api.configure("stargan", data="data", **settings)


def test_without_a_critic_others_do_not_learn_and_none_warms_up():
    with pytest.raises(ValidationError, match="--n-critic 0: here the generators learn from their discriminators"):
        gantools.task.RunConfig(n_critic=0)
    with pytest.raises(ValidationError, match="--warm-up has no meaning with --n-critic 0"):
        Config(n_critic=0, warm_up=1, steps=2)


def test_a_teacher_shows_drawings_without_outlines_and_draws_them_last():
    stargan, _, batch, *_ = aligned_task()

    class Teacher(torch.nn.Module):
        def forward(self, images, told):
            return 0.5 * images + (told[:, :5] @ torch.arange(1.0, 6))[:, None, None, None]

    def made(image, domain):
        return 0.5 * image + domain + 1

    expected = []
    rows = zip(LABELS, TARGETS, batch["image"], batch["twin"], batch["twinned"], strict=True)
    for label, target, image, twin, twinned in rows:
        if label == target:
            expected.append(image)
        elif {label, target} == {0, 1} and twinned:
            expected.append(twin)
        elif target == 0 and label == 2:
            expected.append(made(made(image, 1), 0))
        else:
            expected.append(made(twin if label == 0 else image, target))
    plain_rows = zip(LABELS, TARGETS, batch["image"], strict=True)
    for aligned, wanted in (
        (stargan.aligned, torch.stack(expected)),
        (None, torch.stack([x if a == b else made(x, b) for a, b, x in plain_rows])),
    ):
        torch.testing.assert_close(aims(Teacher(), stargan.labels, aligned, batch), wanted)


def test_what_a_teacher_makes_is_learned_without_a_critic_and_its_weights_need_no_teacher(elsewhere):
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32, 3), np.uint8)
    for name, pictures in zip(("a", "b"), pixels, strict=True):
        (elsewhere / "data" / name).mkdir(parents=True)
        for i, picture in enumerate(pictures):
            Image.fromarray(picture).save(elsewhere / "data" / name / f"{i}.png")
    small = {"size": 32, "width": 4, "blocks": 1, "batch_size": 4, "device": "cpu", "quiet": True, "data": "data"}
    first = gantools.train("stargan", steps=1, **small)
    learned = {"teacher": first.folder, "exact": 100, "n_critic": 0, "seed": 1, "lr_g": 2e-3, "details": 1, "plain": 1}
    learned["objective"] = "ebgan:pretrain=5"  # of what learns from a critic alone
    run = gantools.train("stargan", steps=60, log_every=10, **learned, **small)
    log = read_log(run.folder / "log.jsonl")
    assert log[-1]["g/taught"] < 0.9 * log[0]["g/taught"]
    assert not [name for name in log[-1] if name.startswith("d/") or name == "g/adv"]
    run = gantools.train("stargan", steps=1, aligned=("a", "b"), **learned, **small)
    assert gantools.load(run.folder).translate(elsewhere / "data" / "a" / "0.png", to="b").size == (32, 32)
    other = gantools.train("stargan", steps=1, **small | {"select": "b,a"})
    with pytest.raises(GanToolsError, match="knows b, a, not a, b"):
        gantools.train("stargan", steps=1, **learned | {"teacher": other.folder}, **small)
    (elsewhere / "empty").mkdir()
    with pytest.raises(GanToolsError, match=r"--teacher .*empty"):
        gantools.train("stargan", steps=1, **learned | {"teacher": "empty"}, **small)


def test_what_is_made_has_to_be_near_there_in_its_partner_and_the_reverse_where_both_draw_the_same():
    flat, dot, near, far = torch.zeros(4, 1, 3, 64, 64)
    for image, place in ((dot, 30), (near, 33), (far, 34)):
        image[..., 30, place] = 0.5
    cases = [(flat, flat + 0.3, flat + 0.3, 0.3), (near, dot, dot, 0), (far, dot, dot, 0.5 / 64**2)]
    less = math.exp(-0.5)
    brighter = (flat, flat, flat + 0.3, 0.3 * less * (1 + less) / 2)  # what is shown there is another thing
    eye = (-2 * dot, -2 * dot, flat, 0)  # that the partner does not have there
    tinted = (flat, flat, flat + torch.tensor([0.3, 0, -0.3])[:, None, None], 0.2)
    plain = (dot, flat + 1, flat + 1, 0)  # its drawing is elsewhere
    white = (1, 1, 1)
    for *pictures, expected in (*cases, brighter, eye, tinted, plain):
        torch.testing.assert_close(paired(*pictures, white)[0], torch.tensor(float(expected)), atol=1e-6, rtol=1e-5)
    made = flat.clone().requires_grad_()
    loss = paired(made, dot, dot, white)[0]
    torch.testing.assert_close(loss, torch.tensor(0.25 / 64**2))
    loss.backward()
    assert made.grad.min() == made.grad.sum() / 3 < 0  # one pixel is to become what is missing


def test_wrong_labels_are_drawn_from_what_a_picture_is_not():
    labels = task().labels
    label = torch.tensor([[1.0, 0, 0, 0, 0], [0, 0, 0, 1, 0]]).repeat(500, 1)
    number = torch.tensor([0, 1]).repeat(500)
    others = labels.others(label, number, StepRandom(0, rows=slice(0, 1000), total=1000, device="cpu"))
    drawn = [Counter(map(tuple, others[i::2].tolist())) for i in (0, 1)]
    assert set(drawn[0]) == {(0, 0, 0, 0, 0), (1, 1, 0, 0, 0)}
    assert set(drawn[1]) == {(0, 0, 1, 0, 0), (0, 0, 0, 0, 1)}
    assert all(200 < count < 300 for counts in drawn for count in counts.values())


def test_real_pictures_with_a_wrong_label_count_among_what_is_made():
    stargan = task(select=["noto,twemoji"], labels=["exclusive"], objective="lsgan", mismatched=0.3)
    objective = build_objective(stargan.config)
    critic = Discriminator(2, 32, 4, 2, projection=True)
    nets = gantools.task.Networks({}, {"d": critic})
    label, number = torch.eye(2), torch.zeros(2).long()
    batch = {"image": torch.rand(2, 3, 32, 32), "label": label, "target": label, "set": number}
    fake = torch.rand(2, 3, 32, 32)
    rng = StepRandom(0, rows=slice(0, 2), total=2, device="cpu")
    losses = stargan.d_losses(nets, batch, {"fake": fake}, objective, rng)
    told = [objective.d_losses(critic, Sample(batch["image"], (label,)), [(Sample(image, (of,)), 1.0)], rng)[0]["adv"]
            for image, of in ((fake, label), (batch["image"], 1 - label))]  # fmt: skip
    torch.testing.assert_close(losses["adv"], 0.7 * told[0] + 0.3 * told[1])
    with pytest.raises(GanToolsError, match="an auto-encoder is told no labels"):
        stargan.discriminators(Needs(critic="autoencoder"))


def test_the_penalty_on_domain_logits_is_the_squared_slope_of_those_above_chance():
    torch.manual_seed(0)
    slopes = torch.randn(5, 3 * 4 * 4).double()

    def critic(image, label):
        return Verdict(image.sum((1, 2, 3)), aux={"domains": image.flatten(1) @ slopes.T})

    label = torch.tensor([[1, 0, 0, 0, 0], [0, 0, 0, 1, 0]]).double()
    sample, number = Sample(torch.rand(2, 3, 4, 4).double(), (label,)), torch.tensor([0, 1])
    above = torch.tensor([[1 / 2, -1 / 2, 0, 0, 0], [0, 0, -1 / 3, 2 / 3, -1 / 3]]).double()
    expected = (above @ slopes).square().sum(1).mean()
    torch.testing.assert_close(task().labels.penalty(critic, sample, label, number), expected)


def test_the_penalty_on_domain_logits_trains_the_critic_in_32_bits_on_every_fourth_update():
    torch.manual_seed(0)
    stargan = task(select=["noto,twemoji"], labels=["exclusive"], objective="lsgan", domain_penalty=0.1)
    objective, critic, label = build_objective(stargan.config), Discriminator(2, 32, 4, 2, True), torch.eye(2)
    batch = {"image": torch.rand(2, 3, 32, 32), "label": label, "target": label, "set": torch.zeros(2).long()}
    nets, found = gantools.task.Networks({}, {"d": critic}), []
    for update in range(9):
        rng = StepRandom(0, rows=slice(0, 2), total=2, device="cpu", update=update)
        with torch.autocast("cpu", torch.bfloat16):
            losses = stargan.d_losses(nets, batch, {"fake": batch["image"]}, objective, rng)
        found.append(losses.get("domain-penalty"))
    assert [update for update, loss in enumerate(found) if loss is not None] == [0, 4, 8]
    image = batch["image"].requires_grad_()
    ahead = (critic(image, label).aux["domains"] * (label - 0.5)).sum()
    (slope,) = torch.autograd.grad(ahead, image, create_graph=True)
    expected = 4 * 0.1 * slope.square().sum((1, 2, 3)).mean()
    torch.testing.assert_close(found[4], expected)
    gradients = [torch.autograd.grad(loss, critic.domains.weight)[0] for loss in (found[4], expected)]
    torch.testing.assert_close(*gradients)


def test_the_palette_learns_from_what_pictures_are_and_not_from_what_they_are_to_be():
    stargan = task(select=["noto,twemoji"], labels=["exclusive"], objective="lsgan", palette=True)
    nets = gantools.task.Networks(stargan.generators(), stargan.discriminators(Needs()))
    label, target = torch.tensor([[1.0, 0], [1, 0]]), torch.tensor([[0.0, 1], [0, 1]])
    batch = {"image": torch.rand(2, 3, 32, 32), "label": label, "target": target, "set": torch.zeros(2).long()}
    rng = StepRandom(0, rows=slice(0, 2), total=2, device="cpu")
    out = stargan.forward(nets, batch, rng)
    losses = stargan.g_losses(nets, batch, out, build_objective(stargan.config), rng)
    sum(losses.values()).backward()
    noto, twemoji = nets["g"].palette.tables.grad.abs().sum((1, 2, 3, 4))
    assert noto > 0 == twemoji


def test_a_line_may_take_the_colour_beside_it_and_no_colour_between():
    yellow, black, violet = ((1.0, 0.8, -1.0), (-1.0, -1.0, -1.0), (-0.4, -1.0, -0.2))
    drawn, gone, tinted = (torch.tensor(yellow)[None, :, None, None].repeat(1, 1, 8, 12) for _ in range(3))
    drawn[..., 5:8] = torch.tensor(black)[:, None, None]  # three pixels wide, as OpenMoji's outlines are
    tinted[..., 5:8] = torch.tensor(violet)[:, None, None]
    assert torch.equal(nearest(gone, drawn, 0), drawn)
    assert torch.equal(nearest(gone, drawn, 1)[..., 6], drawn[..., 6])  # its middle is too far from what is beside
    assert torch.equal(nearest(gone, drawn, 2), gone)
    assert torch.equal(nearest(tinted, drawn, 2), drawn)  # nearer to black than to yellow
    tinted[:, 1, :, 5:8] = 0.5
    assert torch.equal(nearest(tinted, drawn, 2), gone)


def test_from_goes_with_changes_alone_and_with_their_own_data_set():
    stargan = task()
    for options, message in (
        (Options(to=["Old"], from_="Dark"), "--from has no meaning here"),
        (Options(to=["+Old"], from_="noto"), "of another data set"),
        (Options(to=["+Old"], from_="Drak"), "did you mean `Dark`"),
    ):
        with pytest.raises(GanToolsError) as caught:
            stargan.variants(options)
        assert message in f"{caught.value.message} {caught.value.hint}"
    assert list(stargan.variants(Options(to=["ALL"]))) == ["+Dark", "+Old", "noto", "fluent", "twemoji"]


def test_one_of_two_data_sets_is_evaluated_by_its_names():
    stargan = task(data=["faces", "styles"], attributes=["faces.csv"])
    compared = partial(comparisons_for, manager().tasks.get("stargan"), stargan.config)
    rows = compared({"data": [EXAMPLES], "select": ["noto,twemoji"]})
    assert [row.title for row in rows] == ["to noto", "to twemoji"]
    with pytest.raises(GanToolsError, match="data sets here: 1; that were trained on: 2"):
        compared({"data": [EXAMPLES]})


def test_without_a_recogniser_an_evaluation_says_what_a_picture_has(elsewhere):
    for i in range(2):
        Image.new("RGB", (16, 16)).save(f"{i}.png")
    Path("faces.csv").write_text("file,Dark,Old\n0.png,0,1\n1.png,1,1\n")
    for recogniser, expected in ((True, {"to": ["+Dark"]}), (False, {"to": ["+Dark"], "from_": "Old"})):
        named = {"data": ["."], "attributes": ["faces.csv"], "select": ["Dark,Old"], "labels": ["independent"]}
        stargan = task(recogniser=recogniser, **named)
        [row] = stargan.comparisons()
        assert row.there() == [expected]
        stargan.variants(Options(**expected))


def test_settings_that_cannot_be_are_refused():
    for settings, message in (
        ({"size": 50}, "48 is the next below"),
        ({"d_layers": 7}, "leaves nothing of 32 pixels"),
        ({"d_fine": 4}, "not below the discriminator's 4 halvings"),
        ({"reach": 2}, "no meaning without --self-regularisation"),
        ({"chroma": 2}, "no meaning without --self-regularisation"),
        ({"mismatched": 0.2, "projection": False}, "--mismatched needs --projection"),
        ({"domain_penalty": 0.1, "classification": 0}, "no meaning without --classification"),
    ):
        with pytest.raises(ValidationError, match=message):
            task(**settings)


def test_attributes_have_no_palette():
    with pytest.raises(GanToolsError, match="an attribute has no colours of its own"):
        task(palette=True)


def test_each_domain_is_held_back_from_and_none_is_left_empty(elsewhere):
    for name, count in (("rare", 1), ("common", 60)):
        (elsewhere / "data" / name).mkdir(parents=True)
        for i in range(count):
            Image.new("RGB", (32, 32), (i, 0, 0)).save(elsewhere / "data" / name / f"{i}.png")
    config = gantools.api.configure("stargan", data="data", size=32, load_size=32, device="cpu")
    data = DomainImages(config, lambda *_: None)
    assert data.sheet()["label"].sum(0).tolist() == [4, 1]
    assert len(data.sets[0].order) == 57
    (elsewhere / "data" / "rare" / "0.png").write_bytes(b"no picture")
    with pytest.raises(GanToolsError, match="no picture of rare can be read"):
        DomainImages(config, lambda *_: None)


def test_every_domain_gets_a_picture_and_a_sheet_whatever_its_letters(elsewhere):
    Image.new("RGBA", (20, 12), (255, 0, 0, 0)).save("one.png")
    jobs = plan(["one.png"], elsewhere / "out", False, ["日本", "a b", "a_b"])
    assert [job.target.name for job in jobs] == ["one-日本.png", "one-a_b.png", "one-a_b-2.png"]
    for job in jobs:
        job.target.parent.mkdir(exist_ok=True)
        Image.new("RGBA", (20, 12), (0, 0, 255, 0)).save(job.target)
    draw_variants(jobs, jobs[0].sheet, (255, 255, 255))
    with Image.open(elsewhere / "out" / "one-all.png") as sheet:
        assert np.asarray(sheet)[30:].min() == 255  # transparent pictures are shown over white
    Image.new("RGB", (20, 12)).save("one.jpg")
    both = plan(["one.png", "one.jpg"], elsewhere / "both", False, ["a", "b"])
    assert {job.sheet.name for job in both} == {"one.png-all.png", "one.jpg-all.png"}
    with pytest.raises(GanToolsError, match=r"one-日本.png exists"):
        plan(["one.png"], elsewhere / "out", False, ["日本", "noto"])


def test_a_partner_is_of_the_same_name_in_the_targets_domain_cut_and_mirrored_alike(elsewhere, caplog):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 24, 24, 3), np.uint8)
    for turn, name in enumerate(("a", "b", "c")):
        for i, picture in enumerate(pixels[: 5 if turn else 6]):  # the last one is in a alone
            place = elsewhere / "data" / name / f"x{i % 2}" / f"{i // 2}.{'bmp' if turn else 'png'}"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.roll(picture, turn, 2)).save(place)
    framing = {"size": 24, "load_size": 24, "pad": 4, "min_scale": 0.7, "paired": 1, "device": "cpu"}
    data = DomainImages(gantools.api.configure("stargan", data="data", **framing), lambda *_: None)
    assert "15 of 16 pictures have one of their name in another domain" in caplog.text
    known = 0
    for sample in (data[k] for k in range(200)):
        turn = int(sample["target"].argmax() - sample["label"].argmax()) * int(sample["known"])
        assert torch.equal(sample["partner"], sample["image"].roll(turn, 0))
        known += int(sample["known"])
    assert 180 < known < 200
    framing["cache_mb"] = 0
    data = DomainImages(gantools.api.configure("stargan", data="data", **framing), lambda *_: None)
    (elsewhere / "data" / "b" / "x0" / "0.bmp").write_bytes(b"no picture")
    assert any(not data[k]["known"] and data.files(k)[0].parent.name == "x0" for k in range(200))
    Image.new("RGB", (24, 24)).save(elsewhere / "data" / "a" / "x0" / "0.webp")
    with pytest.raises(GanToolsError, match=r"a/x0/0.png and data/a/x0/0.webp have the same name"):
        DomainImages(data.config, lambda *_: None)


def test_a_twin_lies_on_its_picture_and_only_aligned_domains_have_them(elsewhere):
    pixels = np.random.default_rng(0).integers(0, 200, (3, 24, 24, 3), np.uint8)
    pixels[:, :5], pixels[:, :, -3:] = 255, 255
    for name, count in (("drawn", 3), ("bare", 2), ("other", 2)):
        (elsewhere / "data" / name).mkdir(parents=True)
        for i, picture in enumerate(pixels[:count].copy()):
            if name == "bare":
                picture[5:9] = 255  # its lines, so that it would be trimmed otherwise
            Image.fromarray(picture).save(elsewhere / "data" / name / f"{i}.png")
    framing = {"size": 24, "load_size": 24, "trim": True, "pad": 4, "paired": 1, "exact": 1}
    framing["aligned"] = ("drawn", "bare")
    data = DomainImages(gantools.api.configure("stargan", data="data", device="cpu", **framing), lambda *_: None, 0)
    found = set()
    assert data.sets[0].found.names == ("bare", "drawn", "other")  # the first aligned one is not the first of all
    for sample in (data[k] for k in range(100)):
        rows = (sample["twin"] != sample["image"]).any(0).any(1).sum()
        assert rows <= 8  # 4 of 21 that fill 24, and those around that the filter changes
        assert sample["twinned"] == bool(rows)
        found.add((data.sets[0].found.names[sample["label"].argmax()], bool(rows)))
    assert found == {("drawn", True), ("drawn", False), ("bare", True), ("other", False)}
    for path in (elsewhere / "data" / "bare").iterdir():
        path.rename(path.with_stem("x" + path.stem))
    with pytest.raises(GanToolsError, match="--aligned drawn bare: no picture of the one has the name of one of the"):
        DomainImages(data.config, lambda *_: None)
    with pytest.raises(GanToolsError, match="--aligned drawn none: not two domains of one data set"):
        DomainImages(data.config.model_copy(update={"aligned": ("drawn", "none")}), lambda *_: None)


def test_what_is_held_back_is_no_partner_and_of_other_sets_there_are_none(elsewhere, caplog):
    for name in ("a", "b", "c", "d"):
        folder = elsewhere / ("one" if name in "ab" else "two") / name
        folder.mkdir(parents=True)
        for i in range(40):
            Image.new("RGB", (16, 16), (i, 0, 0)).save(folder / f"{name if name in 'cd' else ''}{i}.png")
    data = DomainImages(gantools.api.configure("stargan", data=["one", "two"], size=16, paired=1), lambda *_: None)
    one, two = data.sets
    found = {one.partner(i, domain) for i in range(80) for domain in (0, 1)}
    assert found == {None, *range(80)} - set(one.shown)
    assert two.partner(40, 0) is None
    assert [record.message for record in caplog.records] == [
        "two: 0 of 80 pictures have one of their name in another domain"
    ]


def test_without_any_partner_an_error_says_how_to_name_pictures(elsewhere):
    rows = ["file,of"]
    for name, of in (("001", "a"), ("002", "b")):  # folders that are no domains
        (elsewhere / "data" / name).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(elsewhere / "data" / name / "0.png")
        rows.append(f"{name}/0.png,{of}")
    (elsewhere / "of.csv").write_text("\n".join(rows))
    config = gantools.api.configure("stargan", data="data", attributes="of.csv", size=32, paired=1, device="cpu")
    with pytest.raises(GanToolsError, match="no picture has the name of one in another domain"):
        DomainImages(config, lambda *_: None)


def black_on_red(folder, side, **framing):
    for name in ("a", "b"):
        (folder / "data" / name).mkdir(parents=True)
        Image.new("RGB", (side, side), "black").save(folder / "data" / name / "0.png")
    shown = {"size": side, "load_size": side, "background": "red", "flip": False}
    config = gantools.api.configure("stargan", data="data", device="cpu", **shown, **framing)
    data = DomainImages(config, lambda *_: None)
    assert data.sheet()["image"].shape == (2, 3, side, side)
    assert not data.sheet()["image"].any()
    return data


def test_padded_pictures_move_over_their_background(elsewhere):
    data = black_on_red(elsewhere, 16, pad=3)
    places = set()
    for k in range(40):
        red, green, blue = data[k]["image"]
        assert green.max() == blue.max() == 0
        rows, columns = (int((red == 0).any(axis).sum()) for axis in (1, 0))
        assert rows >= 13
        assert columns >= 13
        places.add((rows, columns))
    assert len(places) > 5


def test_scaled_pictures_are_of_all_sizes_and_anywhere_and_the_same_for_a_seed(elsewhere):
    data = black_on_red(elsewhere, 32, min_scale=0.5)
    sides, corners = [], set()
    for k in range(60):
        red, green, blue = data[k]["image"]
        assert green.max() == blue.max() == 0
        rows, columns = (torch.nonzero((red == 0).any(axis)).flatten() for axis in (1, 0))
        assert len(rows) == len(columns)
        assert int((red == 0).sum()) == len(rows) ** 2
        sides.append(len(rows))
        corners.add((int(rows[0]), int(columns[0])))
        assert torch.equal(data[k]["image"], data[k]["image"])
    assert 16 <= min(sides) < 19
    assert 29 < max(sides) <= 32
    assert len(corners) > 30
