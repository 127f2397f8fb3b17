"""Haystack opens our directories."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


def test_it_gives_our_vectors(specimens: Path, texts: list[str], vectors: Callable) -> None:
    haystack = pytest.importorskip("haystack")
    from haystack.components.embedders import SentenceTransformersDocumentEmbedder, SentenceTransformersTextEmbedder

    settings = {"device": haystack.utils.ComponentDevice.from_str("cpu"), "progress_bar": False}
    queries = SentenceTransformersTextEmbedder(model=str(specimens / "mean"), **settings)
    documents = SentenceTransformersDocumentEmbedder(model=str(specimens / "mean"), **settings)
    queries.warm_up()
    documents.warm_up()
    np.testing.assert_allclose(queries.run(texts[0])["embedding"], vectors("mean")[0], atol=1e-6, rtol=0)
    found = documents.run([haystack.Document(content=text) for text in texts])["documents"]
    np.testing.assert_allclose([document.embedding for document in found], vectors("mean"), atol=1e-6, rtol=0)


def test_it_puts_our_prompts_before_queries(specimens: Path, texts: list[str], vectors: Callable) -> None:
    haystack = pytest.importorskip("haystack")
    from haystack.components.embedders import SentenceTransformersTextEmbedder

    device = haystack.utils.ComponentDevice.from_str("cpu")
    queries = SentenceTransformersTextEmbedder(
        model=str(specimens / "prompts"), device=device, progress_bar=False, prefix="query: "
    )
    queries.warm_up()
    np.testing.assert_allclose(queries.run(texts[0])["embedding"], vectors("prompts", "query")[0], atol=1e-6, rtol=0)
