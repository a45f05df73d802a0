"""What is compared: groups by what differs, hand-computed means and spreads, and when a best is one."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gantools import GanToolsError
from gantools.cli.compare import put_comparison
from gantools.config import read_yaml
from gantools.sweep.comparison import Best, Column, compare, summarise, telling_keys
from gantools.sweep.figures import draw_figures
from gantools.sweep.plan import Sweep, new_sweep, read_sweep, read_vary
from gantools.sweep.results import Measured, RunResult, told_apart
from gantools_cyclegan.config import Config

FID = Column("a2b", "fid_lite0")


def run(objective: str, seed: int, fid: float | None, pictures: str = "x", **settings) -> RunResult:
    rows = (
        {} if fid is None else {"a2b": Measured({"fid_lite0": fid}, {"fid_lite0": 20}, {"fid_lite0": 90.0}, pictures)}
    )
    given = {"objective": objective, "seed": seed, "threads": seed + 1, **settings}
    return RunResult(Path(f"{objective}-{seed}"), "cyclegan", given, 10, 10, 0.5, rows)


def test_means_and_spreads_are_those_by_hand():
    assert summarise([4.0, 8.0, 6.0]) == (6.0, 2.0, 3)  # ((2² + 2² + 0²) / 2)^½
    assert summarise([4.0]) == (4.0, None, 1)
    assert summarise([]) is None
    found = compare([run("lsgan", 0, 10.0), run("hinge", 0, 30.0), run("lsgan", 1, 14.0), run("hinge", 1, 34.0)])
    assert [group.label for group in found.groups] == [("lsgan",), ("hinge",)]
    assert found.groups[0].summary(FID) == pytest.approx((12.0, 8**0.5, 2))
    assert found.best(FID) == Best(0, True)  # t = 20 / (4 + 4)^½ = 7.07 of two degrees of freedom: p = 0.019
    assert found.untranslated(FID) == 90.0


def test_a_lead_that_chance_can_give_or_without_a_spread_is_none(capsys):
    within = compare([run("lsgan", 0, 10.0), run("lsgan", 1, 30.0), run("hinge", 0, 25.0), run("hinge", 1, 29.0)])
    assert within.best(FID) == Best(0, False)  # 20 and 27, but lsgan varies by 14
    pairs = [("lsgan", 10.0), ("lsgan", 14.0), ("hinge", 17.0), ("hinge", 21.0)]
    further = compare([run(name, i, value) for i, (name, value) in enumerate(pairs)])
    assert further.best(FID) == Best(0, False)  # 7 apart, and each varies by 2.8 only; but p = 0.13
    put_comparison(within)
    shown = capsys.readouterr().out
    assert "20.0 ±14.1 " in shown
    assert "a2b: the best cannot be told from the next: fid_lite0." in shown
    assert "*" not in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert compare([run("lsgan", 0, 1.0), run("hinge", 0, 9.0)]).best(FID) == Best(0, None)
    draw_figures(within, Path("figure.png"))
    with Image.open("figure.png") as figure:
        figure.verify()


def test_equal_settings_are_seldom_told_apart():
    random = np.random.default_rng(0)
    false = 0
    for _ in range(200):
        runs = [run(name, seed, float(random.normal())) for name in ("a", "b", "c") for seed in range(3)]
        best = compare(runs).best(FID)
        false += best is not None and bool(best.beyond)
    assert false <= 10  # a lead larger than both spreads, the rule of thumb, is there in 25


def test_groups_are_named_by_as_few_settings_as_tell_them_apart():
    settings = [
        {"n_critic": n, "objective": name, "lr": lr, "seed": i}
        for i, (name, n, lr) in enumerate([("wgan-gp", 5, 1), ("lsgan", 1, 1), ("lsgan", 1, 2)])
    ]
    assert telling_keys(settings) == (["objective", "lr"], ["n_critic"])
    assert telling_keys(settings[:2], ["n_critic"]) == (["n_critic"], ["objective"])
    assert telling_keys(settings[:1]) == ([], [])


def test_figures_of_other_pictures_stand_apart():
    notes: list[str] = []
    runs = told_apart([run("lsgan", 0, 1.0), run("hinge", 0, 2.0, "y"), run("hinge", 1, None)], notes)
    assert [list(one.rows) for one in runs] == [["a2b"], ["a2b, pictures 2"], []]
    assert "hinge-0 was evaluated on other pictures" in notes[0]
    unknown = Measured({"fid": 1.0}, {"fid": 20}, {"fid": 90.0})
    assert unknown.same_pictures(unknown._replace(untranslated={"fid": 90.01}))
    assert not unknown.same_pictures(unknown._replace(untranslated={"fid": 95.0}))
    assert not unknown.same_pictures(unknown._replace(numbers={"fid": 21}))


def test_a_run_twice_would_narrow_the_spread():
    with pytest.raises(GanToolsError, match="the same settings and seed"):
        compare([run("lsgan", 0, 1.0), run("lsgan", 0, 1.0), run("hinge", 0, 1.0)])
    with pytest.raises(GanToolsError, match="no run has a figure `fdi`"):
        compare([run("lsgan", 0, 1.0)], metrics=["fdi"])


def test_values_that_vary_may_hold_commas_and_colons():
    def read(*texts: str):
        return read_vary(Config, texts)

    assert read("objective=lsgan,hinge", "lr-g=1e-4,2e-4") == {
        "objective": ["lsgan", "hinge"],
        "lr_g": ["1e-4", "2e-4"],
    }
    assert read("penalty=;r1;gp:weight=10,every=4 r1") == {"penalty": [[], ["r1"], ["gp:weight=10,every=4", "r1"]]}
    assert read("objective=lsgan:real=1,fake=0;", "objective=hinge") == {"objective": ["lsgan:real=1,fake=0", "hinge"]}
    assert read("betas=0 0.9;0.5 0.999") == {"betas": [["0", "0.9"], ["0.5", "0.999"]]}
    for text, words in {
        "objective=lsgan:real=1,fake=0": "`fake=0` in",
        "objektive=lsgan": "unknown option `objektive`",
        "seed=1,2": "seed cannot vary",
        "objective": "is not KEY=VALUE",
    }.items():
        with pytest.raises(GanToolsError, match=words):
            read(text)


def test_runs_have_readable_names_and_a_sweep_can_grow(folders: dict[str, str]):
    first = new_sweep("cyclegan", ["penalty=;gp:weight=10,every=4", "lr_g=1e-4"], 2, {**folders, "seed": 5})
    names = [planned.name for planned in first.runs]
    assert names[:2] == ["penalty=none,lr_g=1e-4/seed-5", "penalty=gp_weight=10_every=4,lr_g=1e-4/seed-5"]
    assert len(names) == 4
    first.save(Path("sweep"))
    assert read_sweep(Path("sweep")) == first
    more = Sweep(first.task, {**first.vary, "lr_g": ["1e-4", "1e-3"]}, [5, 6, 7], first.settings)
    more.save(Path("sweep"))
    assert read_yaml(Path("sweep/sweep.yaml"))["seeds"] == [5, 6, 7]
    with pytest.raises(GanToolsError, match="holds another sweep"):
        first.save(Path("sweep"))
    with pytest.raises(GanToolsError, match="given twice"):
        _ = new_sweep("cyclegan", ["objective=lsgan,lsgan"], 1, dict(folders)).runs
