"""`simemb serve` as people type it: where it listens, how it ends, and what it refuses in one line."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from simemb.commands import index
from simemb.commands.serve import run
from simemb.errors import SimembError

KEY = "a-key-of-24-characters-x"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """A process with an index and a key, where it listens, and what it said."""
    index.run(["mini", "sample_search", "--output", str(tmp_path / "texts.index")])
    words = ["mini", "--index", str(tmp_path / "texts.index"), "--port", "0"]
    command = [sys.executable, "-m", "simemb", "serve", *words]
    environment = os.environ | {"SIMEMB_API_KEY": KEY}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if "listening on" in line:
            break
    try:
        yield process, said[-1].split(" on ")[1].split()[0], said
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_it_answers_what_was_asked_before_it_ends(server: tuple[subprocess.Popen[str], str, list[str]]) -> None:
    process, address, said = server
    assert "mini: 256 dimensions; 12 texts to search; Ctrl-C stops\n" in said
    headers, answers = {"authorization": f"Bearer {KEY}"}, list[httpx2.Response]()

    def ask() -> None:
        body = {"inputs": ["a long text of many words " * 20] * 150}
        answers.append(httpx2.post(f"{address}/embed", json=body, headers=headers, timeout=120))

    asking = threading.Thread(target=ask)
    asking.start()
    while "simemb_requests_in_flight 1" not in httpx2.get(f"{address}/metrics", headers=headers).text:
        pass
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    asking.join()
    assert (answers[0].status_code, len(answers[0].json())) == (200, 150)
    assert process.stderr is not None
    assert process.stderr.read() == "stopped: every request was answered\n"
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{address}/health")


def test_it_searches_with_the_key_of_the_environment(server: tuple[subprocess.Popen[str], str, list[str]]) -> None:
    process, address, _ = server
    assert httpx2.post(f"{address}/search", json={"query": "a"}).status_code == 401
    answer = httpx2.post(
        f"{address}/search",
        json={"query": "Somebody is making music.", "k": 1},
        headers={"authorization": f"Bearer {KEY}"},
    )
    assert answer.json()["index"] == "texts.index"
    assert any(word in json.dumps(answer.json()) for word in ("guitar", "orchestra"))
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0


def test_what_cannot_be_served_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refusals = {
            ("mini", "--port", str(port)): f"--host 127.0.0.1 --port {port} cannot be used: Address already in use",
            ("mini", "--host", "nowhere.invalid"): "--host nowhere.invalid --port 8000 cannot be used",
            ("mini", "--port", "99999"): "--port must be in 0 to 65535, not 99999",
            ("mini", "--max-texts", "0"): "max_texts must be 1 or more, not 0",
            ("mini", "--port", "0", "--index", str(tmp_path)): "index.json",
            ("mini", "--api-key", "secret"): "unknown option '--api-key': did you mean --api-key-file?",
            ("mini", "--api-key-file", str(tmp_path / "absent")): "cannot be read: No such file or directory",
            ("minni", "--port", "0"): "minni",
            (): "MODEL",
        }
        for words, line in refusals.items():
            with pytest.raises(SimembError) as caught:
                run([*words])
            assert line in str(caught.value)
            assert "secret" not in str(caught.value)
