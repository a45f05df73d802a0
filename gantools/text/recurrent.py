"""The text encoder of AttnGAN and DF-GAN: a bidirectional LSTM with a vocabulary of its own (Xu et al. 2018, DAMSM)."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gantools.errors import GanToolsError
from gantools.text.encoder import Encoded, TextEncoder

if TYPE_CHECKING:
    from torch import Tensor, nn

KIND = "gantools-bilstm"
WORDS_READ = 18
_NAMES = [
    f"rnn.{part}_l0{way}" for way in ("", "_reverse") for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
]
_WORD = re.compile(r"\w+")


class RecurrentEncoder(TextEncoder):
    """Reads the words that are in its vocabulary, and no others; a sentence is what is left at both ends."""

    @property
    def dim(self) -> int:
        """Length D of the vectors."""
        return int(2 * self._tensors["rnn.weight_hh_l0"].shape[1])

    def cut_short(self, captions: Sequence[str]) -> str:
        """Say which words are not in the vocabulary, and how much is read of captions that are too long."""
        known = self._places
        strange = list(dict.fromkeys(word for caption in captions for word in words_of(caption) if word not in known))
        unknown = f"not in the vocabulary, and left out: {', '.join(strange[:10])}" if strange else ""
        return "; ".join(filter(None, (unknown, super().cut_short(captions))))

    @cached_property
    def _places(self) -> dict[str, int]:
        words = json.loads((self.folder / "config.json").read_text(encoding="utf-8")).get("vocabulary", [])
        return {word: place for place, word in enumerate(words)}

    @cached_property
    def _tensors(self) -> dict[str, Tensor]:
        from safetensors.torch import load_file

        return load_file(self.folder / "model.safetensors")

    @cached_property
    def _layers(self) -> tuple[Tensor, nn.LSTM]:
        from torch import nn

        words = self._tensors["encoder.weight"]
        network = nn.LSTM(words.shape[1], self.dim // 2, batch_first=True, bidirectional=True)
        network.load_state_dict({name.removeprefix("rnn."): self._tensors[name] for name in _NAMES})
        return words.to(self.device), network.eval().requires_grad_(False).to(self.device)

    def _lengths(self, captions: Sequence[str]) -> list[int]:
        return [len(self._ids(caption)) for caption in captions]

    def _ids(self, caption: str) -> list[int]:
        return [self._places[word] for word in words_of(caption) if word in self._places]

    def _run(self, captions: list[str], length: int) -> Encoded:
        """Encode captions one by one."""
        import torch

        words, network = self._layers
        tokens = torch.zeros(len(captions), length, self.dim)
        sentence, mask = tokens[:, 0].clone(), torch.zeros(len(captions), length, dtype=torch.bool)
        for row, caption in enumerate(captions):
            ids = self._ids(caption)[:length]
            if not ids:
                raise GanToolsError(
                    f"no word of `{caption[:40]}` is in the vocabulary of {self.name}",
                    f"it knows words such as {', '.join(list(self._places)[1:6])}",
                )
            with torch.no_grad():
                states, (ends, _) = network(words[torch.tensor([ids], device=self.device)])
            tokens[row, : len(ids)], mask[row, : len(ids)] = states[0].cpu(), True
            sentence[row] = ends[:, 0].flatten().cpu()  # what is left at the end, and at the beginning
        return Encoded(sentence, tokens, mask)


def words_of(caption: str) -> list[str]:
    """Return the words of a caption as the encoder's authors take them apart: small letters, ASCII alone."""
    words = (word.encode("ascii", "ignore").decode() for word in _WORD.findall(caption.lower()))
    return [word for word in words if word]


def write_encoder(folder: Path, tensors: Mapping[str, Tensor], vocabulary: Sequence[str], force: bool = False) -> None:
    """Write an encoder where `load_encoder` finds it; GanToolsError if the tensors are not those of one."""
    from safetensors.torch import save_file

    _check(tensors, vocabulary)
    if folder.exists():
        if not force or not (folder / "model.safetensors").is_file():
            raise GanToolsError(f"{folder} exists", "choose another name with -o, or replace it with --force")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    kept = {name: tensors[name].float().contiguous().clone() for name in ("encoder.weight", *_NAMES)}
    save_file(kept, folder / "model.safetensors")
    config: dict[str, Any] = {"model_type": KIND, "vocabulary": list(vocabulary)}
    (folder / "config.json").write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")


def _check(tensors: Mapping[str, Tensor], vocabulary: Sequence[str]) -> None:
    words, inner = tensors.get("encoder.weight"), tensors.get("rnn.weight_hh_l0")
    if words is None or inner is None or words.dim() != 2 or inner.dim() != 2 or len(words) != len(vocabulary):
        rows = "" if words is None else f"; it knows {len(words)} words, the vocabulary {len(vocabulary)}"
        raise GanToolsError(
            f"this is no text encoder with this vocabulary{rows}", "give text_encoder*.pth and captions_DAMSM.pickle"
        )
    gates, hidden = inner.shape
    shapes = {
        "weight_ih": (gates, words.shape[1]),
        "weight_hh": (gates, hidden),
        "bias_ih": (gates,),
        "bias_hh": (gates,),
    }
    for name in _NAMES:
        shape = shapes[name.removeprefix("rnn.").partition("_l0")[0]]
        if gates != 4 * hidden or name not in tensors or tuple(tensors[name].shape) != shape:
            raise GanToolsError(
                f"`{name}` is missing, or not that of an LSTM", "text encoders with an LSTM can be read"
            )
