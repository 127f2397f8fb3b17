"""Every release of sentence-transformers that is asked for opens our directories and gives our vectors."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.mark.parametrize("name", ["mean", "cls", "max", "first_last", "last2", "tanh", "identity", "relu", "prompts"])
def test_it_gives_our_vectors(specimens: Path, texts: list[str], vectors: Callable, name: str) -> None:
    library = pytest.importorskip("sentence_transformers")
    model = library.SentenceTransformer(str(specimens / name), device="cpu")
    lengths = np.linalg.norm(vectors(name), axis=1, keepdims=True)  # some are not of length 1
    np.testing.assert_allclose(model.encode(texts) / lengths, vectors(name) / lengths, atol=1e-6, rtol=0)


def test_it_puts_our_prompts_before_queries_and_documents(specimens: Path, texts: list[str], vectors: Callable) -> None:
    library = pytest.importorskip("sentence_transformers")
    model = library.SentenceTransformer(str(specimens / "prompts"), device="cpu")
    np.testing.assert_allclose(model.encode_query(texts), vectors("prompts", "query"), atol=1e-6, rtol=0)
    np.testing.assert_allclose(model.encode_document(texts), vectors("prompts", "document"), atol=1e-6, rtol=0)
