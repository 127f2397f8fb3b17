"""LangChain opens our directories."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


def test_it_gives_our_vectors(specimens: Path, texts: list[str], vectors: Callable) -> None:
    library = pytest.importorskip("langchain_huggingface")
    model = library.HuggingFaceEmbeddings(model_name=str(specimens / "mean"), model_kwargs={"device": "cpu"})
    np.testing.assert_allclose(model.embed_documents(texts), vectors("mean"), atol=1e-6, rtol=0)
    np.testing.assert_allclose(model.embed_query(texts[0]), vectors("mean")[0], atol=1e-6, rtol=0)


def test_it_puts_our_prompts_before_queries_and_documents(specimens: Path, texts: list[str], vectors: Callable) -> None:
    library = pytest.importorskip("langchain_huggingface")
    model = library.HuggingFaceEmbeddings(
        model_name=str(specimens / "prompts"),
        model_kwargs={"device": "cpu"},
        encode_kwargs={"prompt_name": "document"},
        query_encode_kwargs={"prompt_name": "query"},
    )
    np.testing.assert_allclose(model.embed_documents(texts), vectors("prompts", "document"), atol=1e-6, rtol=0)
    np.testing.assert_allclose(model.embed_query(texts[0]), vectors("prompts", "query")[0], atol=1e-6, rtol=0)
