"""Comparing objectives: what is read from the logs, and that nothing is trained twice."""

import json
from pathlib import Path

import pytest

from gantools import GanToolsError
from gantools.cli.train import read_flags
from gantools_lab.compare import Result, measures, read_contenders, run_all, summarise

SHORT = {"steps": 20, "width": 8, "log_every": 5, "batch_size": 32}


def contenders(*specs):
    return read_contenders(specs, lambda words: read_flags("toy", words))


def test_a_contender_is_an_objective_with_flags_of_train():
    (one,) = contenders("hinge --spectral-norm --lr-d 0.001")
    assert one.settings == {"objective": "hinge", "spectral_norm": True, "lr_d": 0.001}
    assert one.folder == "hinge_--spectral-norm_--lr-d_0.001"
    with pytest.raises(GanToolsError, match="does not begin with an objective"):
        contenders("--spectral-norm")
    with pytest.raises(GanToolsError, match="given twice"):
        contenders("hinge", "hinge")


def test_measures_are_the_last_values_the_median_gradient_and_a_correlation():
    rows = [
        {"step": i, "d/adv": -float(w), "g/gradient_norm": g, "eval/wasserstein": 2.0 * w + 1, "eval/modes": i}
        for i, (w, g) in enumerate([(5, 1.0), (3, 100.0), (2, 2.0)])
    ]
    found = measures(rows)
    assert found == {"wasserstein": 5.0, "modes": 2, "g_gradient": 2.0, "critic_vs_w": pytest.approx(1.0)}
    assert measures([{"step": 1, "d/adv": 0.5, "seconds": 1.0}]) == {"d/adv": 0.5}


def test_a_summary_has_mean_deviation_and_extremes():
    runs = [Result("lsgan", seed, "", 10.0 + seed, {"modes": modes}) for seed, modes in enumerate((4.0, 8.0, 6.0))]
    summary = summarise(runs)["lsgan"]
    assert vars(summary["modes"]) == {"mean": 6.0, "std": 2.0, "least": 4.0, "most": 8.0}
    assert summary["seconds"].mean == 11


def test_what_is_done_is_not_done_again_and_other_settings_are_refused(tmp_path: Path):
    listed = contenders("lsgan", "wgan-gp")
    first = list(run_all("toy", listed[:1], range(2), SHORT, tmp_path))
    assert [(r.contender, r.seed) for r in first] == [("lsgan", 0), ("lsgan", 1)]
    assert {"modes", "good", "wasserstein"} <= first[0].measured.keys()
    assert first[0].measured["wasserstein"] != first[1].measured["wasserstein"]  # the seed counts
    weights = tmp_path / "lsgan" / "seed-0" / "weights.safetensors"
    weights.unlink()  # a second training would write it again
    assert list(run_all("toy", listed[:1], range(2), SHORT, tmp_path)) == first
    assert not weights.exists()
    with pytest.raises(GanToolsError, match="other settings"):
        list(run_all("toy", listed, range(1), {**SHORT, "steps": 30}, tmp_path))
    assert json.loads((tmp_path / "lsgan/seed-0/result.json").read_text())["settings"]["steps"] == "20"


def test_mistakes_are_found_before_anything_is_trained(tmp_path: Path):
    with pytest.raises(GanToolsError, match="unknown objective `lsgn`"):
        list(run_all("toy", contenders("lsgan", "lsgn"), range(1), SHORT, tmp_path / "out"))
    assert not (tmp_path / "out").exists()
