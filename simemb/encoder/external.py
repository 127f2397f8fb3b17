"""Sentence-transformers models with modules that simemb does not implement, behind the same `encode`.

sentence-transformers itself runs them (static embeddings, CLIP, LSTMs ...). They can be scored, indexed and searched,
but not trained here.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simemb.encoder.streaming import Encodes
from simemb.encoder.vector_files import Vectors

_IGNORED_PREFIXES = (".", "__pycache__", "README")
"""Prefixes of the names of files and folders that do not affect the vectors."""


class ExternalEncoder(Encodes):
    """A `sentence_transformers.SentenceTransformer` with the interface of `TextEncoder`; see `Encoder.load`.

    directory: the one that it was loaded from. name: a path or a hub name. truncate_dim: dimensions to keep.
    """

    def __init__(self, model: Any, *, directory: Path, name: str, truncate_dim: int | None = None):
        self.model = model
        self.directory = directory
        self.name = name
        self.truncate_dim = truncate_dim

    @property
    def width(self) -> int:
        """Length of the vectors before they are truncated."""
        return int(self.model.get_embedding_dimension())

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return min(self.width, self.truncate_dim or self.width)

    def fingerprint(self) -> str:
        """SHA-256 over all files except hidden ones, compiled Python and the model card.

        It covers files and not loaded weights, because a module may initialize weights at random that it never uses (a
        pooler). It covers all files, because a model may contain its own code, and weights in any format.
        """
        digest = hashlib.sha256(f"{self.truncate_dim}".encode())
        for path in sorted(self.directory.rglob("*")):
            relative = path.relative_to(self.directory)
            if path.is_file() and not any(part.startswith(_IGNORED_PREFIXES) for part in relative.parts):
                digest.update(relative.as_posix().encode())
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def tokenize(self, texts: Sequence[str]) -> tuple[list[str], int]:
        """The texts themselves and 0: sentence-transformers tokenizes them and does not report truncation."""
        return list(texts), 0

    def embed(self, sentences: Sequence[str]) -> Vectors:
        """Vectors of one batch of texts."""
        output = self.model.encode(list(sentences), show_progress_bar=False, convert_to_numpy=True)
        vectors = np.asarray(output, np.float32)[:, : self.truncate_dim]
        # Static embeddings in half precision give 0 / |0| = nan for a text without tokens.
        return np.where(np.isnan(vectors).all(axis=1, keepdims=True), np.float32(0), vectors)
