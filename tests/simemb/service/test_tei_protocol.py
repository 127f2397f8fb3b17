"""text-embeddings-inference's routes: its shapes, its statuses, and vectors that are those of `Encoder.encode`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import numpy as np
import pytest

from simemb.service.state import Service

Post = Callable[..., httpx2.Response]
LONG = "very " * 600


@pytest.mark.parametrize("normalize", [True, False, None])
def test_embed_gives_a_list_of_numbers_for_each_text(post: Post, mini: Any, normalize: bool | None) -> None:
    answer = post("/embed", {"inputs": ["A man", "It rains."], "normalize": normalize})
    assert answer.status_code == 200
    expected = mini.encode(["A man", "It rains."], normalize=normalize is not False)
    np.testing.assert_allclose(np.array(answer.json(), np.float32), expected, atol=1e-5)
    assert answer.headers["x-compute-tokens"] == str(sum(map(len, mini.tokenize(["A man", "It rains."])[0])))


def test_embed_takes_one_text_fewer_dimensions_and_a_prompt(
    prompted_mini: Any, served: Callable[[Service], AbstractContextManager[str]]
) -> None:
    with served(Service(prompted_mini, name="e")) as address, httpx2.Client(base_url=address) as client:
        body = {"inputs": "A man", "dimensions": 16, "prompt_name": "query", "truncation_direction": "Right"}
        expected = prompted_mini.encode_query(["A man"], normalize=True, truncate_dim=16)
        np.testing.assert_allclose(client.post("/embed", json=body).json(), expected, atol=1e-6)
        answer = client.post("/embed", json={"inputs": "A man", "prompt_name": "questoin"})
        assert answer.status_code == 422
        assert "(allowed: query, passage, ask, document)" in answer.json()["error"]
        assert client.get("/info").json()["prompts"]["passage"] == "passage: "


def test_similarity_gives_the_cosines(post: Post, mini: Any) -> None:
    sentences = ["A man plays a guitar.", "It rains.", "Somebody is making music."]
    answer = post("/similarity", {"inputs": {"source_sentence": sentences[2], "sentences": sentences}})
    vectors = mini.encode(sentences, normalize=True)
    np.testing.assert_allclose(answer.json(), vectors @ vectors[2], atol=1e-6)
    named = {"inputs": {"source_sentence": "a", "sentences": ["b"]}, "parameters": {"prompt_name": "query"}}
    assert post("/similarity", named).status_code == 200


def test_a_text_that_is_too_long_is_cut_and_told_or_refused(post: Post, mini: Any) -> None:
    cut = post("/embed", {"inputs": ["short", LONG], "truncate": True})
    np.testing.assert_allclose(cut.json(), mini.encode(["short", LONG], normalize=True), atol=1e-5)
    assert cut.headers["x-truncated-texts"] == "1"
    assert "x-truncated-texts" not in post("/embed", {"inputs": "short"}).headers
    refused = post("/embed", {"inputs": ["short", LONG, "short"], "truncate": False})
    assert refused.status_code == 413
    assert refused.json() == {
        "error": "1 of 3 texts (the first: number 1, from 0) have more than 512 tokens: shorten them, or ask for "
        "truncate",
        "error_type": "Validation",
    }


def test_info_says_what_clients_of_the_protocol_read(url: str, mini: Any) -> None:
    info = httpx2.get(f"{url}/info").json()
    assert info["model_id"] == "mini"
    assert info["model_type"] == {"embedding": {"pooling": "mean"}}
    assert (info["max_input_length"], info["max_client_batch_size"], info["auto_truncate"]) == (512, 2048, True)
    assert (info["model_dtype"], info["dimensions"], info["indexes"]) == ("float32", mini.dim, {"small": 4})


def test_health_and_metrics(url: str) -> None:
    assert httpx2.get(f"{url}/health").status_code == 200
    httpx2.post(f"{url}/embed", json={"inputs": "counted"})
    answer = httpx2.get(f"{url}/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    assert 'simemb_request_seconds_bucket{route="/embed",le="+Inf"}' in answer.text
    assert any(line.startswith("simemb_texts_total ") and line != "simemb_texts_total 0" for line in lines)
    assert "simemb_requests_in_flight 0" in lines


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("/embed", {}, 422, "inputs is missing"),
        ("/embed", {"inputs": "a", "normalize": "yes"}, 422, "normalize must be true or false or null, not 'yes'"),
        ("/embed", {"inputs": "a", "truncation_direction": "Left"}, 422, "unknown truncation_direction 'Left'"),
        ("/embed", [], 422, "the body must be an object, not a list"),
        ("/similarity", {"inputs": "a"}, 422, "inputs must be an object, not 'a'"),
        ("/similarity", {"inputs": {"source_sentence": "a"}}, 422, "inputs.sentences is missing"),
        ("/nowhere", {}, 404, "there is no '/nowhere' here: /docs shows what there is"),
        ("/info", {}, 405, "POST is not for '/info'"),
    ],
)
def test_a_mistake_is_told_in_the_protocols_shape(post: Post, path: str, body: Any, status: int, words: str) -> None:
    answer = post(path, body)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "error_type"}
    assert words in answer.json()["error"]
