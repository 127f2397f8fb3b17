"""Each limit of a server, and what it answers above it: 413 for what is too large, 429 for what may be sent again."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest

from simemb.errors import ServiceError
from simemb.service import bodies, server
from simemb.service.limits import Admission, Limits
from simemb.service.refusals import Refusal
from simemb.service.state import Service

Served = Callable[[Service], AbstractContextManager[str]]


class Slow:
    """An encoder that waits until it is told to go on."""

    name, dim, prompts, default_prompt, half_type = "slow", 2, dict[str, str](), None, None

    def __init__(self) -> None:
        self.go_on, self.busy = threading.Event(), threading.Event()

    def tokenize(self, texts: Any, _: str = "") -> tuple[list[str], int]:
        return list(texts), 0

    def embed(self, sentences: Any, _: str = "") -> np.ndarray:
        self.busy.set()
        assert self.go_on.wait(30)
        return np.ones((len(sentences), 2), np.float32)


@pytest.mark.parametrize(
    ("limits", "body", "words"),
    [
        (Limits(max_texts=2), {"inputs": ["a", "b", "c"]}, "inputs has 3 items (allowed: 2 at most)"),
        (Limits(max_tokens=9), {"inputs": ["a man"] * 3}, "the texts have more than 9 tokens together: send fewer"),
        (Limits(max_bytes=50), {"inputs": "a" * 50}, "the body has more than 50 bytes: send fewer texts in a request"),
        (Limits(), {"inputs": [1] * 513}, "inputs has 513 items (allowed: 512 at most)"),
    ],
)
def test_what_is_too_large_is_413(mini: Any, served: Served, limits: Limits, body: Any, words: str) -> None:
    with served(Service(mini, name="mini", limits=limits)) as address:
        answer = httpx2.post(f"{address}/embed", json=body)
        assert (answer.status_code, answer.json()) == (413, {"error": words, "error_type": "Validation"})
        answer = httpx2.post(f"{address}/v1/embeddings", json={"input": body["inputs"]})
        assert (answer.status_code, answer.json()["error"]["type"]) == (413, "invalid_request_error")
        assert httpx2.post(f"{address}/embed", json={"inputs": "a"}).status_code == 200


def test_a_body_without_a_length_is_cut_off_at_the_limit(mini: Any, served: Served) -> None:
    def endless() -> Any:
        yield b'{"inputs": "'
        for _ in range(20):
            yield b"a" * 1000

    with served(Service(mini, name="mini", limits=Limits(max_bytes=10_000))) as address:
        json_type = {"content-type": "application/json"}
        assert httpx2.post(f"{address}/embed", content=endless(), headers=json_type).status_code == 413


def test_a_body_that_does_not_come_is_408(mini: Any, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE", 0.1)
    with served(Service(mini, name="mini")) as address:
        place = urlsplit(address)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)
        connection.putrequest("POST", "/embed")
        connection.putheader("content-type", "application/json")
        connection.putheader("content-length", "100")
        connection.endheaders(b"{")
        answer = connection.getresponse()
        assert answer.status == 408
        assert json.loads(answer.read())["error"] == "the body did not come within 0.1 seconds"
        connection.close()


def test_more_requests_than_are_answered_at_once_are_429_and_the_others_lose_nothing(served: Served) -> None:
    slow, answers = Slow(), list[int]()
    service = Service(slow, name="slow", limits=Limits(max_requests=2))
    with served(service) as address:
        first = [threading.Thread(target=_ask, args=(address, answers)) for _ in range(2)]
        for thread in first:
            thread.start()
        assert slow.busy.wait(20)
        while service.admission.requests < 2:
            time.sleep(0.01)
        answer = httpx2.post(f"{address}/embed", json={"inputs": "a"}, timeout=30)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
        assert answer.json()["error_type"] == "Overloaded"
        assert httpx2.get(f"{address}/health").status_code == 200
        slow.go_on.set()
        for thread in first:
            thread.join()
    assert answers == [200, 200]


def _ask(address: str, answers: list[int]) -> None:
    answers.append(httpx2.post(f"{address}/embed", json={"inputs": "a"}, timeout=30).status_code)


def test_what_takes_too_long_when_the_server_stops_may_be_asked_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "GRACE", 0.2)
    slow, answers = Slow(), list[int]()
    service = Service(slow, name="slow")
    with served(service) as address:
        asking = threading.Thread(target=_ask, args=(address, answers))
        asking.start()
        assert slow.busy.wait(20)
        threading.Timer(1, slow.go_on.set).start()
    asking.join()
    assert (answers, service.cut_off) == ([503], 1)


def test_memory_is_counted_and_given_back() -> None:
    admission = Admission(Limits(max_bytes=10, max_texts=1))
    ticket = admission.enter()
    ticket.hold(size=160, texts=16)
    for more in ({"size": 1}, {"texts": 1}):
        with pytest.raises(Refusal, match="fill the memory"):
            admission.enter().hold(**more)
    ticket.leave()
    assert (admission.bytes, admission.texts) == (0, 0)


def test_a_limit_of_nothing_is_refused() -> None:
    with pytest.raises(ServiceError, match="max_texts must be 1 or more, not 0"):
        Limits(max_texts=0)
