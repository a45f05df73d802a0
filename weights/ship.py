"""Turn a run into a shipped weights file: fp16, with licence and metrics in its header and a row in index.json.

python weights/ship.py RUN emoji-colour --licence "CC BY-SA 4.0" --source "OpenMoji 17.0.0" --demo test/outline …

Then `python weights/measure.py emoji-colour …` records how good it is.
"""

from __future__ import annotations

import argparse
import json
import shlex
from hashlib import sha256
from pathlib import Path

import torch

from gantools.plugins import manager
from gantools.storage import read_tensors
from gantools.training.log import read_log
from gantools.weights.header import read_header, save_weights

HERE = Path(__file__).parent


def main() -> None:
    """Write weights/NAME.safetensors and its row in weights/index.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--licence", required=True, help="of the weights, as the training data demands it")
    parser.add_argument("--source", required=True, help="what the training pictures are")
    parser.add_argument("--demo", required=True, help="folder under examples/ to translate, or prompts to paint: A;B;C")
    parser.add_argument("--machine", required=True)
    parser.add_argument("--continued", help="how it went on after the command in index.json, if it did")
    parser.add_argument(
        "--before", nargs=2, type=float, default=(0, 0), metavar=("STEPS", "HOURS"), help="of runs that it began with"
    )
    parser.add_argument(
        "--mean-with",
        nargs=2,
        action="append",
        default=[],
        metavar=("FILE", "SHARE"),
        help="ship the mean of the run's weights, whose share is 1, and these",
    )
    parser.add_argument("--detail", action="store_true", help="keep the lines of larger pictures, see pix2pix --detail")
    options = parser.parse_args()
    target = HERE / f"{options.name}.safetensors"
    tensors = read_tensors(options.run / "weights.safetensors")
    whole = 1.0
    for place, share in ((Path(file), float(share)) for file, share in options.mean_with):
        if _kind(place) != _kind(options.run / "weights.safetensors"):
            raise SystemExit(f"{place} has other weights than {options.run}")
        others = read_tensors(place)  # weights of one origin lie in one valley (Wortsman et al. 2022)
        whole += share
        tensors = {name: tensor + share / whole * (others[name] - tensor) for name, tensor in tensors.items()}
    header = read_header(options.run / "weights.safetensors")
    config = header.config | ({"detail": True} if options.detail else {})
    steps, hours = header.step + int(options.before[0]), options.before[1]
    header = header.model_copy(update={"licence": options.licence, "metrics": {}, "config": config, "step": steps})
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
    if not all(torch.isfinite(tensor).all() for tensor in half.values()):
        raise SystemExit("a weight does not fit into fp16")
    save_weights(target, half, header)
    index_path = HERE / "index.json"
    index = json.loads(index_path.read_text()) if index_path.exists() else {"default": {}, "weights": {}}
    index["weights"][options.name] = {
        "file": target.name,
        "sha256": sha256(target.read_bytes()).hexdigest(),
        "task": header.task,
        "data": options.source,
        "licence": options.licence,
        "command": without_out((options.run / "command.txt").read_text().strip()),
        **({"continued": options.continued} if options.continued else {}),
        "seed": header.config["seed"],
        "steps": header.step,
        "hours": round(hours + read_log(options.run / "log.jsonl")[-1]["seconds"] / 3600, 2),
        "machine": options.machine,
        "metrics": {},
        "demo": options.demo,
    }
    for capability in manager().tasks.get(header.task).capabilities:
        index["default"].setdefault(capability, options.name)
    index_path.write_text(json.dumps(index, indent=2) + "\n")
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


def without_out(command: str) -> str:
    """Return a command without its run folder, which is nobody else's business."""
    words = shlex.split(command)
    for flag in ("-o", "--out"):
        if flag in words:
            place = words.index(flag)
            del words[place : place + 2]
    return shlex.join(words)


def _kind(path: Path) -> tuple[list[str], dict[str, torch.Size]]:
    """Return what two files must have in common: domains, and the shapes of their weights."""
    return read_header(path).domains, {name: tensor.shape for name, tensor in read_tensors(path).items()}


if __name__ == "__main__":
    main()
