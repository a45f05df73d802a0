"""The default weights and the demo that shows them."""

import json
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import gantools
from gantools.cli.app import app
from gantools.inference import verification
from gantools.metrics.meaning import dominant_colour
from gantools.weights.find import find_weights
from gantools.weights.places import shipped_folder, shipped_index
from tests.conftest import EXAMPLES

NAMES = list(shipped_index()["weights"])


@pytest.mark.parametrize("name", NAMES)
def test_files_are_as_the_index_says(name: str) -> None:
    entry = shipped_index()["weights"][name]
    content = (shipped_folder() / entry["file"]).read_bytes()
    assert sha256(content).hexdigest() == entry["sha256"]
    assert len(content) < 10e6
    header = find_weights(name).header
    assert (header.task, header.step, header.licence) == (entry["task"], entry["steps"], entry["licence"])
    assert "/" not in json.dumps(header.config)  # nobody's folders


def test_shipped_weights_are_verified_and_a_difference_is_found(monkeypatch) -> None:
    result = CliRunner().invoke(app, ["weights", "verify", "emoji-colour", "emoji-words"])
    assert result.stdout == "emoji-colour: as recorded\nemoji-words: as recorded\n"
    index = shipped_index()
    index["weights"]["emoji-colour"]["check"]["metrics"]["a2b"]["l1"] *= 1.05
    index["weights"]["emoji-words"]["sha256"] = "0" * 64
    monkeypatch.setattr(verification, "shipped_index", lambda: index)
    assert verification.verify("emoji-colour") == ["a2b: l1 is 0.06718 instead of 0.07054"]
    assert verification.verify("emoji-words") == ["its SHA-256 is not the recorded one"]
    assert CliRunner().invoke(app, ["weights", "verify", "emoji-color"]).exit_code == 1


def test_outlines_come_out_coloured_and_closer_to_the_truth() -> None:
    """On the test pictures: the drawing's lines stay, colours appear, and the whole is nearer than the outline was."""
    model = gantools.load("emoji-colour", device="cpu")
    before, after, coloured = [], [], []
    for path in sorted((EXAMPLES / "test/outline").glob("*.png")):
        outline, truth = (_pixels(Image.open(EXAMPLES / "test" / kind / path.name)) for kind in ("outline", "openmoji"))
        made = _pixels(model.translate(path))
        before.append(np.abs(outline - truth).mean())
        after.append(np.abs(made - truth).mean())
        coloured.append(np.ptp(made, axis=2).mean() / max(np.ptp(truth, axis=2).mean(), 1e-6))
        assert made[outline.max(axis=2) < 0.2].mean() < 0.3
    assert np.mean(after) < np.mean(before)
    assert np.median(coloured) > 0.5


def test_a_photograph_is_remarked_on_and_an_outline_is_not() -> None:
    Image.radial_gradient("L").convert("RGB").save("photo.jpg")
    outline = next((EXAMPLES / "test/outline").glob("*.png"))
    result = CliRunner().invoke(app, ["translate", "photo.jpg", str(outline)])
    assert result.exit_code == 0, result.stderr
    assert "using emoji-colour" in result.stderr
    assert "note: photo.jpg looks unlike what emoji-colour was trained on" in result.stderr


def test_the_demo_leaves_a_folder_to_look_at() -> None:
    result = CliRunner().invoke(app, ["demo", "--minutes", "0.05", "-o", "shown"])
    assert result.exit_code == 0, result.stderr
    for name in NAMES:
        assert len(_sheets(name)) == 1, name
    assert list(Path("shown/cyclegan/samples").glob("*.png"))
    assert "gantools resume shown/cyclegan" in result.stderr
    assert not Path("runs").exists()
    assert CliRunner().invoke(app, ["demo", "-o", "shown"]).exit_code == 1


def test_black_outlines_come_with_openmojis_style_and_go_with_fluents() -> None:
    model = gantools.load("emoji-styles", device="cpu")
    drawn = {style: sorted((EXAMPLES / "test" / style).glob("*.png")) for style in ("openmoji", "noto")}
    black = {style: np.mean([_black(Image.open(path)) for path in paths]) for style, paths in drawn.items()}
    outlined = np.mean([_black(picture) for picture in model.translate(drawn["noto"], to="openmoji")])
    soft = np.mean([_black(picture) for picture in model.translate(drawn["openmoji"], to="fluent3d")])
    assert outlined > 2 * black["noto"]
    assert soft < black["openmoji"] / 2


def test_a_red_bird_is_red_and_a_blue_deer_blue() -> None:
    model = gantools.load("emoji-words", device="cpu")
    for prompt in ("a red bird", "a blue deer", "a purple rabbit", "a yellow sun"):
        (picture,) = model.generate(prompt)
        pixels = torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)
        assert dominant_colour(pixels) == prompt.split()[1]


def _sheets(name: str) -> list[Path]:
    return [path for sheet in ("before-and-after", "painted") for path in Path("shown", name).glob(f"{sheet}.png")]


def _pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"), dtype=np.float64) / 255


def _black(image: Image.Image) -> float:
    """Return the share of nearly black pixels."""
    return float((_pixels(image).max(axis=2) < 0.25).mean())
