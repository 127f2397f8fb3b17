"""The map of an index: its texts on the first two principal components of their vectors."""

import asyncio
from typing import Any

import numpy as np

from simemb.search.index import Index
from simemb.service import corpus_map
from simemb.service.corpus_map import draw

PLAIN = ["A man plays a guitar.", "An orchestra plays a symphony.", "The weather is fine.", "A dog runs in the park."]


def test_the_map_is_that_of_the_principal_components(mini: Any) -> None:
    texts = [f"{text} {number}" for number in range(5) for text in PLAIN]

    async def encode(some: Any) -> Any:
        return mini.encode(some)

    found = asyncio.run(draw(Index.build(mini, texts), encode))
    vectors = mini.encode(texts, normalize=True).astype(np.float64)
    values, directions = np.linalg.eigh(np.cov(vectors.T))
    places = (vectors - vectors.mean(axis=0)) @ directions[:, :-3:-1]
    np.testing.assert_allclose(np.abs(found.places), np.abs(places), atol=1e-5)
    np.testing.assert_allclose(found.explained, values[:-3:-1] / values.sum(), atol=1e-5)
    np.testing.assert_allclose(found.place(mini.encode(texts)), found.places, atol=1e-5)
    single = asyncio.run(draw(Index.build(mini, ["one text"]), encode))
    assert single.places.tolist() == [[0.0, 0.0]]


def test_of_a_large_index_every_nth_text_is_drawn(mini: Any, monkeypatch: Any) -> None:
    async def encode(some: Any) -> Any:
        return mini.encode(some)

    monkeypatch.setattr(corpus_map, "POINTS", 4)
    found = asyncio.run(draw(Index.build(mini, [f"text {number}" for number in range(10)]), encode))
    assert found.ids == ["0", "3", "6", "9"]
