"""The page as `gantools ui` serves it: what it refuses, and that it asks for nothing from elsewhere."""

import json
import re
import signal
from urllib.error import HTTPError
from urllib.parse import quote

import pytest

from tests.ui.served import PICTURE, ask, needs_gradio, serving, upload

pytestmark = needs_gradio


def test_no_file_is_served_from_the_disk(address):
    url, folder = address
    for path in (folder / "secret.txt", "/etc/passwd", f"../../..{folder}/secret.txt", PICTURE, "pyproject.toml"):
        for text in (str(path), quote(str(path), safe=""), str(path).replace("..", "%2e%2e")):
            for route in ("/gradio_api/file=", "/file=", "/static/", "/assets/", "/gradio_api/file/"):
                status, body = ask(url + route + text.lstrip("/" if route.endswith("/") else ""))
                assert status >= 400, (route, text)
                assert "SECRET" not in body
                assert "root:" not in body


def test_what_was_uploaded_is_translated_and_no_other_path(address):
    url, folder = address
    config = json.loads(ask(url + "/config")[1])
    [number] = [entry["id"] for entry in config["dependencies"] if len(entry["inputs"]) == 5][:1]
    assert '"success":true' in heard(url, number, upload(url, PICTURE))
    for path in (str(PICTURE), str(folder / "secret.txt"), "/etc/passwd"):
        answer = heard(url, number, path)
        assert '"success":true' not in answer
        assert "SECRET" not in answer


def heard(url, number, path):
    """Ask for a translation as the page does, and return all that is answered."""
    given = {"path": path, "meta": {"_type": "gradio.FileData"}}
    data = {"data": [given, "emoji-colour", None, "", ""], "fn_index": number, "session_hash": f"s{hash(path)}"}
    status, body = ask(url + "/gradio_api/queue/join", data)
    return body + (ask(f"{url}/gradio_api/queue/data?session_hash={data['session_hash']}")[1] if status == 200 else "")


def test_the_page_asks_for_nothing_from_elsewhere(address):
    url, _ = address
    body = ask(url + "/")[1]
    fetched = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="(https?:)?//([^/"]+)', body)
    assert not [host for _, host in fetched if not host.startswith("127.0.0.1")], fetched
    config = json.loads(ask(url + "/config")[1])
    assert config["analytics_enabled"] is False
    assert all(entry.get("api_visibility") == "private" for entry in config["dependencies"])


def test_it_answers_to_its_own_name_alone(address):
    url, _ = address
    assert ask(url + "/config", host="localhost")[0] == 200
    assert ask(url + "/config", host="elsewhere.example")[0] == 400


def test_large_uploads_are_refused(address, tmp_path):
    url, _ = address
    (tmp_path / "large.png").write_bytes(bytes(21 * 2**20))
    with pytest.raises(HTTPError) as refused:
        upload(url, tmp_path / "large.png")
    with refused.value as answer:
        assert answer.code == 413


@pytest.mark.slow
def test_ctrl_c_ends_it_and_leaves_nothing(tmp_path):
    with serving(tmp_path) as (url, process, temporary):
        assert ask(url)[0] == 200
        assert list(temporary.iterdir())
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        said = process.stderr.read()
    assert "Traceback" not in said
    assert not list(temporary.iterdir())
