"""DF-GAN's generator, critics and text encoder: imported, they paint and judge as they did before."""

import os
import pickle
from pathlib import Path

import pytest
import torch

import gantools
from gantools import GanToolsError
from gantools.interchange import Wishes
from gantools.text.encoder import load_encoder
from gantools.training.checkpoint import newest_checkpoint
from gantools.weights.header import read_header, read_networks
from gantools.weights.importing import import_weights
from gantools_text2image.networks import Discriminator
from tests.conftest import EXAMPLES
from tests.unit.foreign import Painter, PairJudge, PictureJudge, Reader, drawn

OUT = Path("birds.safetensors")
WORDS = ["<end>", "a", "red", "blue", "bird", "with", "wings"]
FILES = {"encoder": "text_encoder200.pth"}


@pytest.fixture
def networks():
    """DF-GAN's files, in the current folder, and what is in them."""
    painter, reader = drawn(Painter()), drawn(Reader(len(WORDS)))
    save(painter, drawn(PictureJudge(6)), drawn(PairJudge(6)))
    torch.save(reader.state_dict(), FILES["encoder"])
    numbered = dict(enumerate(WORDS))
    save_vocabulary([[[1, 2]], [[1, 3]], numbered, {word: number for number, word in numbered.items()}])
    return painter, reader


def save(painter, sees, reads):
    model = {"netG": painter.state_dict(), "netD": sees.state_dict(), "netC": reads.state_dict()}
    optimizers = {"optimizer_G": {"state": {0: {"step": torch.ones(1)}}, "param_groups": [{"lr": 1e-4}]}}
    torch.save({"model": model, "optimizers": optimizers, "epoch": 970}, "state_epoch_970.pth")


def save_vocabulary(content):
    Path("captions.pickle").write_bytes(pickle.dumps(content, protocol=2))


def taken(**changes):
    given = {**FILES, **changes}
    import_weights(Path("state_epoch_970.pth"), OUT, Wishes(**given), vocabulary=Path("captions.pickle"), force=True)
    return gantools.load(OUT, "cpu")


def refuse(**changes):
    with pytest.raises(GanToolsError) as caught:
        taken(**changes)
    assert caught.value.hint
    return caught.value.message


@torch.no_grad()
def test_prompts_are_painted_as_before(networks):
    painter, reader = networks
    model = taken()
    config = model.task.config
    assert (model.header.task, config.size, config.noise, config.d_width) == ("text2image", 256, 7, 6)
    words = model.task.encode(["A red bird, with blue wings!", "a bird"])
    sentences = torch.cat([reader([1, 2, 4, 5, 3, 6]), reader([1, 4])])
    torch.testing.assert_close(words["sentence"], sentences, atol=1e-6, rtol=0)
    noise = torch.randn(2, 7)
    expected = painter(noise, sentences)
    assert expected.std() > 0.05
    painted = model.task.generate(model.networks, {"noise": noise, **words}, model.options({}))
    torch.testing.assert_close(painted, expected, atol=1e-4, rtol=0)
    (picture,) = model.generate("a red bird")
    assert picture.size == (256, 256)


@torch.no_grad()
def judged(tensors, size, width):
    """Return what ours, filled with tensors, and a picture and sentences for it to judge."""
    critic = Discriminator(8, size, width)
    critic.load_state_dict({name.removeprefix("d."): value for name, value in tensors.items()})
    image, sentence = torch.rand(3, 3, size, size) * 2 - 1, torch.randn(3, 8)
    return critic(image, sentence).score, image, sentence


@pytest.mark.parametrize(("blocks", "width"), [(6, 6), (4, 3)])
def test_critics_judge_as_they_did(networks, blocks, width):
    sees, reads = drawn(PictureJudge(width, blocks)), drawn(PairJudge(width))
    save(drawn(Painter(blocks=blocks)), sees, reads)
    taken()
    score, image, sentence = judged(read_networks(OUT)[1], 4 * 2**blocks, width)
    with torch.no_grad():
        expected = reads(sees(image), sentence)
    assert expected.std() > 0.05
    torch.testing.assert_close(score, expected, atol=1e-4, rtol=1e-5)
    assert read_header(OUT).extra["imported"]["discriminators"] == ["d"]


def test_critics_that_were_changed_are_left_out(networks):
    for sees, reads in ((PictureJudge(6, 5), PairJudge(6)), (PictureJudge(6), PairJudge(4))):
        save(networks[0], sees, reads)
        taken()
        assert read_networks(OUT)[1] == {}


def test_training_goes_on_with_the_critics_and_the_encoder(networks, capsys):
    save(drawn(Painter(blocks=3)), drawn(PictureJudge(6, 3)), drawn(PairJudge(6)))
    taken()
    Path("words").mkdir()
    for path, text in zip(sorted((EXAMPLES / "noto").glob("*.png")), ["a red bird", "wings"] * 5, strict=False):
        Path("words", path.name).write_bytes(path.read_bytes())
        Path("words", f"{path.stem}.txt").write_text(text)
    still = {"lr_g": 1e-12, "lr_d": 1e-12, "steps": 1, "batch_size": 2, "device": "cpu"}
    gantools.train("text2image", data="words", init=OUT, out="on", **still)
    assert "from birds (step 0) with its discriminators," in capsys.readouterr().err.replace("\n", " ")
    nets = newest_checkpoint(Path("on/checkpoints"))["updates"]["nets"]
    for name, tensor in read_networks(OUT)[1].items():
        torch.testing.assert_close(nets[f"discriminators.{name}"], tensor, atol=1e-6, rtol=0)
    config = read_header(Path("on/weights.safetensors")).config
    assert (config["size"], config["d_width"], config["generator"]) == (32, 6, "df-gan")


def test_words_that_are_not_known_and_captions_that_are_too_long(networks, caplog):
    model = taken()
    caplog.set_level("WARNING", "gantools")
    assert model.task.encode(["a green bird"])["sentence"].equal(model.task.encode(["a bird"])["sentence"])
    with pytest.raises(GanToolsError, match="no word of `green fish` is in the vocabulary"):
        model.task.encode(["green fish"])
    encoder = load_encoder("birds-encoder", max_tokens=18)
    assert encoder.cut_short(["a green bird"]) == "not in the vocabulary, and left out: green"
    assert "only the first 18 of the 20 tokens" in encoder.cut_short(["bird " * 20])
    long = encoder.encode(["bird " * 20])
    assert long.mask.all()
    assert long.sentence.equal(encoder.encode(["bird " * 18]).sentence)
    alone = encoder.encode(["a bird"])
    among = encoder.encode(["a red bird with blue wings", "a bird", "red"])
    assert alone.sentence[0].equal(among.sentence[1])


def test_what_does_not_belong_together_is_refused(networks):
    assert "paints what its own text encoder says" in _without()
    assert "does not say which words it knows" in _without(**FILES)
    torch.save(Reader(len(WORDS), hidden=5).state_dict(), "other.pth")
    assert "sentences of 8 numbers, and the text encoder gives 10" in refuse(encoder="other.pth")
    torch.save(torch.nn.GRU(3, 4).state_dict(), "gru.pth")
    assert "no text encoder" in refuse(encoder="gru.pth")
    save_vocabulary([[], [], {0: "<end>", 1: "a"}, {}])
    assert "it knows 7 words, the vocabulary 2" in refuse()
    for content in ([], {"a": 1}, [1, 2, 3], [[], [], {1: "a"}]):
        save_vocabulary(content)
        assert "holds no vocabulary" in refuse()


def _without(**wishes):
    with pytest.raises(GanToolsError) as caught:
        import_weights(Path("state_epoch_970.pth"), OUT, Wishes(**wishes))
    return caught.value.message


class Touch:
    def __reduce__(self):
        return os.system, ("touch created",)


def test_a_vocabulary_that_would_run_a_program_does_not(networks):
    save_vocabulary([Touch(), [], {0: "a"}])
    assert "it asks for posix.system" in refuse()
    Path("captions.pickle").write_bytes(Path("captions.pickle").read_bytes()[:9])
    assert "no pickle of plain values" in refuse()
    assert not Path("created").exists()
    Path("captions.pickle").write_bytes(b"\x80\x02K\x01r\xff\xff\xff\x7f.")  # pickle in C would take 34 GB: by fuzzing
    assert "holds no vocabulary" in refuse()
    Path("captions.pickle").write_bytes(b"\x96" + (1 << 33).to_bytes(8, "little"))  # a bytearray of 8 GB, in nine bytes
    assert "no pickle of plain values" in refuse()
