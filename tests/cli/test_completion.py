"""What the Tab key offers."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gantools.cli.app import app


def offered(line: str) -> set[str]:
    words = {"_GANTOOLS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    return set(CliRunner().invoke(app, [], prog_name="gantools", env=words).stdout.split())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gantools tr", {"train", "translate"}),
        ("gantools train py", set()),
        ("gantools train cyclegan --objective wgan-", {"wgan-clip", "wgan-gp"}),
        ("gantools train cyclegan --penalty r", {"r1", "r2"}),
        ("gantools objectives show dragan", {"dragan", "dragan-gan"}),
        ("gantools data check x --task st", {"stargan"}),
        ("gantools data get hor", {"horse2zebra"}),
        ("gantools resume ", {"runs/cyclegan/7"}),
        ("gantools weights show emoji-s", {"emoji-styles"}),
        ("gantools translate x --weights runs/", {"runs/cyclegan/7"}),
        (
            "gantools translate x --weights emoji-styles --to ",
            {"all", "flat", "fluent3d", "noto", "openmoji", "twemoji"},
        ),
        ("gantools translate x --weights emoji-colour --to ", set()),
    ],
)
def test_names_are_completed(line: str, expected: set[str]) -> None:
    run = Path("runs/cyclegan/7")
    run.mkdir(parents=True)
    for name in ("config.yaml", "weights.safetensors"):
        (run / name).touch()
    assert offered(line) == expected


def test_names_of_weights_are_completed_without_torch() -> None:
    code = "import gantools.cli.completion as c, sys; assert c.weights('emoji'); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
