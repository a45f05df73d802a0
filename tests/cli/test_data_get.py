"""`gantools data get`, against a server on this machine."""

import io
import json
import random
import shutil
import threading
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gantools.datasets import download, get
from gantools.datasets.catalogue import KnownSet, known_sets
from gantools.errors import GanToolsError
from tests.conftest import EXAMPLES


def archive(names: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in names.items():
            packed.writestr(name, content)
    return file.getvalue()


PICTURES = {
    f"tiny/{side}/{path.name}": path.read_bytes()
    for side, style in (("trainA", "noto"), ("trainB", "fluent3d"), ("testA", "test/noto"))
    for path in sorted((EXAMPLES / style).glob("*.png"))[:3]
}
ARCHIVE = archive(PICTURES)


class Server(ThreadingHTTPServer):
    """Serves `content`; the connection breaks after `most` bytes, and `ranges` are what was asked for."""

    content, most, resumes = ARCHIVE, len(ARCHIVE), True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}/tiny.zip"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.resumes else 0
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(self.server.content) - 1}/*")
        self.send_header("Content-Length", str(len(self.server.content) - first))
        self.end_headers()
        self.wfile.write(self.server.content[first : first + self.server.most])

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with Server() as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        known = KnownSet("tiny", "for a test", running.url, len(ARCHIVE), sha256(ARCHIVE).hexdigest())
        monkeypatch.setattr("gantools.datasets.catalogue.known_sets", lambda: [known])
        monkeypatch.setattr(download, "_WAIT", 0.0)
        yield running
        running.shutdown()


def test_a_set_is_downloaded_through_a_line_that_breaks_checked_and_unpacked(gantools_cli, server):
    server.most = len(ARCHIVE) // 3 + 1
    result = gantools_cli("data", "get", "tiny")
    assert result.exit_code == 0, result.stderr
    assert server.ranges == [None, f"bytes={server.most}-", f"bytes={2 * server.most}-"]
    made = {f"tiny/{path.relative_to('data/tiny').as_posix()}": path for path in Path("data/tiny").rglob("*.png")}
    assert {name: path.read_bytes() for name, path in made.items()} == PICTURES
    assert "next:       gantools data check data/tiny" in result.stderr
    assert json.loads(gantools_cli("data", "check", "data/tiny", "--json").stdout)["held_out"] == 3
    assert not [path for path in Path("cache").rglob("*.zip*") if path.suffix != ".lock"]
    assert "nothing is overwritten" in gantools_cli("data", "get", "tiny").stderr


def test_a_stopped_download_goes_on_and_a_server_that_begins_again_is_followed(server):
    part = Path("tiny.zip.part")
    part.write_bytes(ARCHIVE[:1000])
    server.resumes = False
    digest = sha256(ARCHIVE).hexdigest()
    download.download(server.url, Path("tiny.zip"), len(ARCHIVE), digest)
    assert Path("tiny.zip").read_bytes() == ARCHIVE
    assert server.ranges == ["bytes=1000-"]
    server.most = 0
    part.write_bytes(ARCHIVE[:1000])
    with pytest.raises(GanToolsError, match="stopped at 0 of 0 MB"):
        download.download(server.url, Path("again.zip"), len(ARCHIVE), digest)


def test_another_file_than_the_recorded_one_is_refused_and_not_kept(gantools_cli, server):
    server.content = ARCHIVE[:-1] + b"?"
    result = gantools_cli("data", "get", "tiny")
    assert result.exit_code == 1
    assert "is not the recorded file" in result.stderr
    assert not Path("data/tiny").exists()
    assert not list(Path("cache").rglob("*.part"))
    Path("mine.zip").write_bytes(ARCHIVE)
    assert gantools_cli("data", "get", "tiny", "--url", "mine.zip", "-q").exit_code == 0
    assert Path("mine.zip").exists()
    assert Path("data/tiny/testA").is_dir()


@pytest.mark.parametrize("name", ["../out.png", "/tmp/out.png", "a/../../out.png", "..\\out.png", "C:\\out.png"])
def test_an_archive_stays_in_its_folder(name):
    Path("bad.zip").write_bytes(archive({"good.png": b"", name: b""}))
    with pytest.raises(GanToolsError, match="outside of its folder"):
        get.unpack(Path("bad.zip"), Path("set"))
    assert {path.name for path in Path().iterdir()} == {"bad.zip"}


def test_an_archive_with_an_empty_name_or_any_other_damage_is_an_error():
    """zipfile itself stumbles over a name of no letters: found by fuzzing."""
    content, dice = bytearray(archive({"a.png": b"x" * 50})), random.Random(0)
    lengths = content.index(b"PK\1\2") + 28
    content[lengths : lengths + 4] = bytes(2) + content[lengths : lengths + 2]  # the name's is 0, the extra field's its
    Path("bad.zip").write_bytes(content)
    with pytest.raises(GanToolsError, match="is damaged"):
        get.unpack(Path("bad.zip"), Path("set"))
    for _ in range(200):
        wrong = content.copy()
        wrong[dice.randrange(len(wrong))] = dice.randrange(256)
        Path("bad.zip").write_bytes(wrong)
        with suppress(GanToolsError):
            get.unpack(Path("bad.zip"), Path("set"))
        shutil.rmtree("set", ignore_errors=True)
        assert {path.name for path in Path().iterdir()} == {"bad.zip"}


def test_every_known_archive_has_its_checksum():
    archives = [one for one in known_sets() if one.url]
    assert len(archives) == 10
    assert all(one.url.startswith("https://") and one.size > 1e7 and len(one.sha256) == 64 for one in archives)
    assert len({one.sha256 for one in archives}) == 10
