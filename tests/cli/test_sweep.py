"""`gantools sweep` and `gantools compare` as a user types them."""

import json
import os
import shlex
import signal
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from gantools.cli.app import app
from gantools.data.pixels import to_image
from gantools.hookspecs import hookimpl
from gantools.plugins import manager
from gantools.registry import PluginRecord

TOY = "toy --steps 4 --width 8 --log-every 2 --batch-size 32 --device cpu"


class CtrlC:
    """A plugin that presses Ctrl-C at a step of a run."""

    def __init__(self, run: str, step: int) -> None:
        self.run, self.step = run, step

    @hookimpl
    def gantools_step_logged(self, run, step: int) -> None:
        if (run.folder.as_posix(), step) == (self.run, self.step):
            os.kill(os.getpid(), signal.SIGINT)


def gantools(command: str):
    return CliRunner().invoke(app, shlex.split(command))


def test_an_interrupted_sweep_goes_on_to_the_same_bytes() -> None:
    broken = "sweep/objective=wgan-gp/seed-0"
    manager().register(CtrlC(broken, 2), PluginRecord("ctrl-c", "tests", "0"))
    try:
        result = gantools(f"sweep {TOY} --vary objective=lsgan,wgan-gp,hinge --seeds 1 -o sweep -q")
    finally:
        manager().unregister("ctrl-c")
    assert result.exit_code == 130
    assert "interrupted after 1 of 3 runs\ngo on with: gantools sweep sweep\n" in result.stderr
    Path("sweep/objective=hinge/seed-0").mkdir(parents=True)
    Path("sweep/objective=hinge/seed-0/.lock").touch()  # what a killed process leaves

    result = gantools("sweep sweep")

    assert result.exit_code == 0, result.stderr
    for line in ("1/3  objective=lsgan/seed-0: done before", "2/3  objective=wgan-gp/seed-0: finished at step 4, "):
        assert line in result.stderr
    assert result.stdout.startswith("objective")
    assert "n_critic" in result.stdout  # what wgan-gp brings along
    assert all(Path("sweep", name).is_file() for name in ("compare.json", "compare.png", "curves.png"))
    assert gantools(f"train {TOY} --objective wgan-gp -o whole -q").exit_code == 0
    weights = [Path(run, "weights.safetensors").read_bytes() for run in (broken, "whole")]
    assert weights[0] == weights[1]


def test_a_run_that_fails_stops_no_other() -> None:
    result = gantools(f"sweep {TOY} --vary lr_g=1e-3,1e30 --seeds 1 -o s -q")
    assert result.exit_code == 1
    assert "2/2  lr_g=1e30/seed-0: failed, " in result.stderr
    assert "1 of 2 runs failed; try them again with: gantools sweep s --retry" in result.stderr
    assert "lr_g=1e30/seed-0: failed before; training broke down" in gantools("sweep s").stderr
    assert "1e-3" not in result.stdout  # one group: nothing differs


def test_runs_are_evaluated_on_the_pictures_that_are_named() -> None:
    write_pairs()
    small = "--a a --b b --size 16 --width 2 --blocks 1 --d-layers 1 --batch-size 1 --steps 1 --device cpu"
    sweep = f"sweep cyclegan {small} --vary objective=lsgan,hinge --seeds 2 --metrics l1,cycle"
    assert gantools(f"{sweep} --eval-data ea --eval-data nowhere").exit_code == 1
    assert "nothing here that `domain` can be" in gantools(f"{sweep},domain --eval-data ea --eval-data eb").stderr
    assert "objective=hinge/seed-1" in gantools(f"{sweep} --dry-run").stdout
    assert not Path("sweeps").exists()
    result = gantools(f"{sweep} --eval-data ea --eval-data eb -q")
    assert result.exit_code == 0, result.stderr
    assert "cycle ↓" in result.stdout
    with Image.open("sweeps/cyclegan/1/compare.png") as figure:
        figure.verify()
    kept = json.loads(Path("sweeps/cyclegan/1/objective=lsgan/seed-0/evaluation/metrics.json").read_text())
    assert kept["rows"].keys() == kept["pictures"].keys() == {"a2b", "b2a"}
    assert "flatters" not in result.stderr

    other = gantools("sweep cyclegan " + small + " --vary objective=lsgan --seeds 1 --seed 7 --metrics l1 -o other -q")
    assert "flatters" in other.stderr
    result = gantools("compare sweeps/cyclegan/1 other --metric l1 --json -o c")
    assert "other/objective=lsgan/seed-7 was evaluated on other pictures" in result.stderr
    (lsgan, hinge) = json.loads(result.stdout)["groups"]
    assert (lsgan["seeds"], hinge["seeds"]) == ([0, 1, 7], [0, 1])
    assert [(title, figures["l1"]["n"]) for title, figures in lsgan["figures"].items()] == [
        ("a2b", 2), ("b2a", 2), ("a2b, pictures 2", 1), ("b2a, pictures 2", 1),
    ]  # fmt: skip
    assert gantools(f"sweep {TOY} --seeds 1 -o toys -q").exit_code == 0
    assert "runs of different tasks" in gantools("compare toys other").stderr


def write_pairs() -> None:
    """Two pairs of small pictures, with other pairs to evaluate on."""
    for number, name in enumerate(("a", "b", "ea", "eb")):
        Path(name).mkdir()
        for i in range(3):
            noise = torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(10 * number + i)) * 2 - 1
            to_image(noise).save(f"{name}/{i}.png")


SMALL = "--a a --b b --size 16 --load-size 16 --width 2 --d-width 2 --d-layers 1 --batch-size 1 --steps 2 --device cpu"


def test_a_sweep_keeps_to_its_own_figures_and_to_runs_that_are_whole() -> None:
    write_pairs()
    sweep = f"sweep pix2pix {SMALL} --vary objective=lsgan,hinge --seeds 2 --metrics l1 -o s -q"
    first, second = (f"s/objective=lsgan/seed-{i}" for i in range(2))
    assert gantools(f"{sweep} --eval-data ea --eval-data eb").exit_code == 0
    kept = Path(first, "evaluation/metrics.json").read_text()
    assert gantools(f"evaluate {first} --a a --b b --metrics l1 --device cpu").exit_code == 0
    assert Path(first, "evaluation/metrics.json").read_text() != kept
    Path(second, "evaluation/metrics.json").write_text("[]")
    assert "1 of 4 runs" not in gantools("compare s").stderr
    told = gantools("sweep s").stderr
    assert Path(first, "evaluation/metrics.json").read_text() == kept
    again = {line.split()[1]: line.split()[2] for line in told.splitlines() if "/4  " in line}
    assert again == {
        f"objective={name}/seed-{i}:": ("done", "finished")[name == "lsgan"]
        for name in ("lsgan", "hinge")
        for i in range(2)
    }

    Path(first, "log.jsonl").unlink()
    value = json.loads(kept)
    value["rows"]["a2b"]["made"]["l1"]["value"] = float("nan")
    Path(second, "evaluation/metrics.json").write_text(json.dumps(value))
    result = gantools("compare s")
    assert result.exit_code == 0, result.stderr
    assert f"left out: {first} has saved nothing yet" in result.stderr
    Path(first, "log.jsonl").write_text("[]\n")
    assert gantools("compare s").exit_code == 0
    assert "nan" not in result.stdout
    assert gantools(f"compare {first}").exit_code == 1  # it was asked for by name


def test_ctrl_c_in_the_last_step_of_a_run_ends_the_sweep() -> None:
    manager().register(CtrlC("s/objective=lsgan/seed-0", 4), PluginRecord("ctrl-c", "tests", "0"))
    try:
        result = gantools(f"sweep {TOY} --vary objective=lsgan,hinge --seeds 1 -o s -q")
    finally:
        manager().unregister("ctrl-c")
    assert (result.exit_code, "interrupted after 0 of 2 runs" in result.stderr) == (130, True), result.stderr
    assert not Path("s/objective=hinge").exists()
    assert gantools("sweep s -q").exit_code == 0


MISTAKES = {
    "--vary objective=lsgan,hing": "objective=hing: unknown objective `hing`",
    "--vary objektive=lsgan": "unknown option `objektive`",
    "--vary lr_g=1e-3,fast": "lr_g=fast: --lr-g",
    "--vary objective=lsgan --objective hinge": "objective is given both as a flag and with --vary",
    "--metrics fdi": "unknown metric `fdi`",
}


@pytest.mark.parametrize(("flags", "words"), MISTAKES.items())
def test_mistakes_are_found_before_anything_is_trained(flags: str, words: str) -> None:
    result = gantools(f"sweep {TOY} {flags}")
    assert (result.exit_code, words in result.stderr) == (1, True), result.stderr
    assert not Path("sweeps").exists()
