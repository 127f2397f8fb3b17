"""Who may ask: a key that is sent as clients of OpenAI send it, and without a key no name of another site."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from simemb.errors import ServiceError
from simemb.service.keys import read_key
from simemb.service.state import Service

KEY = "a-key-of-24-characters-x"
Served = Callable[[Service], AbstractContextManager[str]]


def test_a_key_is_asked_for_by_all_but_health_and_the_pages(mini: Any, served: Served) -> None:
    with served(Service(mini, name="mini", key=KEY)) as address, httpx2.Client(base_url=address) as client:
        for path in ("/info", "/metrics", "/v1/models", "/nowhere"):
            for headers in ({}, {"authorization": f"Bearer {KEY}x"}, {"authorization": f"Basic {KEY}"}):
                answer = client.get(path, headers=headers)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        answer = client.post("/embed", content=b"not read", headers={"authorization": "Bearer ä".encode()})
        assert answer.json()["error"] == "the API key is missing or wrong: send it as Authorization: Bearer KEY"
        for path in ("/health", "/docs", "/openapi.json", "/style.css"):
            assert client.get(path).status_code == 200
        assert client.get("/info", headers={"authorization": f"bearer {KEY}"}).status_code == 200
        assert client.get("/health", headers={"host": "evil.example"}).status_code == 200
        with openai.OpenAI(base_url=f"{address}/v1", api_key=KEY) as right:
            assert right.embeddings.create(input="a", model="mini").data
        wrong = openai.OpenAI(base_url=f"{address}/v1", api_key="wrong")
        with wrong, pytest.raises(openai.AuthenticationError, match="the API key is missing or wrong"):
            wrong.embeddings.create(input="a", model="mini")


def test_without_a_key_other_names_of_this_machine_are_refused(mini: Any, served: Served) -> None:
    with served(Service(mini, name="mini", hosts=["box"])) as address, httpx2.Client(base_url=address) as client:
        for host in ("localhost:80", "127.0.0.1", "[::1]:8000", "box:8000", "BOX"):
            assert client.get("/info", headers={"host": host}).status_code == 200
        for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "evil.example:box"):
            answer = client.get("/info", headers={"host": host})
            assert (answer.status_code, answer.json()["error_type"]) == (403, "Forbidden")


def test_a_page_of_another_site_cannot_send_a_body_nor_read_an_answer(url: str) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        answer = httpx2.post(f"{url}/embed", content=b'{"inputs": "a"}', headers={"content-type": kind})
        assert answer.status_code == 415
        assert "access-control-allow-origin" not in answer.headers
    assert httpx2.options(f"{url}/embed", headers={"origin": "https://evil.example"}).status_code == 405


def test_every_answer_has_the_headers_of_safety(url: str) -> None:
    for path in ("/health", "/docs", "/nowhere", "/info"):
        headers = httpx2.get(url + path).headers
        assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
        assert "server" not in headers
    policy = httpx2.get(f"{url}/docs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_key_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("SIMEMB_API_KEY", raising=False)
    path = tmp_path / "key"
    assert read_key(None) == ""
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)
    assert read_key(path) == KEY
    assert not caplog.records
    path.chmod(0o644)
    assert read_key(path) == KEY
    assert "can be read by others: chmod 600" in caplog.text
    monkeypatch.setenv("SIMEMB_API_KEY", "short")
    with pytest.raises(ServiceError, match=r"are both given: which of the two\?"):
        read_key(path)
    assert read_key(None) == "short"
    assert "the key in $SIMEMB_API_KEY is short" in caplog.text


@pytest.mark.parametrize("content", ["", "two words", "ä", "a\nb"])
def test_what_is_no_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.delenv("SIMEMB_API_KEY", raising=False)
    path = tmp_path / "key"
    path.write_text(content)
    with pytest.raises(ServiceError, match="holds no key: one line of printable ASCII without blanks"):
        read_key(path)
    with pytest.raises(ServiceError, match="cannot be read: No such file"):
        read_key(tmp_path / "absent")
