"""Tiny random text encoders, written into a folder as transformers saves them."""

import json

import torch

WORDS = ["a", "the", "red", "blue", "bird", "fish", "and"]


def build_bert(folder):
    """Write a BERT that knows `WORDS`, and return the folder."""
    from transformers import BertConfig, BertModel

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    write(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "model_max_length": 64})
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32,
        max_position_embeddings=64, pad_token_id=0, initializer_range=0.5,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def build_clip(folder, kind="CLIPTextModel"):
    """Write a CLIP, all of it or its text side; return the folder, the text tower, and the vocabulary."""
    import transformers

    folder.mkdir()
    symbols = ["<|startoftext|>", "<|endoftext|>"]
    letters = sorted(set("".join(WORDS)))
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), "re", "red</w>"]
    write(folder / "vocab.json", {piece: i for i, piece in enumerate([*pieces, *symbols])})
    (folder / "merges.txt").write_text("#version: 0.2\nr e\nre d</w>\n")
    names = {"bos_token": symbols[0], "eos_token": symbols[1], "unk_token": symbols[1], "pad_token": symbols[1]}
    write(folder / "tokenizer_config.json", {"tokenizer_class": "CLIPTokenizer", "model_max_length": 48, **names})
    end = len(pieces) + 1
    text = {
        "vocab_size": end + 1, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 32, "max_position_embeddings": 48, "projection_dim": 8, "bos_token_id": end - 1,
        "eos_token_id": end, "pad_token_id": end, "initializer_factor": 5.0,
    }  # fmt: skip
    seen = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
            "image_size": 16, "patch_size": 8}  # fmt: skip
    config = (
        transformers.CLIPConfig(text_config=text, vision_config=seen, projection_dim=8)
        if kind == "CLIPModel"
        else transformers.CLIPTextConfig(**text)
    )
    torch.manual_seed(0)
    model = getattr(transformers, kind)(config).eval()
    model.save_pretrained(folder)
    return folder, getattr(model, "text_model", model), [*pieces, *symbols]


def write(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
