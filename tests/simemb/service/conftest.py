"""A server on a socket of its own, as clients find it, and the encoder behind it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx2
import pytest

from simemb.encoder.encoder import Encoder
from simemb.search.index import Index
from simemb.service import server
from simemb.service.state import Service

TEXTS = ["A man plays a guitar.", "An orchestra plays a symphony.", "The weather is fine.", "A dog runs in the park."]


@contextmanager
def serving(service: Service) -> Iterator[str]:
    """The address of a service that answers meanwhile."""
    listener, ready = server.bound("127.0.0.1", 0), threading.Event()
    running = server.Server(service, started=ready.set)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    assert ready.wait(30)
    try:
        yield server.url_of(listener)
    finally:
        running.should_exit = True
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def mini() -> Any:
    """The encoder that ships."""
    return Encoder.load("mini")


@pytest.fixture(scope="session")
def prompted_mini() -> Any:
    """The same with prompts."""
    return Encoder.load("mini").set_prompts({"query": "query: ", "passage": "passage: ", "ask": "which? "})


@pytest.fixture(scope="session")
def url(mini: Any) -> Iterator[str]:
    """A server of `mini` and an index of a few texts, for tests that only ask."""
    with serving(Service(mini, name="mini", indexes={"small": Index.build(mini, TEXTS)})) as address:
        yield address


@pytest.fixture
def post(url: str) -> Iterator[Callable[..., httpx2.Response]]:
    """Post JSON to a path of that server."""
    with httpx2.Client(base_url=url, timeout=30) as client:
        yield lambda path, body, **more: client.post(path, json=body, **more)


@pytest.fixture
def served() -> Callable[[Service], AbstractContextManager[str]]:
    """`serving`, for servers of a test's own."""
    return serving
