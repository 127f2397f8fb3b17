"""The vectors of an evaluation: one for each distinct text, computed once or read from a cache."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from simemb.encoder.streaming import TextEncoder
from simemb.errors import ModelError
from simemb.evaluation.vector_cache import VectorCache


class TextVectors:
    """One vector for each distinct text; `vectors[texts]` gives [texts, dim] in the order of `texts`.

    Attributes:
        matrix: All vectors [distinct text, dim].
        progress: Whether tasks may show a progress bar, as in `simemb.progress.track`.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        texts: Iterable[str],
        *,
        batch_size: int | None = None,
        progress: bool | None = None,
        cache: VectorCache | None = None,
    ):
        """Encode the texts, except for those in the cache; new vectors are added to it.

        Raises:
            ModelError: a vector is not finite.
        """
        distinct = list(dict.fromkeys(texts))
        self.progress = progress
        self._row = {text: row for row, text in enumerate(distinct)}

        def encode(batch: list[str]) -> NDArray[np.float32]:
            vectors = encoder.encode(batch, batch_size=batch_size, progress=progress)
            _check(encoder.name, batch, vectors)
            return vectors

        self._encode = encode
        self.matrix = encode(distinct) if cache is None else cache.get_or_encode(distinct, encode)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [texts, dim] of any texts: computed in this call, and neither cached nor kept."""
        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        return self._encode(list(rows))[[rows[text] for text in texts]]

    def __getitem__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.matrix[[self._row[text] for text in texts]]


def _check(name: str, texts: Sequence[str], vectors: NDArray[np.float32]) -> None:
    rows = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if rows.size:
        count = f"{rows.size} of {len(texts)} sentences have a vector that is not finite"
        raise ModelError(f"{name} cannot be scored: {count} (the first: {texts[rows[0]]!r:.60})")
