"""Measure shipped weights with `gantools evaluate`, and put the figures into weights/index.json and the file's header.

python weights/measure.py emoji-colour --a emoji/test/outline --b emoji/test/openmoji

Everything after the name goes to `gantools evaluate`; index.json keeps it, so that the figures can be made again.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from gantools.weights.files import read_tensors
from gantools.weights.header import read_header, save_weights

HERE = Path(__file__).parent


def main() -> None:
    """Evaluate NAME and record what comes out."""
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    name, *flags = sys.argv[1:]
    command = ["gantools", "evaluate", name, *flags]
    done = subprocess.run([*command, "--json"], check=True, stdout=subprocess.PIPE, text=True)
    metrics = json.loads(done.stdout)["rows"]
    path = HERE / f"{name}.safetensors"
    save_weights(path, read_tensors(path), read_header(path).model_copy(update={"metrics": metrics}))
    index_path = HERE / "index.json"
    index = json.loads(index_path.read_text())
    index["weights"][name] |= {
        "sha256": sha256(path.read_bytes()).hexdigest(),
        "metrics": metrics,
        "evaluate": shlex.join(command),
    }
    index_path.write_text(json.dumps(index, indent=2) + "\n")


if __name__ == "__main__":
    main()
