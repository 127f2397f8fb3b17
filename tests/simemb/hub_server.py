"""A stand-in for the Hugging Face hub on loopback: the routes that huggingface_hub takes for models, in memory.

Repositories with branches, tokens that may read or write, LFS uploads, downloads by ranges, and a wire that breaks.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

Files = dict[str, bytes]


@dataclass
class Repository:
    """private: read with a token alone. branches: the name of the newest commit. commits: the files of each."""

    private: bool = False
    branches: dict[str, str] = field(default_factory=lambda: {"main": "0" * 40})
    commits: dict[str, Files] = field(default_factory=lambda: {"0" * 40: {".gitattributes": b"*.safetensors lfs\n"}})
    messages: list[str] = field(default_factory=list[str])

    def commit(self, branch: str, files: Files, message: str = "") -> str:
        sha = hashlib.sha1(repr((branch, sorted(files.items()), len(self.commits))).encode()).hexdigest()
        self.commits[sha], self.branches[branch] = files, sha
        self.messages.append(message)
        return sha

    def at(self, revision: str) -> str | None:
        return self.branches.get(revision) or (revision if revision in self.commits else None)


@dataclass
class Hub:
    """owners: the names under which each token may write. cut: the byte at which every download of weights breaks.

    ranges: the `Range` headers of downloads. requests: method and path of all.
    """

    owners: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"writer": ("org",), "reader": ()})
    repositories: dict[str, Repository] = field(default_factory=dict[str, Repository])
    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    cut: int | None = None
    ranges: list[str] = field(default_factory=list[str])
    requests: list[str] = field(default_factory=list[str])
    address: str = ""


def git_oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, format: str, *args: Any) -> None: ...

    # ---- answers ---------------------------------------------------------------------------------

    def answer(self, content: Any = None, status: int = 200, **headers: str) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content or {}).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status: int, code: str = "", words: str = "") -> None:
        self.answer({"error": words or code}, status, **({"X_Error_Code": code} if code else {}), X_Error_Message=words)

    @property
    def token(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def handle_route(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(f"{self.command} {path}")
        if self.token is not None and self.token not in self.hub.owners:
            return self.refuse(401, words="Invalid credentials in Authorization header")
        for method, pattern, route in ROUTES:
            if method == self.command and (match := re.fullmatch(pattern, path)):
                return route(self, body, *match.groups())
        return self.refuse(404, words=f"no such route: {path}")

    do_GET = do_POST = do_PUT = do_HEAD = handle_route  # noqa: N815

    def repository(self, name: str, revision: str = "main") -> tuple[Repository, str] | None:
        """A repository that the token may read, and a commit of it; None after a refusal."""
        found = self.hub.repositories.get(name)
        if found is None or (found.private and self.token is None):
            self.refuse(401 if self.token is None else 404, "RepoNotFound", "Repository not found")
            return None
        sha = found.at(revision)
        if sha is None:
            self.refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return None
        return found, sha

    def may_write(self, name: str) -> bool:
        allowed = name.partition("/")[0] in self.hub.owners.get(self.token or "", ())
        if not allowed:
            self.refuse(403, words="You don't have the rights to create a model under this namespace")
        return allowed


# ---- routes ------------------------------------------------------------------------------------------


def create(it: Handler, body: bytes) -> None:
    asked = json.loads(body)
    name = f"{asked['organization']}/{asked['name']}"
    if not it.may_write(name):
        return None
    if name in it.hub.repositories:
        return it.answer({"error": "You already created this model repo", "url": f"{it.hub.address}/{name}"}, 409)
    private = asked.get("private") or asked.get("visibility") == "private"
    it.hub.repositories[name] = Repository(private=bool(private))
    return it.answer({"url": f"{it.hub.address}/{name}"})


def validate(it: Handler, _: bytes) -> None:
    it.answer({"errors": [], "warnings": []})


def about(it: Handler, _: bytes, name: str, revision: str = "main") -> None:
    if found := it.repository(name, revision):
        repository, sha = found
        it.answer({"id": name, "sha": sha, "private": repository.private, "siblings": [], "tags": [], "downloads": 0})


def tree(it: Handler, _: bytes, name: str, revision: str) -> None:
    if found := it.repository(name, revision):
        repository, sha = found
        it.answer(json.dumps([entry(path, held) for path, held in repository.commits[sha].items()]).encode())


def entry(path: str, held: bytes) -> dict[str, Any]:
    plain = {"type": "file", "path": path, "size": len(held), "oid": git_oid(held)}
    lfs = {"oid": hashlib.sha256(held).hexdigest(), "size": len(held), "pointerSize": 130}
    return plain | ({"lfs": lfs} if path.endswith(".safetensors") else {})


def branch(it: Handler, _: bytes, name: str, new: str) -> None:
    if (found := it.repository(name)) and it.may_write(name):
        repository, sha = found
        if new in repository.branches:
            return it.refuse(409, words="Reference already exists")
        repository.branches[new] = sha
        return it.answer()
    return None


def preupload(it: Handler, body: bytes, name: str, revision: str) -> None:
    if it.repository(name, revision) and it.may_write(name):
        paths = [file["path"] for file in json.loads(body)["files"]]
        modes = {path: "lfs" if path.endswith(".safetensors") else "regular" for path in paths}
        it.answer({"files": [{"path": p, "uploadMode": mode, "shouldIgnore": False} for p, mode in modes.items()]})


def batch(it: Handler, body: bytes, name: str) -> None:
    if it.may_write(name):
        objects = json.loads(body)["objects"]
        for each in objects:
            each["actions"] = {"upload": {"href": f"{it.hub.address}/lfs/{each['oid']}", "header": {}}}
        it.answer({"transfer": "basic", "objects": objects})


def put(it: Handler, body: bytes, oid: str) -> None:
    if hashlib.sha256(body).hexdigest() != oid:
        return it.refuse(400, words="another content")
    it.hub.objects[oid] = body
    return it.answer()


def commit(it: Handler, body: bytes, name: str, revision: str) -> None:
    if not ((found := it.repository(name, revision)) and it.may_write(name)):
        return
    repository, sha = found
    held, message = dict(repository.commits[sha]), ""
    for line in map(json.loads, body.splitlines()):
        key, value = line["key"], line["value"]
        if key == "header":
            message = value["summary"]
        elif key == "file":
            held[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            held[value["path"]] = it.hub.objects[value["oid"]]
        elif key == "deletedFile":
            del held[value["path"]]
    new = repository.commit(revision, held, message)
    it.answer({"commitUrl": f"{it.hub.address}/{name}/commit/{new}", "commitOid": new, "success": True})


def resolve(it: Handler, _: bytes, name: str, revision: str, path: str) -> None:
    if not (found := it.repository(name, revision)):
        return None
    repository, sha = found
    held = repository.commits[sha].get(path)
    if held is None:
        return it.refuse(404, "EntryNotFound", "Entry not found")
    tag = hashlib.sha256(held).hexdigest() if path.endswith(".safetensors") else git_oid(held)
    headers = {"X_Repo_Commit": sha, "ETag": f'"{tag}"', "X_Linked_ETag": f'"{tag}"', "X_Linked_Size": str(len(held))}
    wanted = it.headers.get("Range")
    start, status, body = 0, 200, held
    if wanted and it.command == "GET":
        it.hub.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").partition("-")[0])
        status, body = 206, held[start:]
        headers["Content_Range"] = f"bytes {start}-{len(held) - 1}/{len(held)}"
    if it.hub.cut is not None and path.endswith(".safetensors") and it.command == "GET":
        it.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            it.send_header(key.replace("_", "-"), value)
        it.end_headers()
        it.wfile.write(body[: max(0, it.hub.cut - start)])
        it.close_connection = True
        return None
    return it.answer(body, status, **headers)


NAME = r"([\w.-]+/[\w.-]+)"
ROUTES: list[tuple[str, str, Any]] = [
    ("POST", "/api/repos/create", create),
    ("POST", "/api/validate-yaml", validate),
    ("GET", f"/api/models/{NAME}", about),
    ("GET", f"/api/models/{NAME}/revision/(.+)", about),
    ("GET", f"/api/models/{NAME}/tree/(.+)", tree),
    ("POST", f"/api/models/{NAME}/branch/(.+)", branch),
    ("POST", f"/api/models/{NAME}/preupload/(.+)", preupload),
    ("POST", f"/api/models/{NAME}/commit/(.+)", commit),
    ("POST", f"/{NAME}.git/info/lfs/objects/batch", batch),
    ("PUT", "/lfs/(.+)", put),
    ("GET", f"/{NAME}/resolve/([^/]+)/(.+)", resolve),
    ("HEAD", f"/{NAME}/resolve/([^/]+)/(.+)", resolve),
]


@contextmanager
def serving() -> Generator[Hub, None, None]:
    """A hub at `hub.address`, for this block."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
