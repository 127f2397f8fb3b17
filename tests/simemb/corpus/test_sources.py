"""Where a corpus is looked for, and the hub's real download code against a server on this machine."""

import gzip
import hashlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants, file_download

from simemb.corpus import sources
from simemb.corpus.rows import open_rows
from simemb.corpus.sources import Hub, Source
from simemb.errors import DataError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXT = gzip.compress(b"A sentence of the hub.\n" * 50_000, mtime=0)
SOURCE = Source(
    name="tiny",
    description="a corpus of the tests",
    path="tiny/sentences.txt.gz",
    sha256=hashlib.sha256(TEXT).hexdigest(),
    columns=("sentence",),
    hub=Hub(
        repo="someone/tiny",
        file="folder/lines.txt.gz",
        revision=COMMIT,
        columns=("sentence",),
        note="the same lines",
    ),
    license="none",
    citation="none",
)


class HubServer(ThreadingHTTPServer):
    """Speaks what the hub's client needs: HEAD with ETag and commit, GET with Range."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.content = TEXT
        self.etag = hashlib.sha256(TEXT).hexdigest()
        self.cut: int | None = None  # the connection is closed after so many bytes of a body
        self.file = "folder/lines.txt.gz"
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(BaseHTTPRequestHandler):
    server: HubServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.respond(with_body=False)

    def do_GET(self) -> None:
        self.respond(with_body=True)

    def respond(self, *, with_body: bool) -> None:
        server = self.server
        server.requests.append(f"{self.command} {self.path}")
        if self.path != f"/datasets/someone/tiny/resolve/{COMMIT}/{server.file}":
            self.send_error(404, "Entry not found")
            return
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        body = server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("ETag", f'"{server.etag}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        self.end_headers()
        if with_body:
            allowed = None if server.cut is None else max(server.cut - start, 0)
            self.wfile.write(body[:allowed])
            self.close_connection = True


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch) -> Path:
    """An empty $SIMEMB_DATA, an empty cache and an empty hub cache."""
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    # The client waits a second before each try to resume.
    monkeypatch.setattr(file_download.time, "sleep", lambda _: None)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def hub(monkeypatch) -> Iterator[HubServer]:
    server = HubServer()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def place(folder: Path, content: bytes) -> Path:
    path = folder / "tiny/sentences.txt.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def files_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_the_data_folder_comes_before_the_cache(folders: Path):
    cached = place(folders / "cache", TEXT)
    assert sources.locate(SOURCE).place == "cache"
    assert sources.find(SOURCE) == cached
    local = place(folders / "data", TEXT)
    found = sources.locate(SOURCE)
    assert (found.path, found.place, found.commit) == (local, "$SIMEMB_DATA", None)
    assert found.sha256 == SOURCE.sha256


def test_another_file_than_the_recorded_one_is_used_with_a_notice(folders: Path, caplog):
    path = place(folders / "data", TEXT)
    with caplog.at_level(logging.WARNING, "simemb"):
        sources.find(SOURCE)
        assert not caplog.records
        path.write_bytes(gzip.compress(b"My own sentence.\n"))
        assert sources.find(SOURCE) == path
    assert "is not the recorded file of corpus 'tiny'" in caplog.text


def test_the_hub_is_asked_once_and_its_file_is_verified(hub: HubServer, caplog):
    with caplog.at_level(logging.WARNING, "simemb"):
        found = sources.locate(SOURCE)
    assert found.path.read_bytes() == TEXT
    assert (found.place, found.commit, found.sha256) == ("hub", COMMIT, SOURCE.sha256)
    assert "corpus 'tiny' comes from the hub: the same lines" in caplog.text
    assert hub.requests
    hub.requests.clear()
    assert sources.locate(SOURCE) == found
    assert hub.requests == []


def test_a_small_file_is_verified_by_its_git_checksum(hub: HubServer):
    hub.etag = hashlib.sha1(f"blob {len(TEXT)}\0".encode() + TEXT).hexdigest()
    assert sources.find(SOURCE).read_bytes() == TEXT


def test_the_columns_of_a_hub_file_may_have_other_names(hub: HubServer):
    hub.file = "lines.csv"
    hub.content = b"gold,right,left\n2,b,a\n"
    hub.etag = hashlib.sha256(hub.content).hexdigest()
    there = Hub(repo="someone/tiny", file="lines.csv", revision=COMMIT, columns=("left", "right"), score="gold")
    rows = open_rows(replace(SOURCE, columns=("anchor", "positive"), hub=there))
    assert list(rows.scored()) == [("a", "b", 2.0)]


def test_a_download_that_breaks_off_leaves_nothing_and_can_be_tried_again(hub: HubServer, folders: Path):
    hub.cut = len(TEXT) // 2
    with pytest.raises(DataError, match=r"the download of corpus 'tiny' .* broke off: .*; nothing of it was") as caught:
        sources.find(SOURCE)
    assert "\n" not in str(caught.value)
    assert files_of(folders / "hub" / "datasets--someone--tiny") == []
    hub.cut = None
    assert sources.find(SOURCE).read_bytes() == TEXT


def test_a_download_whose_content_is_wrong_is_removed_and_can_be_tried_again(hub: HubServer, folders: Path):
    hub.content = TEXT[:-1] + b"?"
    with pytest.raises(DataError, match=r"is damaged: checksum .*, expected .*; it was removed, run the same"):
        sources.find(SOURCE)
    assert files_of(folders / "hub" / "datasets--someone--tiny") == []
    hub.content = TEXT
    assert sources.find(SOURCE).read_bytes() == TEXT


def test_a_hub_file_damaged_in_the_cache_is_noticed(hub: HubServer):
    path = sources.find(SOURCE)
    path.resolve().write_bytes(TEXT[:-1])
    with pytest.raises(DataError, match="is damaged"):
        sources.find(SOURCE)
    assert sources.find(SOURCE).read_bytes() == TEXT


def test_without_a_network_the_three_places_are_named(folders: Path):
    with pytest.raises(DataError, match="corpus 'tiny' was not found") as caught:
        sources.find(SOURCE)
    message = str(caught.value)
    assert "\n" not in message
    for part in (folders / "data/tiny", folders / "cache/tiny", "someone/tiny on the hub cannot be reached"):
        assert str(part) in message
    assert "set SIMEMB_DATA to a folder that holds it, copy it into the cache, or use 'sample'" in message


def test_a_file_the_hub_does_not_have_is_an_error(hub: HubServer):
    gone = replace(SOURCE, hub=replace(SOURCE.hub, file="gone.txt"))
    with pytest.raises(DataError, match=r"someone/tiny on the hub cannot be reached .*404"):
        sources.find(gone)


def test_a_corpus_that_is_nowhere_says_so(monkeypatch):
    monkeypatch.delenv("SIMEMB_DATA")
    with pytest.raises(DataError, match=r"not in \$SIMEMB_DATA \(not set\), .* and it is not on the hub"):
        sources.find(replace(SOURCE, hub=None))


def test_a_corpus_made_in_memory_has_rows_but_no_file():
    made = replace(SOURCE, path=None, generate=lambda: ["one", "two"])
    assert list(open_rows(made).texts()) == [("one",), ("two",)]
    assert open_rows(made).name == "tiny"
    with pytest.raises(DataError, match="corpus 'tiny' has no file: it is made in memory"):
        sources.find(made)


def test_an_unknown_corpus_is_named_with_its_nearest_match():
    with pytest.raises(DataError, match=r"unknown corpus 'stsb-dev': did you mean 'stsb_dev'\?"):
        sources.get("stsb-dev")


def test_a_corpus_is_local_where_no_download_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIMEMB_DATA", raising=False)
    assert not sources.is_local(SOURCE)
    path = tmp_path / str(SOURCE.path)
    path.parent.mkdir()
    path.write_bytes(TEXT)
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path))
    assert sources.is_local(SOURCE)
    assert not sources.is_local(replace(SOURCE, path=None))


@pytest.mark.parametrize(("data", "words"), [("", "must name a file"), ("a*.txt", "patterns are the shell's")])
def test_a_name_that_is_none_is_answered(data: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        open_rows(data)
