"""Haystack opens our directories."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

EMBEDDERS = "haystack_integrations.components.embedders.sentence_transformers"


def test_it_gives_our_vectors(specimens: Path, texts: list[str], vectors: Callable) -> None:
    haystack, library = pytest.importorskip("haystack"), pytest.importorskip(EMBEDDERS)
    settings = {"device": haystack.utils.ComponentDevice.from_str("cpu"), "progress_bar": False}
    queries = library.SentenceTransformersTextEmbedder(model=str(specimens / "mean"), **settings)
    documents = library.SentenceTransformersDocumentEmbedder(model=str(specimens / "mean"), **settings)
    queries.warm_up()
    documents.warm_up()
    np.testing.assert_allclose(queries.run(texts[0])["embedding"], vectors("mean")[0], atol=1e-6, rtol=0)
    found = documents.run([haystack.Document(content=text) for text in texts])["documents"]
    np.testing.assert_allclose([document.embedding for document in found], vectors("mean"), atol=1e-6, rtol=0)


def test_it_puts_our_prompts_before_queries(specimens: Path, texts: list[str], vectors: Callable) -> None:
    haystack, library = pytest.importorskip("haystack"), pytest.importorskip(EMBEDDERS)
    device = haystack.utils.ComponentDevice.from_str("cpu")
    queries = library.SentenceTransformersTextEmbedder(
        model=str(specimens / "prompts"), device=device, progress_bar=False, prefix="query: "
    )
    queries.warm_up()
    np.testing.assert_allclose(queries.run(texts[0])["embedding"], vectors("prompts", "query")[0], atol=1e-6, rtol=0)
