"""`gantools evaluate` as a user types it."""

import json
import math
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import gantools as library
from gantools import hookimpl
from gantools.cli.app import app
from gantools.metrics import Evidence, Metric, Value
from gantools.plugins import manager
from gantools.registry import PluginRecord
from tests.conftest import EXAMPLES
from tests.tiny_encoders import build_bert

TEST = EXAMPLES / "test"
PAIRS = f"--a {TEST}/outline --b {TEST}/openmoji"
TINY = {"size": 16, "load_size": 16, "width": 4, "batch_size": 2, "steps": 1, "device": "cpu", "quiet": True}


def gantools(command: str):
    return CliRunner().invoke(app, shlex.split(command))


def figures(command: str) -> dict:
    result = gantools(f"{command} --json --quiet")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


class Redness(Metric):
    """A metric of somebody else."""

    decimals = 1

    def __call__(self, seen: Evidence) -> Value:
        return Value(float(np.mean([picture[0].float().mean() for picture in seen.made])), None, len(seen.made))


@pytest.fixture
def plugin():
    """A plugin with a metric."""
    hook = SimpleNamespace(
        gantools_register_metrics=hookimpl(
            lambda register: register("redness", f"{__name__}:Redness", "how red pictures are")
        )
    )
    manager().register(hook, PluginRecord("red", "gantools-red", "1.0"))
    yield
    manager().unregister("red")


def test_figures_are_those_of_the_pictures_that_are_left() -> None:
    found = figures(f"evaluate emoji-colour {PAIRS} --metrics l1,psnr -o out")
    assert json.loads(Path("out/metrics.json").read_text()) == found
    model = library.load("emoji-colour", "cpu")
    assert [found[key] for key in ("task", "step", "sha256")] == ["pix2pix", model.header.step, model.sha256]
    (row,) = found["rows"].values()
    assert [list(row), list(row["made"]), list(row["untranslated"])] == [
        ["made", "untranslated"],
        *[["l1", "psnr"]] * 2,
    ]
    for part, folder in (("made", Path("out/a2b/translated")), ("untranslated", TEST / "outline")):
        truth = sorted((TEST / "openmoji").iterdir())
        assert sorted(path.name for path in folder.iterdir()) == [path.name for path in truth]
        off = [_pixels(folder / path.name) - _pixels(path) for path in truth]
        for name, values in (
            ("l1", [np.abs(one).mean() for one in off]),
            ("psnr", [-10 * math.log10(np.square(one).mean()) for one in off]),
        ):
            expected = {"value": np.mean(values), "std_error": np.std(values, ddof=1) / 12**0.5, "n": 12}
            assert row[part][name] == pytest.approx(expected, rel=1e-5)
    with Image.open(Path("out/a2b/translated", truth[0].name)) as kept:
        assert np.array_equal(np.asarray(model.translate(TEST / "outline" / truth[0].name)), np.asarray(kept))


def test_the_table_shows_the_untouched_sources_beside_and_the_way_back() -> None:
    result = gantools(
        f"evaluate emoji-noto2fluent --a {TEST}/noto --b {TEST}/fluent3d --metrics cycle,l1 --metrics kid"
    )
    assert result.exit_code == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["a2b", "made", "untranslated", "n", "good", "is"] in lines
    assert [line[0] for line in lines if line] == ["a2b", "cycle", "l1", "kid_lite0", "b2a", "cycle", "l1", "kid_lite0"]
    assert "pictures and figures are in evaluation/emoji-noto2fluent" in result.stderr
    rows = json.loads(Path("evaluation/emoji-noto2fluent/metrics.json").read_text())["rows"]
    model = library.load("emoji-noto2fluent", "cpu")
    for way, source in (("a2b", "noto"), ("b2a", "fluent3d")):
        pairs = [
            (path, TEST / source / path.name) for path in Path(f"evaluation/emoji-noto2fluent/{way}/back").iterdir()
        ]
        expected = np.mean([np.abs(_pixels(back) - _pixels(true)).mean() for back, true in pairs])
        assert rows[way]["made"]["cycle"]["value"] == pytest.approx(expected, rel=1e-5)
        back, _ = pairs[0]
        again = model.translate(back.parent.with_name("translated") / back.name, direction=f"{way[2]}2{way[0]}")
        assert np.array_equal(np.asarray(again.convert("RGB")) / 255, _pixels(back))
        assert set(rows[way]["untranslated"]) == {"l1", "kid_lite0"}
        kid = rows[way]["made"]["kid_lite0"]
        (line,) = [line for line in lines if line[:2] == ["kid_lite0", f"{kid['value']:.1f}"]]
        assert line[2:4] == ["±", f"{kid['std_error']:.1f}"]


def test_what_is_wrong_shows_before_any_work() -> None:
    for command, message in (
        (f"evaluate emoji-colour {PAIRS} --metrics l1,psrn", "did you mean `psnr`?"),
        (f"evaluate emoji-colour {PAIRS} --metrics kid_lite0", "give `kid`; its features are --features lite0"),
        (f"evaluate emoji-colour {PAIRS} --metrics kid --features lite1", "did you mean `lite0`?"),
        ("evaluate emoji-colour", "name the data as for `gantools train`: --a DIR --b DIR"),
        (f"evaluate emoji-colour --a {TEST}/outline", "--b missing: two folders of pictures are needed"),
        ("evaluate emoji-styles --direction b2a", "direction"),
        ("evaluate emoji-colour --data one --data two", "--data is given 2 times"),
    ):
        result = gantools(command)
        assert result.exit_code != 0, command
        assert message in result.stderr, result.stderr
        assert not Path("evaluation").exists()


def test_results_are_named_after_the_weights_and_files_that_are_in_the_way_are_told_of() -> None:
    assert gantools(f"evaluate {PAIRS} --metrics l1").exit_code == 0
    assert [path.name for path in Path("evaluation").iterdir()] == ["emoji-colour"]
    Path("file").touch()
    result = gantools(f"evaluate {PAIRS} --metrics l1 -o file")
    assert (result.exit_code, "error: cannot write file/a2b" in result.stderr) == (1, True)
    Path("b").mkdir()
    Path("b/gone.png").symlink_to("nowhere")
    for i in range(10):
        Path(f"b/{i}.png").symlink_to(sorted((TEST / "openmoji").iterdir())[i])
    result = gantools(f"evaluate emoji-noto2fluent --a {TEST}/noto --b b --metrics kid")
    assert (result.exit_code, "± " in result.stdout, "Traceback" in result.output) == (0, True, False)


def test_a_metric_that_nothing_can_be_measured_by_is_told_of() -> None:
    Path("words").mkdir()
    for i in range(2):
        Image.new("RGB", (8, 8)).save(f"words/{i}.png")
        Path(f"words/{i}.txt").write_text("a bird")
    for data, name, need in (
        (f"emoji-colour {PAIRS}", "cycle", "a task that translates back; here --metrics can be kid, "),
        (f"emoji-colour {PAIRS}", "colour", "captions"),
        ("emoji-words --data words", "colour", "with words for colours; here --metrics can be l1, "),
        ("emoji-words --data words", "kid", "at least 10 pictures on both sides"),
    ):
        result = gantools(f"evaluate {data} --metrics {name}")
        assert (result.exit_code, f"`{name}` can be measured on" in result.stderr) == (1, True)
        assert need in result.stderr
        assert not Path("evaluation").exists()


def test_a_picture_that_was_trained_on_and_cannot_be_read_is_left_out_and_chances_stand_beside(caplog) -> None:
    shutil.copytree(EXAMPLES / "words", "words")
    Path("words/broken.png").write_bytes(b"not a picture")
    result = gantools(f"evaluate emoji-words --data {EXAMPLES}/words --training words --metrics nearest,retrieval")
    assert result.exit_code == 0, result.stderr
    assert "left out: words/broken.png is not a picture" in caplog.text
    assert result.stdout.splitlines()[0].split() == ["captions", "made", "chance", "n", "good", "is"]
    assert "learned by heart" not in result.stderr  # real pictures are among those trained on: nothing to compare with


def test_a_plugins_metric_is_listed_and_used(plugin) -> None:
    names = [line.split()[0] for line in gantools("evaluate --metrics list").stdout.splitlines()]
    assert {"kid", "l1", "retrieval"} < set(names)
    assert names[-1] == "redness"
    rows = figures(f"evaluate emoji-colour {PAIRS} --metrics redness -o out")["rows"]
    expected = np.mean([255 * _pixels(path)[..., 0].mean() for path in Path("out/a2b/translated").iterdir()])
    assert rows["a2b"]["made"] == {"redness": {"value": pytest.approx(expected), "std_error": None, "n": 12}}


def test_a_stargan_is_evaluated_into_each_domain_and_again_alike() -> None:
    for style, count in (("fluent3d", 5), ("noto", 10), ("openmoji", 5)):
        Path("data", style).mkdir(parents=True)
        for path in sorted((TEST / style).iterdir())[:count]:
            Path("data", style, path.name).symlink_to(path)
    run = library.train("stargan", data=["data"], blocks=1, n_critic=1, d_layers=2, **TINY)
    command = f"evaluate {run.folder} --metrics kid,l1,cycle,domain"
    result = gantools(f"{command} --json -o first")
    assert "warning: on the pictures it was trained on, which flatters" in result.stderr
    found = json.loads(result.stdout)
    assert list(found["rows"]) == ["to fluent3d", "to noto", "to openmoji"]
    row = found["rows"]["to noto"]
    numbers = {name: figure["n"] for name, figure in row["made"].items()}
    assert numbers == {"kid_lite0": 10, "l1": 10, "cycle": 10, "domain_lite0": 10}
    assert "kid_lite0" not in found["rows"]["to openmoji"]["made"]  # of too few
    assert row["untranslated"]["domain_lite0"]["value"] == 0  # the others' pictures are not taken for Noto's
    assert figures(f"{command} --data data -o second") == found
    assert sorted(path.name for path in Path("first/to_noto/translated").iterdir()) == ["fluent3d", "openmoji"]


def test_a_text_to_image_run_is_evaluated_on_captions() -> None:
    Path("birds").mkdir()
    for i in range(12):
        colour = ("red", "blue")[i % 2]
        Image.new("RGB", (16, 16), (colour, "white")[i == 3]).save(f"birds/{i:02}.png")
        Path(f"birds/{i:02}.txt").write_text(f"a {colour} bird" if i < 8 else "a fish")
    Path("bert").mkdir()
    run = library.train("text2image", data="birds", text_encoder=str(build_bert(Path("bert"))), noise=3, **TINY)
    command = f"evaluate {run.folder} --data birds -n 2"
    found = figures(f"{command} -o first")
    assert {"kid_lite0", "retrieval_lite0", "colour", "l1"} < set(found["rows"]["captions"]["made"])
    assert "untranslated" not in found["rows"]["captions"]
    assert {name: found["rows"]["captions"]["made"][name]["n"] for name in ("kid_lite0", "colour")} == {
        "kid_lite0": 24, "colour": 16,
    }  # fmt: skip
    assert figures(f"{command} -o second") == found
    other = figures(f"{command} -o third --seed 1 --metrics l1")["rows"]["captions"]["made"]["l1"]
    assert other["value"] != found["rows"]["captions"]["made"]["l1"]["value"]
    painted = sorted(Path("first/captions/painted").iterdir())
    off = [np.abs(_pixels(path) - _pixels(Path(f"birds/{i // 2:02}.png"))).mean() for i, path in enumerate(painted)]
    assert found["rows"]["captions"]["made"]["l1"]["value"] == pytest.approx(np.mean(off), rel=1e-5)
    assert [path.name for path in painted[:3]] == ["00000-0.png", "00000-1.png", "00001-0.png"]
    with Image.open(painted[3]) as kept:
        assert np.array_equal(np.asarray(run.model("cpu").generate("a blue bird", n=2)[1]), np.asarray(kept))


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), dtype=np.float64) / 255
