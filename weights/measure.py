"""Measure shipped weights with `gantools evaluate`, and put the figures into weights/index.json and the file's header.

python weights/measure.py emoji-colour --a emoji/test/outline --b emoji/test/openmoji
python weights/measure.py emoji-colour --check-only

Everything after the name goes to `gantools evaluate`; index.json keeps it, so that the figures can be made again. What
the weights make of the few example pictures is recorded too, for `gantools weights verify`.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from gantools.inference.verification import check
from gantools.storage import read_tensors
from gantools.weights.find import find_weights
from gantools.weights.header import read_header, save_weights

HERE = Path(__file__).parent
EXAMPLES = {
    "pix2pix": {"a": "test/outline", "b": "test/openmoji"},
    "cyclegan": {"a": "test/noto", "b": "test/fluent3d"},
    "stargan": {"data": ["test"], "select": ["fluent3d,noto,openmoji"]},
    "text2image": {"data": "words"},
}


def main() -> None:
    """Evaluate NAME and record what comes out."""
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    name, *flags = sys.argv[1:]
    if flags == ["--check-only"]:
        record(name, {})
        return
    command = ["gantools", "evaluate", name, *flags]
    done = subprocess.run([*command, "--json"], check=True, stdout=subprocess.PIPE, text=True)
    metrics = json.loads(done.stdout)["rows"]
    path = HERE / f"{name}.safetensors"
    save_weights(path, read_tensors(path), read_header(path).model_copy(update={"metrics": metrics}))
    digest = sha256(path.read_bytes()).hexdigest()
    record(name, {"sha256": digest, "metrics": metrics, "evaluate": shlex.join(command)})


def record(name: str, entries: dict[str, Any]) -> None:
    """Put entries into index.json, and what the weights make of the examples."""
    index_path = HERE / "index.json"
    index = json.loads(index_path.read_text())
    data = EXAMPLES[index["weights"][name]["task"]]
    entries["check"] = {"data": data, "metrics": check(find_weights(HERE / f"{name}.safetensors"), data)}
    index["weights"][name] |= entries
    index_path.write_text(json.dumps(index, indent=2) + "\n")


if __name__ == "__main__":
    main()
