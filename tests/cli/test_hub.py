"""Weights through the Hugging Face hub, played by a small local server; nothing here leaves the machine."""

import logging

import huggingface_hub.constants
import pytest

import gantools
from gantools import GanToolsError
from gantools.weights.find import find_weights
from gantools.weights.hub import pull
from tests.conftest import EXAMPLES
from tests.hub import Hub

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")  # the hub's own


@pytest.fixture
def hub(tmp_path, monkeypatch):
    server = Hub()
    constants = {
        "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,
    }  # fmt: skip
    for name, value in constants.items():
        monkeypatch.setattr(huggingface_hub.constants, name, value)
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    yield server
    server.close()


def test_what_is_pushed_is_used_by_its_address_and_pulled(hub, gantools_cli, tmp_path):
    pushed = gantools_cli("weights", "push", "emoji-colour", "somebody/colour")
    assert pushed.exit_code == 0, pushed.stderr
    files = hub.files["somebody/colour"]
    original = find_weights("emoji-colour").path.read_bytes()
    assert files["weights.safetensors"] == original
    assert files["sheet.png"].startswith(b"\x89PNG")
    card = files["README.md"].decode()
    assert "license: cc-by-sa-4.0" in card
    assert "gantools translate PICTURE --weights hf://somebody/colour" in card
    assert "| a2b: kid_lite0 | 51.86 ± 6.9 | 202.9 ± 21 |" in card
    picture = next((EXAMPLES / "test" / "outline").glob("*.png"))
    translated = gantools_cli("translate", picture, "--weights", "hf://somebody/colour", "-o", "out.png")
    assert translated.exit_code == 0, translated.stderr
    assert gantools.load("hf://somebody/colour", "cpu")._repr_html_().count("data:image/png") == 1
    assert gantools_cli("weights", "pull", "somebody/colour").exit_code == 0
    assert (tmp_path / "colour.safetensors").read_bytes() == original
    again = gantools_cli("weights", "pull", "somebody/colour")
    assert "colour.safetensors exists" in again.stderr


def test_an_interrupted_transfer_goes_on_where_it_stopped(hub):
    content = bytes(range(256)) * 2**17  # 32 MiB: the hub's client keeps what it has in pieces of 10 MB
    hub.files["somebody/large"] = {"weights.safetensors": content}
    hub.breaks = 1
    assert pull("somebody/large").read_bytes() == content
    assert hub.asked[0] == 0
    assert hub.asked[1:] == [10_485_760], "the transfer began anew"


def test_an_interrupted_upload_leaves_the_hub_as_it_was_and_is_made_again(hub, gantools_cli, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between the client's attempts
    hub.breaks = 99
    pushed = gantools_cli("weights", "push", "emoji-colour", "somebody/colour")
    assert (pushed.exit_code, hub.files["somebody/colour"]) == (1, {})
    assert "Traceback" not in pushed.stderr
    hub.breaks = 1  # the client tries again by itself
    assert gantools_cli("weights", "push", "emoji-colour", "somebody/colour").exit_code == 0
    assert hub.files["somebody/colour"]["weights.safetensors"] == find_weights("emoji-colour").path.read_bytes()


def test_only_weights_of_gantools_are_pulled(hub, gantools_cli, tmp_path):
    hub.files["somebody/other"] = {"weights.safetensors": b"of another program"}
    pulled = gantools_cli("weights", "pull", "somebody/other")
    assert (pulled.exit_code, list(tmp_path.glob("*.safetensors"))) == (1, [])
    again = gantools_cli("weights", "push", "emoji-colour", "hf://somebody/colour")
    assert "--weights hf://somebody/colour" in again.stderr


def test_what_is_in_the_cache_needs_no_hub(hub, monkeypatch):
    hub.files["somebody/colour"] = {"weights.safetensors": find_weights("emoji-colour").path.read_bytes()}
    pull("hf://somebody/colour")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    hub.close()
    assert gantools.load("hf://somebody/colour", "cpu").header.task == "pix2pix"


def test_a_damaged_transfer_is_refused_and_not_kept(hub):
    hub.files["somebody/colour"] = {"weights.safetensors": find_weights("emoji-colour").path.read_bytes()}
    hub.damaged = True
    with pytest.raises(GanToolsError, match="its checksum differs"):
        pull("somebody/colour")
    hub.damaged = False
    assert pull("somebody/colour").is_file()


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("somebody/nothing", "there is no somebody/nothing on the hub"),
        ("somebody/other", "holds no weights.safetensors"),
        ("colour", "names nothing on the hub"),
    ],
)
def test_what_is_not_there_is_one_line(hub, gantools_cli, reference, message):
    hub.files["somebody/other"] = {"model.bin": b"x"}
    for words in (["weights", "pull", reference], ["weights", "show", f"hf://{reference}"]):
        result = gantools_cli(*words)
        assert result.exit_code == 1
        assert message in result.stderr
        assert "Traceback" not in result.stderr
