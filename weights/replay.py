"""Train shipped weights anew for their first 200 steps, by the recorded command, and compare with the recorded log.

python weights/replay.py emoji-colour            # in the folder that holds the data, see weights/README.md
python weights/replay.py emoji-colour --record   # keep what comes out instead
"""

from __future__ import annotations

import argparse
import json
import platform
import shlex
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from gantools.training.log import read_log

HERE = Path(__file__).parent
STEPS = 200
TIMES = {"seconds", "images_per_second"}
Row = dict[str, Any]


def main() -> None:
    """Replay one file's training, and say where it differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--record", action="store_true", help="write the log instead of comparing")
    options = parser.parse_args()
    command = json.loads((HERE / "index.json").read_text())["weights"][options.name]["command"]
    with tempfile.TemporaryDirectory() as folder:
        rows = first_rows(shlex.split(command), Path(folder) / "run")
    if options.record:
        write_log(options.name, [{"machine": machine()}, *rows])
        return
    first, *recorded = map(json.loads, log_path(options.name).read_text().splitlines())
    if rows == recorded:
        print(f"{options.name}: {len(rows)} rows up to step {STEPS}, equal to the last digit")
        return
    print(f"{options.name}: recorded on {first['machine']}; this is {machine()}. Largest difference, as a share of the")
    print("largest value of that column:")
    for old, new in zip(recorded, rows, strict=True):
        name, share = worst(old, new, recorded)
        print(f"    step {old['step']}: {share:.1%} ({name})")
    raise SystemExit(1)


def first_rows(command: list[str], run: Path) -> list[Row]:
    """Run a training command until it has logged 200 steps, stop it, and return its rows without the times."""
    log, said = run / "log.jsonl", run.with_name("said")
    with said.open("w") as out, subprocess.Popen([*command, "-o", str(run)], stdout=out, stderr=out) as training:
        while training.poll() is None and last_step(log) < STEPS:
            time.sleep(1)
        training.send_signal(signal.SIGINT)
    if last_step(log) < STEPS:
        raise SystemExit(f"{said.read_text()}the training ended at step {last_step(log)}: nothing to compare")
    return [row for row in map(without_times, read_log(log)) if row["step"] <= STEPS]


def last_step(log: Path) -> int:
    """Return the last step in a log that is being written; 0 before there is one."""
    rows = read_log(log) if log.exists() else []
    return rows[-1]["step"] if rows else 0


def without_times(row: Row) -> Row:
    """Return a row without what differs from one machine to the next."""
    return {name: value for name, value in row.items() if name not in TIMES}


def worst(old: Row, new: Row, rows: list[Row]) -> tuple[str, float]:
    """Return the column in which two rows differ most, and by which share of its largest value."""
    shares = {name: abs(old[name] - new[name]) / (max(abs(row.get(name, 0)) for row in rows) or 1) for name in old}
    name = max(shares, key=shares.__getitem__)
    return name, shares[name]


def machine() -> str:
    """Return what the last digits depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    model = facts.get("model name", platform.machine())
    if "cpu family" in facts:  # of two processors of one name, one may know bfloat16 and the other not
        model += f", family {facts['cpu family']} model {facts['model']}"
    return f"{model}, {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}"


def log_path(name: str) -> Path:
    """Return where the first rows of a file's training are kept."""
    return HERE / "logs" / f"{name}.jsonl"


def write_log(name: str, rows: list[Row]) -> None:
    """Keep the first rows of a training."""
    path = log_path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
