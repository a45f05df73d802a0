"""A server that speaks as much of the Hugging Face hub's API as uploading and downloading weights needs."""

from __future__ import annotations

import base64
import json
import threading
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hub:
    """``files[repository][name]`` are what was committed; ``breaks`` transfers are cut off in the middle."""

    def __init__(self):
        self.files, self.blobs, self.breaks, self.asked, self.damaged = {}, {}, 0, [], False
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def commit(self, repository):
        return sha1(repr(sorted(self.files.get(repository, {}).items())).encode()).hexdigest()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path = self.path.partition("?")[0]
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization') or 'somebody'}/{asked['name']}"
            self.hub.files.setdefault(name, {})
            self._answer({"url": f"{self.hub.url}/{name}", "name": name, "id": name})
        elif path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            files = [
                {"path": one["path"], "uploadMode": _mode(one["path"]), "shouldIgnore": False, "oid": None}
                for one in json.loads(body)["files"]
            ]
            self._answer({"files": files})
        elif path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{self.hub.url}/upload/{one['oid']}", "header": {}}}}
                for one in json.loads(body)["objects"]
            ]
            self._answer({"transfer": "basic", "objects": objects})
        elif "/commit/" in path:
            repository = "/".join(path.split("/")[3:5])
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    self.hub.files[repository][value["path"]] = base64.b64decode(value["content"])
                if line["key"] == "lfsFile":
                    self.hub.files[repository][value["path"]] = self.hub.blobs[value["oid"]]
            commit = self.hub.commit(repository)
            self._answer(
                {"success": True, "commitOid": commit, "commitUrl": f"{self.hub.url}/{repository}/commit/{commit}"}
            )
        else:
            self._answer({}, 404)

    def do_PUT(self):
        if self.hub.breaks:
            self.hub.breaks -= 1
            self.rfile.read(int(self.headers["Content-Length"]) // 2)
            self.connection.close()
            self.close_connection = True
            return
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.hub.blobs[self.path.rpartition("/")[2]] = content
        self._answer({})

    def do_HEAD(self):
        self._file(body=False)

    def do_GET(self):
        if self.path.startswith("/api/"):
            repository = "/".join(self.path.split("/")[3:5])
            siblings = [{"rfilename": name} for name in self.hub.files.get(repository, {})]
            self._answer({"id": repository, "sha": self.hub.commit(repository), "siblings": siblings})
        else:
            self._file(body=True)

    def _file(self, body):
        parts = self.path.partition("?")[0].strip("/").split("/")
        repository, name = "/".join(parts[:2]), parts[-1]
        if repository not in self.hub.files:
            self._answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
            return
        if name not in self.hub.files[repository]:
            self._answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
            return
        content = self.hub.files[repository][name]
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        digest = sha256(content).hexdigest()
        if self.hub.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        self.send_response(206 if start else 200)
        for key, value in {
            "ETag": f'"{digest}"', "X-Repo-Commit": self.hub.commit(repository), "X-Linked-Etag": f'"{digest}"',
            "X-Linked-Size": str(len(content)), "Content-Length": str(len(content) - start), "Accept-Ranges": "bytes",
            **({"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}),
        }.items():  # fmt: skip
            self.send_header(key, value)
        self.end_headers()
        if not body:
            return
        self.hub.asked.append(start)
        if self.hub.breaks:
            self.hub.breaks -= 1
            self.wfile.write(content[start : start + (len(content) - start) // 2])
            self.wfile.flush()
            self.connection.close()
            self.close_connection = True
        else:
            self.wfile.write(content[start:])

    def _answer(self, content, status=200, headers=None):
        body = json.dumps(content).encode()
        self.send_response(status)
        for key, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **(headers or {}),
        }.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _mode(path):
    return "lfs" if path.endswith((".safetensors", ".png")) else "regular"
