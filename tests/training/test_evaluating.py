"""Evaluation during training: figures in the log, the best weights kept, and the run itself untouched."""

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

import gantools
from gantools.data.comparison import Comparison, Picture
from gantools.errors import GanToolsError
from gantools.training.evaluator import Evaluator, learned_from
from gantools.training.run import open_run
from gantools.weights.files import read_tensors


def train(folder, pictures, **settings):
    return gantools.train(
        "pix2pix", a=pictures / "a", b=pictures / "b", size=16, load_size=16, width=4, d_width=4, d_layers=1, steps=4,
        batch_size=2, threads=1, device="cpu", out=folder, quiet=True, **settings,
    )  # fmt: skip


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    """Twelve pairs: a black square somewhere, and a red one at the same place."""
    folder = tmp_path_factory.mktemp("pairs")
    for side, colour in (("a", "black"), ("b", "red")):
        (folder / side).mkdir()
        for i in range(12):
            picture = Image.new("RGB", (16, 16), "white")
            ImageDraw.Draw(picture).rectangle((i % 8, i // 2, i % 8 + 6, i // 2 + 6), fill=colour)
            picture.save(folder / side / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory, paired):
    folder = tmp_path_factory.mktemp("evaluating")
    asked = {
        "eval_every": 2,
        "eval_data": [paired / "a", paired / "b"],
        "eval_metrics": "psnr,nearest",
        "best_metric": "l1",
    }
    return train(folder / "plain", paired), train(folder / "measured", paired, **asked)


def test_a_run_has_the_same_weights_with_and_without_evaluation(runs):
    plain, measured = (read_tensors(run.weights) for run in runs)
    assert all(plain[name].equal(measured[name]) for name in plain)


def test_figures_stand_in_the_log_and_the_best_weights_are_those_of_the_best_figure(runs):
    _, measured = runs
    rows = [row for row in measured.log() if "eval/l1" in row]
    assert [row["step"] for row in rows] == [2, 4]
    assert all("eval/psnr" in row for row in rows)
    best = gantools.load(measured.folder / "weights-best.safetensors")
    assert best.header.step == min(rows, key=lambda row: row["eval/l1"])["step"]
    assert gantools.load(measured.folder).header.step == 4  # its header holds no paths that only training had


def test_the_best_so_far_survives_a_resume(runs):
    _, measured = runs
    best = min(row["eval/l1"] for row in measured.log() if "eval/l1" in row)
    again = gantools.resume(measured.folder, steps=2, quiet=True)
    value = min(row["eval/l1"] for row in again.log() if "eval/l1" in row)
    header = gantools.load(again.folder / "weights-best.safetensors").header
    assert header.metrics["eval/l1"] == pytest.approx(value)
    assert value <= best


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"eval_every": 2}, "--eval-data"),
        ({"eval_every": 2, "best_metric": "diversity"}, "neither high nor low"),
        ({"eval_every": 2, "best_metric": "kidd"}, "unknown metric `kidd`"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_training(tmp_path, paired, settings, message):
    if "best_metric" in settings:
        settings = {**settings, "eval_data": [paired / "a", paired / "b"]}
    with pytest.raises(GanToolsError, match=message):
        train(tmp_path / "run", paired, **settings)
    assert not list(tmp_path.glob("run/weights*"))


def test_what_was_trained_on_is_compared_with_and_told_of_once(runs):
    _, measured = runs
    assert all(row["eval/nearest_lite0"] > 0 for row in measured.log() if "eval/l1" in row)
    evaluator = Evaluator(open_run(measured.folder), None)
    assert {picture.path.parent.name for picture in evaluator.training} == {"b"}
    figures = {"eval/nearest_lite0": 0.1, "eval/diversity_lite0": 0.1}
    said = [evaluator.warning(figures) for _ in range(3)]
    assert "collapsing" in said[0]
    assert "learned by heart" in said[1]
    assert said[2] is None
    assert len(learned_from([Comparison("a2b", tuple(Picture(str(i), Path(str(i))) for i in range(5001)))])) == 1667


def test_json_of_the_log_is_whole(runs):
    for line in (runs[1].folder / "log.jsonl").read_text().splitlines():
        json.loads(line)
