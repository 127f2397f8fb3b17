"""`/search` finds what `Index.search` finds, with the prompt of queries."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import pytest

from simemb.search.index import Index
from simemb.service.state import Service

Served = Callable[[Service], AbstractContextManager[str]]
Post = Callable[..., httpx2.Response]
TEXTS = ["A man plays a guitar.", "An orchestra plays a symphony.", "The weather is fine.", "A dog runs."]


def hits(answer: httpx2.Response, number: int = 0) -> list[tuple[str, str, float]]:
    assert answer.status_code == 200, answer.text
    return [(hit["id"], hit["text"], round(hit["score"], 5)) for hit in answer.json()["results"][number]["hits"]]


def expected(index: Index, query: str, k: int) -> list[tuple[str, str, float]]:
    return [(hit.id, hit.text, round(hit.score, 5)) for hit in index.search(query, k)]


def test_hits_are_those_of_the_index(mini: Any, prompted_mini: Any, served: Served) -> None:
    plain = Index.build(mini, TEXTS, ids=["g", "o", "w", "d"])
    asking = Index.build(prompted_mini, TEXTS)
    service = Service(mini, name="mini", indexes={"plain": plain, "asking": asking})
    with served(service) as address, httpx2.Client(base_url=address, timeout=30) as client:

        def search(query: Any, **more: Any) -> httpx2.Response:
            return client.post("/search", json={"query": query, **more})

        first = search("Somebody makes music", k=2)
        assert first.json()["index"] == "plain"
        assert hits(first) == expected(plain, "Somebody makes music", 2)
        other = search(["music", "a pet"], index="asking", k=9)
        assert hits(other, 1) == expected(asking, "a pet", 4)
        assert [name for name, *_ in hits(search("music", contains="PLAYS A G"))] == ["g"]
        answer = search("a", index="plian")
        assert (answer.status_code, answer.json()["error"]) == (
            422,
            "unknown index 'plian': did you mean 'plain'? (allowed: plain, asking)",
        )
        assert search("a", k=0).status_code == search("a", k=1001).status_code == 422
        assert search(["a"] * 33).status_code == 413


def test_where_looks_only_at_texts_that_satisfy_it_and_what_is_kept_is_shown(mini: Any, served: Served) -> None:
    kept = [{"lang": "en", "year": 2000 + number} for number in range(3)] + [{}]
    service = Service(mini, name="mini", indexes={"kept": Index.build(mini, TEXTS, metadata=kept)})
    with served(service) as address, httpx2.Client(base_url=address, timeout=30) as client:

        def search(where: str) -> httpx2.Response:
            return client.post("/search", json={"query": "music", "where": where})

        found = search("year >= 2001 and lang = 'en'").json()["results"][0]["hits"]
        assert {hit["id"]: hit["metadata"] for hit in found} == {"1": kept[1], "2": kept[2]}
        answer = search("yaer = 2001")
        assert answer.status_code == 422
        assert "unknown column 'yaer': did you mean 'year'?" in answer.json()["error"]
        assert search("year = ").status_code == search("(" * 60).status_code == 422


def test_without_an_index_there_is_no_search(mini: Any, served: Served) -> None:
    with served(Service(mini, name="mini")) as address:
        assert httpx2.post(f"{address}/search", json={"query": "a"}).status_code == 404


@pytest.mark.parametrize("word", ["rains", ""])
def test_contains_keeps_the_texts_that_have_it(post: Post, word: str) -> None:
    assert len(hits(post("/search", {"query": "music", "contains": word}))) == (0 if word else 4)
    assert [text for _, text, _ in hits(post("/search", {"query": "a", "contains": "GUITAR"}))] == [TEXTS[0]]
