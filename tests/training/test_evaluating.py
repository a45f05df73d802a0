"""Evaluation during training: figures in the log, the best weights kept, and the run itself untouched."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw

import gantools
from gantools.data.comparison import Comparison, Picture
from gantools.errors import GanToolsError
from gantools.inference import evaluation
from gantools.inference.evaluation import Row
from gantools.metrics import Value
from gantools.registry import load_object
from gantools.training.evaluator import Evaluator, Signs, data_of, learned_from
from gantools.training.run import open_run


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
    plain, measured = runs
    assert plain.weights.read_bytes() == measured.weights.read_bytes()


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


def test_what_was_trained_on_is_compared_with(tmp_path, runs, paired):
    _, measured = runs
    assert not any("eval/nearest" in row for row in measured.log())  # judged by what was trained on
    other = tmp_path / "other"
    shutil.copytree(paired, other)
    run = open_run(measured.folder)
    changed = run.config.model_copy(update={"eval_data": [other / "a", other / "b"]})
    evaluator = Evaluator(replace(run, config=changed), None)
    assert "nearest" in evaluator.names
    assert {picture.path.parent.name for picture in evaluator.training} == {"b"}
    assert len(learned_from([Comparison("a2b", tuple(Picture(str(i), Path(str(i))) for i in range(5001)))])) == 1667


def test_bad_signs_are_told_of_when_they_last_row_by_row():
    def rows(a2b, b2a):
        figures = {"a2b": a2b, "b2a": b2a}
        return [Row(title, "", {"diversity_lite0": Value(value, None, 9)}) for title, value in figures.items()]

    said = Signs()
    assert said.of(rows(0.1, 0.9), last=False) == []  # the first steps of any run
    assert ["collapsing" in one and one.startswith("a2b") for one in said.of(rows(0.1, 0.9), last=False)] == [True]
    assert said.of(rows(0.1, 0.9), last=False) == []
    assert said.of(rows(0.9, 0.9), last=False) == []  # recovered
    assert said.of(rows(0.2, 0.2), last=False) == []
    assert len(said.of(rows(0.2, 0.2), last=False)) == 2
    assert (
        len(Signs().of([Row("a2b", "", {"nearest": Value(0.1, None, 9), "diversity": Value(0.1, None, 9)})], True)) == 2
    )


class Strange:
    """A metric that a plugin might bring."""

    better, needs, decimals = "lower", frozenset(), 3

    def __init__(self, outcome, applies=True):
        self.outcome, self._applies = outcome, applies

    def applies(self, seen):
        return self._applies and True

    def __call__(self, seen):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


class Unsure(Strange):
    def applies(self, seen):
        raise KeyError("who knows")


def raising(*_, **__):
    raise OSError("no such picture")


def test_an_evaluation_that_fails_costs_its_figures_and_not_the_training(tmp_path, paired, monkeypatch, caplog):
    data = tmp_path / "data"
    shutil.copytree(paired, data)
    (data / "b" / "11.png").write_bytes(b"not a picture")  # trained on: its pair is left out there, too
    caplog.set_level("WARNING", "gantools")
    asked = {"eval_every": 2, "eval_data": [paired / "a", paired / "b"], "eval_metrics": "nearest", "best_metric": "l1"}
    monkeypatch.setattr("gantools.training.evaluator.evaluate", raising)
    trained = train(tmp_path / "run", data, **asked)
    assert (trained.outcome, trained.step) == ("finished", 4)
    assert trained.weights.is_file()
    assert not [row for row in trained.log() if "eval/l1" in row]


def test_a_metric_that_fails_costs_its_own_figure(paired, runs, monkeypatch, caplog):
    strange = {
        "raises": Strange(ZeroDivisionError("of mine")),
        "nan": Strange(Value(math.nan, None, 9)),
        "bare": Strange(0.5),
        "tensor": Strange(Value(torch.tensor(1.5), torch.tensor(0.5), torch.tensor(9))),
        "unsure": Unsure(Value(1.0, None, 9)),
    }
    picked = evaluation.pick_metrics
    monkeypatch.setattr(evaluation, "pick_metrics", lambda names: {**picked(["l1"]), **strange})
    caplog.set_level("WARNING", "gantools")
    model = gantools.load(runs[0].folder)
    comparisons = evaluation.comparisons_for(model.info, model.task.config, {"a": paired / "a", "b": paired / "b"})
    (row,) = evaluation.evaluate(model, comparisons, runs[0].folder / "again")
    assert list(row.made) == ["l1", "tensor"]
    assert json.loads(json.dumps(row.as_json()))["made"]["tensor"] == {"value": 1.5, "std_error": 0.5, "n": 9}
    for name, why in (("raises", "of mine"), ("nan", "came to nan"), ("bare", "a float"), ("unsure", "who knows")):
        assert [name in record.message and why in record.message for record in caplog.records].count(True) >= 1, name


def test_best_weights_that_cannot_be_written_cost_no_training(tmp_path, paired):
    (tmp_path / "run/weights-best.safetensors").mkdir(parents=True)
    (tmp_path / "run/config.yaml").touch()  # a run that never came to a checkpoint
    asked = {"eval_every": 2, "eval_data": [paired / "a", paired / "b"], "eval_metrics": "", "best_metric": "l1"}
    assert train(tmp_path / "run", paired, **asked).weights.is_file()


def test_a_run_whose_pictures_to_judge_by_are_gone_is_resumed_without(tmp_path, paired, caplog):
    judged = tmp_path / "judged"
    shutil.copytree(paired, judged)
    asked = {"eval_every": 2, "eval_data": [judged / "a", judged / "b"], "eval_metrics": "", "best_metric": "l1"}
    trained = train(tmp_path / "run", paired, **asked)
    shutil.rmtree(judged)
    caplog.set_level("WARNING", "gantools")
    assert gantools.resume(trained.folder, steps=2, quiet=True).step == 6
    assert "the run goes on without --eval-every" in caplog.text


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_figure_that_is_none_is_never_the_best(runs, value):
    evaluator = Evaluator(open_run(runs[1].folder), None)
    assert not evaluator._is_best(2, {"eval/l1": value})
    assert evaluator._is_best(4, {"eval/l1": 0.5})
    assert not evaluator._is_best(6, {"eval/l1": value})
    assert evaluator.best == {"step": 4, "value": 0.5}


def test_pictures_that_are_trained_on_too_are_warned_of(runs, caplog):
    caplog.set_level("WARNING", "gantools")
    Evaluator(open_run(runs[1].folder), None)
    assert "24 of 24 pictures of --eval-data are trained on, too, which flatters" in caplog.text


def test_folders_to_evaluate_on_stand_for_data_as_the_task_takes_it(tmp_path):
    folders = [tmp_path / "x", tmp_path / "y"]
    config = {name: load_object(gantools.plugins.manager().tasks.get(name).config) for name in ("pix2pix", "stargan")}
    assert data_of(config["stargan"](data=[tmp_path], steps=1, eval_data=folders)) == {"data": folders}
    assert data_of(config["pix2pix"](data=tmp_path, steps=1, eval_data=folders)) == {
        "a": folders[0],
        "b": folders[1],
        "data": None,
    }
    with pytest.raises(GanToolsError, match="3 times"):
        data_of(config["pix2pix"](data=tmp_path, steps=1, eval_data=[*folders, tmp_path]))


def test_json_of_the_log_is_whole(runs):
    for line in (runs[1].folder / "log.jsonl").read_text().splitlines():
        json.loads(line)
