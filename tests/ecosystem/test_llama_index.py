"""LlamaIndex opens our directories."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


def test_it_gives_our_vectors(specimens: Path, texts: list[str], vectors: Callable) -> None:
    library = pytest.importorskip("llama_index.embeddings.huggingface")
    model = library.HuggingFaceEmbedding(model_name=str(specimens / "mean"), device="cpu")
    np.testing.assert_allclose(model.get_text_embedding_batch(texts), vectors("mean"), atol=1e-6, rtol=0)
    np.testing.assert_allclose(model.get_query_embedding(texts[0]), vectors("mean")[0], atol=1e-6, rtol=0)


def test_it_puts_our_prompts_before_queries_and_documents(specimens: Path, texts: list[str], vectors: Callable) -> None:
    library = pytest.importorskip("llama_index.embeddings.huggingface")
    model = library.HuggingFaceEmbedding(
        model_name=str(specimens / "prompts"),
        device="cpu",
        query_instruction="query: ",
        text_instruction="passage: ",
    )
    np.testing.assert_allclose(model.get_text_embedding_batch(texts), vectors("prompts", "document"), atol=1e-6, rtol=0)
    np.testing.assert_allclose(model.get_query_embedding(texts[0]), vectors("prompts", "query")[0], atol=1e-6, rtol=0)
