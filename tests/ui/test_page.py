"""The page's handlers without a browser and without gradio."""

import json
import sys

import pytest
from PIL import Image

from gantools.errors import GanToolsError
from gantools.ui import generate, runs, translate, weights
from gantools.ui.place import Place
from tests.ui.served import PICTURE, train_attributes


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path / "runs", "cpu")


def test_a_picture_is_translated_to_what_the_api_gives(place):
    with Image.open(PICTURE) as picture:
        shown, file, remark = translate.translate(place, picture, "emoji-colour", None)
    assert shown[0].size == shown[1].size == (512, 512)
    assert "64 x 64" in remark
    with Image.open(file) as result, Image.open(PICTURE) as picture:
        assert result.tobytes() == place.model("emoji-colour").translate(picture).tobytes()


@pytest.mark.parametrize("name", [str(PICTURE), "../../etc/passwd", "hf://somebody/something", "", None])
def test_weights_come_from_the_list_alone(place, name):
    with pytest.raises(GanToolsError, match="no weights"):
        weights.card(place, name)


@pytest.mark.parametrize("name", ["../secret", "/etc", "cyclegan/../.."])
def test_runs_come_from_the_list_alone(place, name):
    with pytest.raises(GanToolsError, match="no run"):
        runs.look(place, name)


def test_nothing_too_large_is_translated(place):
    with pytest.raises(GanToolsError, match="pixels"):
        translate.translate(place, Image.new("L", (5000, 5000)), "emoji-colour", None)
    with pytest.raises(GanToolsError, match="no picture"):
        translate.translate(place, None, "emoji-colour", None)


def test_directions_and_domains_are_those_of_the_weights(place):
    known = {name: translate.choices(place.find(name)) for name in place.weights("translate")}
    assert known["emoji-noto2fluent"] == ["a2b", "b2a"]
    assert set(known["emoji-styles"]) == {"fluent3d", "noto", "openmoji", "twemoji", "flat"}
    assert known["emoji-colour"] == []


def test_attributes_are_changed_as_on_the_command_line(place):
    run = str(train_attributes(place.runs / "stargan" / "1"))
    found = place.find(run)
    assert translate.choices(found) == []
    assert translate.attributes(found) == ["Dark", "Old"]
    assert translate.attributes(place.find("emoji-styles")) == []
    with Image.open(PICTURE) as picture:
        for change, has in (("+Dark,-Old", ""), ("Old", ""), ("+Old", "Dark")):
            (_, _), file, _ = translate.translate(place, picture, run, None, change, has)
            expected = place.model(run).translate(picture, to=change, **({"from_": has} if has else {}))
            with Image.open(file) as result:
                assert result.tobytes() == expected.tobytes()
        for change in ("+Drak", "+Dark,-Dark", "all", "", "+" + "Dark," * 100):
            with pytest.raises(GanToolsError):
                translate.translate(place, picture, run, None, change, "")


def test_words_are_painted_and_their_way(place):
    red = generate.generate(place, "emoji-words", "a red bird", "", 0, 2)
    way = generate.generate(place, "emoji-words", "a red bird", "a blue fish", 0, 3)
    assert len(red) == 2
    assert len(way) == 3
    assert red[0].tobytes() == way[0].tobytes() != way[-1].tobytes()
    for count in (0, 1.5, 17, None):
        with pytest.raises(GanToolsError, match="count"):
            generate.generate(place, "emoji-words", "a red bird", "", 0, count)


def test_a_run_is_shown_as_it_is(place, tmp_path):
    run = tmp_path / "runs" / "cyclegan" / "1"
    (run / "samples").mkdir(parents=True)
    (run / "config.yaml").touch()
    assert "nothing logged" in runs.look(place, "cyclegan/1")[0]
    (run / "log.jsonl").write_text('{"step": 10, "images_per_second": 3.0, "d/adv": 0.5}\n{"step": 2')
    Image.new("RGB", (9, 9)).save(run / "samples" / "step-000000.png")
    (run / "samples" / "step-000010.png").write_bytes(b"half a pi")
    state, curves, sheet = runs.look(place, "cyclegan/1")
    assert state == "**cyclegan/1**: step 10, 3.0 images/s"
    assert curves.width > 500
    assert sheet.size == (9, 9)


def test_a_card_has_figures_and_no_front_matter(place):
    text, sheet, header = weights.card(place, "emoji-colour")
    assert text.lstrip().startswith("# emoji-colour")
    assert "kid" in text
    assert "hf://" not in text
    assert sheet.width > 100
    assert json.loads(header)["task"] == "pix2pix"


def test_without_gradio_two_lines_say_what_to_install(gantools_cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    result = gantools_cli("ui")
    assert result.exit_code == 1
    assert "pip install 'gantools[ui]'" in result.stderr
    assert "Traceback" not in result.stderr
