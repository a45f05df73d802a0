"""`gantools ui` in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import gantools
from tests.conftest import EXAMPLES

PICTURE = next((EXAMPLES / "test" / "outline").glob("*.png"))
needs_gradio = pytest.mark.skipif(find_spec("gradio") is None, reason="needs gantools[ui]")
_SERVE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from gantools.cli.app import main; main()"
)


def train_attributes(out: Path) -> Path:
    """Train a tiny StarGAN of the attributes Dark and Old for a step; return its folder."""
    pictures = sorted((EXAMPLES / "noto").glob("*.png"))[:6]
    rows = [f"{path.name},{(-1) ** number},{(-1) ** (number // 2)}" for number, path in enumerate(pictures)]
    out.parent.mkdir(parents=True)
    table = out.parent / "attr.csv"
    table.write_text("\n".join(["name,Dark,Old", *rows]))
    small = {"size": 32, "width": 4, "blocks": 1, "steps": 1, "n_critic": 1, "batch_size": 2, "device": "cpu"}
    data = {"data": [str(EXAMPLES / "noto")], "attributes": [str(table)]}
    return gantools.train("stargan", quiet=True, out=out, **data, **small).folder


@contextmanager
def serving(folder: Path):
    """Serve the runs under a folder; give the address, the process, and its folder for temporary files."""
    temporary = folder / "temporary"
    temporary.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    environment.pop("GRADIO_TEMP_DIR", None)
    command = [sys.executable, "-c", _SERVE, "ui", "--port", str(port), "--device", "cpu"]
    with subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process.stdout.readline().strip().rstrip("/"), process, temporary
        finally:
            process.send_signal(signal.SIGKILL)


def ask(url, data=None, host=None):
    """Return status and body of an answer; ``host`` is another name to call the server by."""
    names = {"Host": host} if host else {}
    request = Request(url, data and json.dumps(data).encode(), {"Content-Type": "application/json"} | names)
    try:
        with urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace")


def upload(url, picture):
    """Upload a picture as the page does and return the path that the server gives it."""
    body = b"".join([
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n',
        picture.read_bytes(),
        b"\r\n--x--\r\n",
    ])  # fmt: skip
    request = Request(f"{url}/gradio_api/upload", body, {"Content-Type": "multipart/form-data; boundary=x"})
    with urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())[0]
