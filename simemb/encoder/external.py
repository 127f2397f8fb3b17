"""Sentence-transformers models with modules that we do not know, behind the same `encode`.

They run through sentence-transformers itself (static embeddings, CLIP, LSTMs ...): they can be scored,
indexed and searched, but not trained here.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simemb.encoder.streaming import Encodes
from simemb.encoder.vector_files import Vectors

_LEFT_OUT = (".", "__pycache__", "README")
"""What the names of files and folders begin with that change no vector."""


class ExternalEncoder(Encodes):
    """A `sentence_transformers.SentenceTransformer` that keeps our interface; see `Encoder.load`.

    directory: where it was loaded from. name: how a person would call it.
    """

    def __init__(self, model: Any, *, directory: Path, name: str, truncate_dim: int | None = None):
        self.model = model
        self.directory = directory
        self.name = name
        self.truncate_dim = truncate_dim

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        width = int(self.model.get_embedding_dimension())
        return min(width, self.truncate_dim or width)

    def fingerprint(self) -> str:
        """SHA-256 over all files but hidden ones, what Python compiled, and the model card.

        The files and not what they become: a module may draw weights that it never uses (a pooler). All of them, since
        a model may bring its own code, and weights in any format.
        """
        digest = hashlib.sha256(f"{self.truncate_dim}".encode())
        for path in sorted(self.directory.rglob("*")):
            place = path.relative_to(self.directory)
            if path.is_file() and not any(part.startswith(_LEFT_OUT) for part in place.parts):
                digest.update(place.as_posix().encode())
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def tokenize(self, texts: Sequence[str]) -> tuple[list[str], int]:
        """The texts themselves: sentence-transformers tokenises, and does not tell what it cuts."""
        return list(texts), 0

    def embed(self, sentences: Sequence[str]) -> Vectors:
        """Vectors of one batch of texts."""
        output = self.model.encode(list(sentences), show_progress_bar=False, convert_to_numpy=True)
        vectors = np.asarray(output, np.float32)[:, : self.truncate_dim]
        # a text without any token is 0 / |0| to static embeddings in half precision
        return np.where(np.isnan(vectors).all(axis=1, keepdims=True), np.float32(0), vectors)
