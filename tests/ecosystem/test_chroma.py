"""Chroma opens our directories, and finds with them what we find."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


def test_it_gives_our_vectors_and_finds_what_we_find(specimens: Path, texts: list[str], vectors: Callable) -> None:
    chromadb = pytest.importorskip("chromadb")
    from chromadb.utils.embedding_functions import SentenceTransformerEmbeddingFunction

    function = SentenceTransformerEmbeddingFunction(model_name=str(specimens / "mean"), device="cpu")
    np.testing.assert_allclose(function(texts), vectors("mean"), atol=1e-6, rtol=0)
    client = chromadb.EphemeralClient(chromadb.Settings(anonymized_telemetry=False))
    collection = client.create_collection(
        "texts", embedding_function=function, configuration={"hnsw": {"space": "cosine"}}
    )
    collection.add(ids=[str(row) for row in range(len(texts))], documents=texts)
    found = collection.query(query_texts=texts[:1], n_results=3)
    cosines = vectors("mean") @ vectors("mean")[0]
    best = np.argsort(-cosines)[:3]
    assert found["ids"][0] == [str(row) for row in best]
    np.testing.assert_allclose(found["distances"][0], 1 - cosines[best], atol=1e-5)
