"""OpenAI's own client works with the server by its address alone, and every vector is that of `Encoder.encode`."""

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import numpy as np
import openai
import pytest

from simemb.service.state import Service

TEXTS = ["A man plays a guitar.", "", "Somebody is making music, and it rains.", "狗在跑", "half \ud83d of a pair"]


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as found:
        yield found


def vectors(answer: Any) -> np.ndarray:
    return np.array([item.embedding for item in answer.data], np.float32)


@pytest.mark.parametrize("form", ["float", "base64", None])
def test_the_vectors_are_those_of_encode(client: openai.OpenAI, mini: Any, form: str | None) -> None:
    how = {} if form is None else {"encoding_format": form}  # by default the client asks for base64
    texts = [text for text in TEXTS if "\ud83d" not in text]
    answer = client.embeddings.create(input=texts, model="mini", **how)
    found = answer.data if form != "base64" else [_decoded(item) for item in answer.data]
    assert [item.index for item in found] == [0, 1, 2, 3]
    np.testing.assert_allclose(vectors(answer), mini.encode(texts, normalize=True), atol=1e-6)
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == sum(map(len, mini.tokenize(texts)[0]))
    assert (answer.model, answer.object) == ("mini", "list")


def _decoded(item: Any) -> Any:
    item.embedding = np.frombuffer(base64.b64decode(item.embedding), "<f4").tolist()
    return item


def test_one_text_dimensions_and_any_name_of_a_model(client: openai.OpenAI, mini: Any) -> None:
    answer = client.embeddings.create(input="A man", model="text-embedding-3-small", dimensions=32)
    expected = mini.encode(["A man"], normalize=True, truncate_dim=32)
    np.testing.assert_allclose(vectors(answer), expected, atol=1e-6)
    assert answer.model == "mini"


def test_token_ids_are_taken_as_the_tokenizer_gives_them(client: openai.OpenAI, mini: Any) -> None:
    texts = ["A man plays a guitar.", "It rains."]
    ids = mini.tokenize(texts)[0]
    np.testing.assert_allclose(
        vectors(client.embeddings.create(input=ids, model="mini")), mini.encode(texts, normalize=True), atol=1e-6
    )
    np.testing.assert_allclose(
        vectors(client.embeddings.create(input=ids[1], model="mini"))[0],
        mini.encode(texts[1], normalize=True),
        atol=1e-6,
    )


def test_half_of_a_surrogate_pair_is_read_as_encode_reads_it(url: str, mini: Any) -> None:
    body = r'{"input": "half \ud83d of a pair"}'
    answer = httpx2.post(f"{url}/v1/embeddings", content=body, headers={"content-type": "application/json"}).json()
    np.testing.assert_allclose(
        answer["data"][0]["embedding"], mini.encode("half \ud83d of a pair", normalize=True), atol=1e-6
    )


def test_a_prompt_is_taken_by_its_name_or_its_role(
    prompted_mini: Any, served: Callable[[Service], AbstractContextManager[str]]
) -> None:
    encoder = prompted_mini
    with (
        served(Service(encoder, name="e")) as address,
        openai.OpenAI(base_url=f"{address}/v1", api_key="none") as client,
    ):

        def asked(name: str | None) -> np.ndarray:
            more = {} if name is None else {"extra_body": {"prompt_name": name}}
            return vectors(client.embeddings.create(input="A man", model="e", **more))

        np.testing.assert_allclose(asked(None), encoder.encode(["A man"], normalize=True), atol=1e-6)
        np.testing.assert_allclose(asked("query"), encoder.encode_query(["A man"], normalize=True), atol=1e-6)
        np.testing.assert_allclose(asked("document"), encoder.encode_document(["A man"], normalize=True), atol=1e-6)
        named = encoder.encode(["A man"], normalize=True, prompt_name="ask")
        np.testing.assert_allclose(asked("ask"), named, atol=1e-6)


def test_the_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["mini"]
    assert client.models.retrieve("mini").owned_by == "simemb"
    with pytest.raises(openai.NotFoundError, match=r"unknown model 'minni': did you mean 'mini'\?"):
        client.models.retrieve("minni")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": 5}, "input must be a string, a list of strings, a list of token ids, or a list of such lists"),
        ({"input": ["a", 5]}, r"input\[1\] must be a string, not 5"),
        ({"input": [1, "a"]}, r"input\[1\] must be a whole number, not 'a'"),
        ({"input": []}, r"input has 0 items \(allowed: 1 or more\)"),
        ({"input": [16000]}, r"input\[0\] must be in 0 to 15999, not 16000"),
        ({"input": "a", "dimensions": 257}, "dimensions must be in 1 to 256, not 257"),
        ({"input": "a", "dimensions": True}, "dimensions must be a whole number or null, not True"),
        ({"input": "a", "encoding_format": "int8"}, r"unknown encoding_format 'int8' \(allowed: float, base64\)"),
        ({}, "input is missing"),
    ],
)
def test_a_mistake_is_told_in_one_line_in_openais_shape(client: openai.OpenAI, body: Any, message: str) -> None:
    with pytest.raises(openai.BadRequestError, match=message) as caught:
        client.post("/embeddings", body=body, cast_to=object)
    assert caught.value.type == "invalid_request_error"
    assert "\n" not in caught.value.message


def test_32_clients_at_once_get_the_vectors_of_encode(url: str, mini: Any) -> None:
    texts = [f"A man number {number} plays {'very ' * (number % 7)}well." for number in range(320)]
    expected = mini.encode(texts, normalize=True)

    def ask(first: int) -> float:
        with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as own:
            answers = [own.embeddings.create(input=texts[row], model="mini") for row in range(first, 320, 32)]
        found = np.concatenate([vectors(answer) for answer in answers])
        return float(np.abs(found - expected[first::32]).max())

    with ThreadPoolExecutor(32) as pool:
        assert max(pool.map(ask, range(32))) < 1e-5
