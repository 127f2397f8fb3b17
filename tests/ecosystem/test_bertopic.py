"""BERTopic takes our directories, and finds topics with them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

SUBJECTS = {
    "music": ("guitar", "piano", "violin", "drum", "flute"),
    "money": ("bank", "market", "profit", "loan", "tax"),
    "animals": ("dog", "cat", "horse", "cow", "sheep"),
}
SENTENCES = ("The {} is there.", "I like the {}.", "They talk about a {}.", "A {} is what she wants.")


def test_it_gives_our_vectors_and_finds_topics(specimens: Path, texts: list[str], vectors: Callable) -> None:
    library = pytest.importorskip("bertopic")
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    documents = [sentence.format(word) for words in SUBJECTS.values() for word in words for sentence in SENTENCES]
    model = library.BERTopic(
        embedding_model=str(specimens / "mean"),
        umap_model=PCA(5, random_state=0),
        hdbscan_model=KMeans(3, n_init=10, random_state=0),
    )
    topics, _ = model.fit_transform(documents)
    assert set(topics) == {0, 1, 2}
    np.testing.assert_allclose(model.embedding_model.embed_documents(texts), vectors("mean"), atol=1e-6, rtol=0)
