"""The vectors of an evaluation: one for each distinct text, computed once or read from a cache."""

from collections.abc import Iterable, Sequence
from copy import copy
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simemb.encoder.prompts import ROLES, Role, prompt_for
from simemb.encoder.streaming import TextEncoder
from simemb.encoder.unit_vectors import refuse_infinite
from simemb.encoder.unknown_tokens import look
from simemb.evaluation.vector_cache import VectorCache


class TextVectors:
    """One vector for each distinct text; `vectors[texts]` gives [texts, dim] in the order of `texts`.

    A model with prompts gives queries and documents other vectors than other texts: `of` has those.

    Attributes:
        matrix: All vectors [distinct text, dim].
        progress: Whether tasks may show a progress bar, as in `simemb.progress.track`.
    """

    def __init__(
        self,
        encoder: TextEncoder,
        texts: Iterable[str],
        *,
        by_role: Iterable[tuple[Role, str]] = (),
        batch_size: int | None = None,
        progress: bool | None = None,
        cache: VectorCache | None = None,
    ):
        """Encode the texts, except for those in the cache; new vectors are added to it.

        by_role: further texts, each with what it is to its task.

        Raises:
            ModelError: a vector is not finite.
        """
        self.progress = progress
        self._encoder, self._batch_size = encoder, batch_size
        self._prompts = {role: prompt_for(encoder, role) for role in ROLES}
        plain: Iterable[tuple[Role, str]] = (("text", text) for text in texts)
        self._rows: dict[tuple[str, str], int] = {}
        for role, text in chain(plain, by_role):
            self._rows.setdefault((self._prompts[role], text), len(self._rows))
        if cache is not None:  # whose vectors need no tokens
            look(encoder, [text for _, text in self._rows])
        self.matrix = self._encode_all(cache)
        self._dims: int | None = None

    def cut(self, dims: int | None) -> "TextVectors":
        """The first dimensions of the same vectors, as `Encoder.encode(truncate_dim=...)` gives them; None: all."""
        cut = copy(self)
        cut._dims, cut.matrix = dims, np.ascontiguousarray(self.matrix[:, :dims])
        return cut

    def _encode_all(self, cache: VectorCache | None) -> NDArray[np.float32]:
        """The vectors of all rows, those of each prompt in one call."""
        matrix: NDArray[np.float32] | None = None
        for prompt in dict.fromkeys(prompt for prompt, _ in self._rows) or [""]:
            rows = {text: row for (of_row, text), row in self._rows.items() if of_row == prompt}
            encode = partial(self._encode, prompt=prompt)
            vectors = encode(list(rows)) if cache is None else cache.get_or_encode(list(rows), encode, prompt)
            if len(rows) == len(self._rows):
                return vectors
            matrix = np.empty((len(self._rows), vectors.shape[1]), np.float32) if matrix is None else matrix
            matrix[list(rows.values())] = vectors
        assert matrix is not None
        return matrix

    def _encode(self, batch: list[str], prompt: str) -> NDArray[np.float32]:
        options: dict[str, Any] = {"prompt": prompt} if getattr(self._encoder, "prompts", {}) else {}
        vectors = self._encoder.encode(batch, batch_size=self._batch_size, progress=self.progress, **options)
        refuse_infinite(vectors, batch, self._encoder.name)
        return vectors

    def encode(self, texts: Sequence[str], role: Role = "text") -> NDArray[np.float32]:
        """Vectors [texts, dim] of any texts: computed in this call, and neither cached nor kept."""
        rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        return self._encode(list(rows), self._prompts[role])[[rows[text] for text in texts], : self._dims]

    def of(self, role: Role, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors [texts, dim] of texts in a role."""
        return self.matrix[[self._rows[self._prompts[role], text] for text in texts]]

    def __getitem__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.of("text", texts)
