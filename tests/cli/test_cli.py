"""The command line as a user types it."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from typer.testing import CliRunner

from gantools.cli.app import app
from gantools.training.log import read_log
from tests.conftest import EXAMPLES

SMALL = "--size 32 --width 4 --blocks 1 --d-layers 2 --batch-size 2 --steps 2 --device cpu"
README = Path(__file__).parent.parent.parent / "README.md"


def gantools(command: str):
    return CliRunner().invoke(app, shlex.split(command))


def train(more: str = ""):
    return gantools(f"train cyclegan --a {EXAMPLES}/noto --b {EXAMPLES}/fluent3d {SMALL} {more}")


def test_train_then_translate_then_resume() -> None:
    result = train("--sample-every 1 --checkpoint-every 1")
    assert result.exit_code == 0, result.stderr
    assert "gantools translate PICTURE --weights runs/cyclegan/1" in result.stderr
    run = Path("runs/cyclegan/1")
    names = ["command.txt", "config.yaml", "curves.png", "log.jsonl", "samples/step-000002.png", "weights.safetensors"]
    assert all((run / name).is_file() for name in names)
    rows = read_log(run / "log.jsonl")
    assert {"step", "seconds", "images_per_second", "d/adv_a", "g/cycle_b", "d/accuracy"} <= rows[-1].keys()

    Image.new("RGB", (37, 53), "teal").save("photo.png")
    result = gantools("translate photo.png")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.strip() == "translated/photo.png"
    assert "using runs/cyclegan/1" in result.stderr
    with Image.open("translated/photo.png") as image:
        assert image.size == (37, 53)

    result = gantools("resume runs/cyclegan/1")
    assert result.exit_code == 1
    assert "is finished" in result.stderr
    assert gantools("resume runs/cyclegan/1 --steps 1").exit_code == 0
    assert read_log(run / "log.jsonl")[-1]["step"] == 3

    listed = json.loads(gantools("weights list --json").stdout)
    assert [(item["name"], item["task"], item["step"], item["size"]) for item in listed] == [
        ("runs/cyclegan/1", "cyclegan", 3, 32)
    ]
    shown = json.loads(gantools("weights show runs/cyclegan/1 --json").stdout)
    assert shown["data"]["domains"] == ["noto", "fluent3d"]
    assert str(EXAMPLES) not in json.dumps(shown)  # nobody's folders travel with the weights


@pytest.mark.parametrize(
    "objective", ["--objective wgan-gp", "--objective hinge --spectral-norm", "--objective nonsaturating --penalty r1"]
)
def test_objectives_train(objective: str) -> None:
    result = train(f"{objective} --quiet")
    assert result.exit_code == 0, result.stderr
    assert result.stderr.startswith("finished at step 2")


def test_some_bad_pictures_do_not_stop_the_rest() -> None:
    train("--quiet")
    Path("photos/deep").mkdir(parents=True)
    Image.new("RGB", (20, 20)).save("photos/deep/good.png")
    Path("photos/bad.png").write_text("no picture")
    result = gantools("translate photos -o out")
    assert result.exit_code == 3
    assert "photos/bad.png is not a picture" in result.stderr
    assert Path("out/deep/good.png").is_file()


def test_flags_override_a_file_which_overrides_the_recipe() -> None:
    Path("settings.yaml").write_text("objective: wgan-gp\nn-critic: 3\nlr_g: 0.5\n")
    result = train("--config settings.yaml --lr-g 0.25 --dry-run")
    settings = yaml.safe_load(result.stdout)
    assert (settings["n_critic"], settings["lr_g"], settings["lr_d"], settings["betas"]) == (3, 0.25, 1e-4, [0.0, 0.9])
    assert not Path("runs").exists()


BAD = {
    "train cyclgan": (2, "Did you mean 'cyclegan'?"),
    "train cyclegan --objectve lsgan": (2, "--objective"),
    "train cyclegan --steps many": (2, "valid integer"),
    "train cyclegan": (1, "--a and --b missing"),
    "train cyclegan --a nowhere --b {b}": (1, "folder nowhere does not exist"),
    "train cyclegan --a empty --b {b}": (1, "no pictures in empty: it is empty"),
    "train cyclegan --a texts --b {b}": (1, "none of the 1 pictures in texts can be read"),
    "train cyclegan --data {examples}": (1, "holds neither A/ and B/ nor trainA/ and trainB/"),
    "train cyclegan --a {a} --b {b} --objective lsgn": (1, "did you mean `lsgan`"),
    "train cyclegan --a {a} --b {b} --objective lsgan:d=1": (1, "`lsgan` has no option `d`"),
    "train cyclegan --a {a} --b {b} --objective r1": (1, "give it with --penalty"),
    "train cyclegan --a {a} --b {b} --preset papr": (1, "did you mean `paper`"),
    "train cyclegan --a {a} --b {b} --size 16": (1, "too small"),
    "train cyclegan --a {a} --b {b} --size 64 --load-size 32": (1, "smaller than --size"),
    "train cyclegan --a {a} --b {b} --steps 5 --epochs 2": (1, "exclude each other"),
    "train cyclegan --a {a} --b {b} --batch-size 0 --lr-g -1": (1, "--lr-g"),
    "train cyclegan --a {a} --b {b} --device tpu": (1, "unknown device"),
    "train cyclegan --a {a} --b {b} --device cpu --precision 16": (1, "needs a CUDA device"),
    "train cyclegan --a {a} --b {b} --augment colour": (1, "did you mean `color`"),
    "train cyclegan --a {a} --b {b} --background blurple": (1, "not a colour name"),
    "train cyclegan --config missing.yaml": (1, "cannot read missing.yaml"),
    "train cyclegan --a {a} --b {b} -o texts": (1, "texts is not empty"),
    "resume nowhere": (1, "not a run folder"),
    "translate picture.png": (1, "no weights that can translate"),
    "translate missing.png": (1, "missing.png does not exist"),
    "translate picture.png --weights half.safetensors": (1, "damaged"),
    "translate picture.png --weights texts/a.png": (1, "damaged or no safetensors"),
    "weights show nothing": (1, "no weights `nothing`"),
}


@pytest.mark.parametrize(("command", "expected"), BAD.items(), ids=BAD.keys())
def test_bad_input_gets_a_plain_error(command: str, expected: tuple[int, str]) -> None:
    Path("empty").mkdir()
    Path("texts").mkdir()
    Path("texts/a.png").write_text("no picture")
    Path("half.safetensors").write_bytes(b'\x40\x00\x00\x00\x00\x00\x00\x00{"half')
    Image.new("RGB", (8, 8)).save("picture.png")
    places = {"a": EXAMPLES / "noto", "b": EXAMPLES / "fluent3d", "examples": EXAMPLES}
    result = gantools(command.format(**places))
    code, words = expected
    shown = " ".join(re.sub("[│╭╮╰╯─]", " ", result.stderr).split())
    assert (result.exit_code, words in shown) == (code, True), shown
    assert isinstance(result.exception, SystemExit)
    assert code == 2 or ("error: " in shown and "hint: " in shown)
    assert not Path("runs").exists()


@pytest.mark.skipif(torch.cuda.device_count() > 0, reason="needs a machine without a GPU")
def test_a_device_that_is_not_there() -> None:
    result = train("--device cuda")
    assert (result.exit_code, "no CUDA device" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    "command", ["--help", "--version", "plugins list --json", "train --help", "train cyclegan --help"]
)
def test_help_imports_no_torch(command: str) -> None:
    code = (
        "import sys; from gantools.cli.app import main; sys.argv = sys.argv[1:]\n"
        "try: main()\nexcept SystemExit: pass\n"
        "sys.exit('torch' in sys.modules or 'lightning_fabric' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "gantools", *command.split()], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_of_the_readme_is_one() -> None:
    commands = re.findall(r"^(?:.*&& \.venv/bin/)?gantools (.+?)(?:\s+#.*)?$", README.read_text(), re.MULTILINE)
    assert len(commands) > 8
    for command in commands:
        result = gantools(f"{command} --help")
        assert (result.exit_code, "Usage" in result.stdout) == (0, True), command
