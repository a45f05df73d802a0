"""Real processes, killed with SIGKILL at random moments and resumed: the same bytes as a run that nobody touched.

``pytest -n 0 -m slow -s tests/training/test_kills.py`` prints what each case has survived.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from gantools.training.checkpoint import list_checkpoints, newest_checkpoint
from gantools.training.log import read_log
from tests.conftest import EXAMPLES
from tests.training.test_processes import captioned, same

KILLS = 5
SHORT = (
    "--size 16 --load-size 16 --width 4 --batch-size 4 --steps 100 --checkpoint-every 4 --sample-every 50 --device cpu"
)
EMOJI = f"cyclegan --a {EXAMPLES}/noto --b {EXAMPLES}/fluent3d --blocks 1 --d-layers 1 --pool-size 6 {SHORT}"
PAIRS = f"pix2pix --a {EXAMPLES}/outline --b {EXAMPLES}/openmoji --d-layers 1 {SHORT}"
STARS = f"stargan --data {EXAMPLES} --select noto,twemoji --blocks 1 {SHORT}"
WORDS = f"text2image --data birds --text-encoder bert --noise 3 {SHORT}"
PLANE = "toy --width 16 --batch-size 32 --steps 1000 --checkpoint-every 20 --device cpu"
EVALUATED = f"--eval-every 40 --eval-data {EXAMPLES}/test/noto --eval-data {EXAMPLES}/test/fluent3d --eval-metrics kid"
COMPARED = (
    f"--eval-every 40 --eval-data {EXAMPLES}/test/outline --eval-data {EXAMPLES}/test/openmoji --eval-metrics l1 "
    "--best-metric l1"
)
CASES = {
    "cyclegan, pool, augmented, evaluated": f"{EMOJI} --augment color,translation,cutout {EVALUATED}",
    "cyclegan, wgan-gp, n_critic 2, a worker": f"{EMOJI} --objective wgan-gp --n-critic 2 --workers 1 --cache-mb 0",
    "cyclegan, bf16, spectral norm": f"{EMOJI} --objective hinge --spectral-norm --precision bf16",
    "cyclegan, accumulated, two processes": f"{EMOJI} --accumulate 2 --devices 2",
    "pix2pix, batch norm, dropout, evaluated": f"{PAIRS} {COMPARED}",
    "pix2pix, r1 every 2, bf16, augmented": f"{PAIRS} --penalty r1:every=2 --precision bf16 --augment color",
    "pix2pix, dropout, evaluated, two processes": f"{PAIRS} {COMPARED} --devices 2",
    "stargan, wgan-gp, n_critic 2": f"{STARS} --objective wgan-gp --n-critic 2",
    "stargan, wgan-gp, n_critic 2, two processes": f"{STARS} --objective wgan-gp --n-critic 2 --devices 2",
    "stargan, hinge, augmented, bf16": f"{STARS} --objective hinge --augment color,cutout --precision bf16",
    "text2image, df-gan": WORDS,
    "text2image, n_critic 2, augmented, bf16": f"{WORDS} --n-critic 2 --augment color,translation --precision bf16",
    "text2image, df-gan, two processes": f"{WORDS} --devices 2",
    "toy, wgan-gp, n_critic 3": f"{PLANE} --objective wgan-gp --n-critic 3",
    "toy, historical averaging, two processes": f"{PLANE} --constraint historical-averaging --devices 2",
}


def start(words):
    command = [sys.executable, "-m", "gantools", *words.split(), "--quiet"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)


def finish(words):
    """Let a command end by itself; return how long it took."""
    began = time.monotonic()
    with start(words) as process:
        said = process.stderr.read()
    assert process.returncode == 0, said
    return time.monotonic() - began


def kill_after(words, seconds):
    """Run a command and kill its first process after some seconds; say whether it was still at work."""
    with start(words) as process:
        time.sleep(seconds)
        process.kill()
        said = process.stderr.read()
    assert process.returncode in {0, -signal.SIGKILL}, said
    return process.returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_killed_again_and_again_it_ends_with_the_same_bytes(case, elsewhere):
    words = CASES[case]
    if "birds" in words:
        captioned(elsewhere)
    seconds = finish(f"train {words} --out whole")
    draw, killed, reached = random.Random(case), 0, []
    again = f"train {words} --out broken"
    while killed < KILLS and kill_after(again, draw.uniform(0.1, 0.5) * seconds):
        killed += 1
        wait_for_the_others()
        if Path("broken/config.yaml").exists():
            again = "resume broken"
        found = list_checkpoints(Path("broken/checkpoints"))
        reached.append(int(found[-1].stem.removeprefix("step-")) if found else 0)
    if killed == KILLS:
        finish(again)
    print(f"{case}: {killed} kills survived, at checkpoints {reached}; unbroken {seconds:.0f} s")  # noqa: T201
    assert killed >= 2
    assert_equal()


def assert_equal():
    """Weights, optimizers, averages, pool and the best weights are the same, and the log has every step once."""
    states = [newest_checkpoint(Path(name, "checkpoints")) for name in ("whole", "broken")]
    assert [name for name in states[0] if name != "seconds" and not same(states[0][name], states[1][name])] == []
    for name in ("weights", "weights-best"):
        whole, broken = (Path(run, f"{name}.safetensors") for run in ("whole", "broken"))
        assert whole.exists() == broken.exists()
        assert not whole.exists() or whole.read_bytes() == broken.read_bytes()
    logs = [read_log(Path(name, "log.jsonl")) for name in ("whole", "broken")]
    assert timeless(logs[0]) == timeless(logs[1])
    assert max(Counter((row["step"], "seconds" in row) for row in logs[1]).values()) == 1
    assert not list(Path("broken").rglob("*.tmp"))


def timeless(rows):
    return [
        {name: value for name, value in row.items() if name not in {"seconds", "images_per_second"}} for row in rows
    ]


def wait_for_the_others():
    """Wait until the processes that the killed one has started are gone: at most a minute."""
    here, deadline = str(Path.cwd()), time.monotonic() + 60
    while any(is_in(process, here) for process in Path("/proc").glob("[0-9]*")):
        assert time.monotonic() < deadline, "processes are left over"
        time.sleep(0.1)


def is_in(process, folder):
    """Whether another process than this one works in a folder."""
    try:
        return os.readlink(process / "cwd") == folder and process.name != str(os.getpid())
    except OSError:
        return False
