"""Text to image: captioned data, networks, truncation, losses, and generating by name, number and file."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import truncnorm
from typer.testing import CliRunner

import gantools
from gantools import GanToolsError
from gantools.api import configure
from gantools.cli.app import app
from gantools.data.captioned import CaptionImages
from gantools.inference.generation import Wish, file_names, wishes_for
from gantools.objectives.grammar import build_objective
from gantools.randomness import StepRandom
from gantools.task import Networks
from gantools_text2image.networks import Discriminator, Generator, WordAttention
from gantools_text2image.task import TextToImage, truncated
from tests.tiny_encoders import build_bert, build_clip

COLOURS = {"a red bird": (220, 30, 30), "a blue fish": (30, 30, 220)}
SMALL = {"size": 16, "load_size": 16, "width": 4, "noise": 3, "batch_size": 4, "device": "cpu", "threads": 1}


@pytest.fixture
def birds(elsewhere):
    """Pictures of one colour each with captions that say it, and a tiny encoder."""
    (elsewhere / "birds").mkdir()
    rows = []
    for i in range(8):
        text = list(COLOURS)[i % 2]
        Image.new("RGB", (16, 16), COLOURS[text]).save(elsewhere / "birds" / f"{i}.png")
        rows.append(json.dumps({"file_name": f"{i}.png", "text": text}))
    (elsewhere / "birds" / "metadata.jsonl").write_text("\n".join(rows))
    (elsewhere / "bert").mkdir()
    build_bert(elsewhere / "bert")
    return elsewhere


def settings(folder, **more):
    return {**SMALL, "data": folder / "birds", "text_encoder": str(folder / "bert"), **more}


def test_samples_pair_each_picture_with_its_words_and_with_those_of_another(birds):
    config = configure("text2image", **settings(birds))
    assert (config.text_dim, len(config.text_sha256)) == (16, 64)
    data = CaptionImages(config, lambda *_: None)
    sentences = {text: data.encoded.sentence[data._row[text]] for text in COLOURS}
    for k in range(6):
        sample = data[k]
        text = next(text for text, rgb in COLOURS.items() if sample["image"][:, 0, 0].tolist() == list(rgb))
        assert torch.equal(sample["sentence"], sentences[text])
        assert torch.equal(sample["other"], next(s for other, s in sentences.items() if other != text))
    with pytest.raises(GanToolsError, match="other weights than those that were trained with"):
        configure("text2image", **settings(birds, text_sha256="0" * 64, text_dim=None))


@pytest.mark.parametrize("limit", [0.7, 2.0])
def test_truncated_noise_has_the_truncated_distribution_and_keeps_its_order(limit):
    noise = torch.randn(4000, generator=torch.Generator().manual_seed(0))
    cut = truncated(noise, limit)
    u = torch.special.ndtr(noise.double()).numpy()
    np.testing.assert_allclose(cut.numpy(), truncnorm(-limit, limit).ppf(u), atol=1e-5)
    assert torch.equal(cut.argsort(), noise.argsort())


def test_the_critic_sees_real_pairs_generated_ones_and_real_pictures_with_other_words(birds):
    config = configure("text2image", **settings(birds, objective="hinge", size=16))
    task, objective = TextToImage(config), build_objective(config)
    nets = Networks(task.generators(), task.discriminators(objective.needs))
    data = CaptionImages(config, lambda *_: None)
    samples = [data[k] for k in range(4)]
    batch = {name: torch.stack([sample[name] for sample in samples]) for name in samples[0]}
    batch["image"] = batch["image"].float() / 127.5 - 1
    rng = StepRandom(0, "d", rows=slice(0, 4), total=4, device="cpu")
    out = task.forward(nets, batch, rng)
    losses = task.d_losses(nets, batch, out, objective, rng)
    real, fake, other = (
        nets["d"](image, words).score
        for image, words in (
            (batch["image"], batch["sentence"]), (out["fake"], batch["sentence"]), (batch["image"], batch["other"]),
        )
    )  # fmt: skip
    expected = (1 - real).relu().mean() + (1 + fake).relu().mean() / 2 + (1 + other).relu().mean() / 2
    torch.testing.assert_close(losses["adv"], expected)


def test_networks_follow_the_size_and_begin_without_words():
    words = torch.randn(2, 5), torch.randn(2, 7, 5), torch.ones(2, 7).bool()
    for size in (16, 64, 128):
        pictures = Generator(5, 3, size, 2, attention=True)(torch.randn(2, 3), *words)
        assert pictures.shape == (2, 3, size, size)
        assert Discriminator(5, size, 2)(pictures, words[0]).score.shape == (2, 1, 1, 1)
    attention = WordAttention(4, 5)
    places = torch.randn(2, 4, 3, 3)
    assert torch.equal(attention(places, *words[1:]), places)
    torch.nn.init.ones_(attention.scale)
    first_alone = torch.tensor([[True] + [False] * 6] * 2)
    seen = attention(places, words[1], first_alone) - places
    torch.testing.assert_close(seen, attention.words(words[1][:, 0])[:, :, None, None].expand_as(places))


def test_prompts_become_safe_and_different_names():
    assert file_names(wishes_for(["A red bird!", "../../etc/passwd", "日本の鳥", "?"], 1)) == [
        "a-red-bird.png", "etc-passwd.png", "日本の鳥.png", "picture.png",
    ]  # fmt: skip
    assert file_names(wishes_for(["x", "X."], 2)) == ["x-1.png", "x-2.png", "x-3.png", "x-4.png"]
    assert len(file_names([Wish("long " * 2000)])[0].encode()) < 100
    with pytest.raises(GanToolsError, match="prompt 2 is empty"):
        wishes_for(["a", " \x00\n"], 1)


def test_a_trained_one_generates_the_same_bytes_for_the_same_words(birds):
    run = gantools.train("text2image", quiet=True, **settings(birds, steps=2))
    assert gantools.load(run.folder).header.extra["text_encoder"]["pooling"] == "mean"
    command = [
        "generate",
        "a red bird",
        "a blue fish",
        "-n",
        "2",
        "--grid",
        "--seed",
        "5",
        "--weights",
        str(run.folder),
    ]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.stderr
    again = CliRunner().invoke(app, ["generate", "a red bird", "--seed", "5", "--weights", str(run.folder), "-o", "b"])
    assert again.exit_code == 0, again.stderr
    with Image.open("generated/a-red-bird-1.png") as one, Image.open("b/a-red-bird.png") as other:
        assert one.tobytes() == other.tobytes()
        assert one.text["prompt"] == "a red bird"
        assert one.text["seed"] == "5"
        assert len(one.text["weights"]) == 64
    with Image.open("generated/grid.png") as sheet:
        assert sheet.width > 2 * 128
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    assert "add --force" in refused.stderr


def test_a_way_between_two_prompts_changes_step_by_step(birds):
    run = gantools.train("text2image", quiet=True, **settings(birds, steps=1))
    way = ["generate", "--interpolate", "a red bird", "a blue fish", "--frames", "5", "--weights", str(run.folder)]
    result = CliRunner().invoke(app, way)
    assert result.exit_code == 0, result.stderr
    with Image.open("generated/a-red-bird-to-a-blue-fish.png") as strip:
        assert strip.size == (5 * 16, 16)
    assert CliRunner().invoke(app, [*way, "--gif"]).exit_code == 0
    three = CliRunner().invoke(app, [*way, "a third"])
    assert "goes between two prompts, and there are 3" in three.stderr


def test_a_prompt_that_is_too_long_is_told_of_once(birds, caplog):
    run = gantools.train("text2image", quiet=True, **settings(birds, steps=1, max_tokens=6))
    prompts = ["a red bird and the blue fish", "the red fish and a bird", "a fish"]
    result = CliRunner().invoke(app, ["generate", *prompts, "-n", "9", "--weights", str(run.folder)])
    assert result.exit_code == 0, result.stderr
    said = "only the first 6 of the 9 tokens of `a red bird and the blue fish…` are read, 4 of its 7 words; "
    assert caplog.messages.count(said + "what follows changes nothing, and so it is with 1 more") == 1
    caplog.clear()
    CliRunner().invoke(app, ["generate", "a fish", "--weights", str(run.folder), "--force"])
    assert not caplog.messages


def test_clips_text_side_can_be_trained_with(birds):
    folder, *_ = build_clip(birds / "clip")
    run = gantools.train("text2image", quiet=True, **settings(birds, steps=1, text_encoder=str(folder), attention=True))
    assert gantools.load(run.folder).header.extra["text_encoder"]["pooling"] == "eos"
    assert len(gantools.load(run.folder).generate("a red bird", n=3)) == 3
    (folder / "config.json").rename(folder / "gone.json")
    with pytest.raises(GanToolsError, match=r"has no config.json"):
        gantools.load(run.folder).generate("a red bird")
