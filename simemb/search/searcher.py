"""Searching an index: queries as people hold them, against segments, with the encoder that made their vectors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from simemb.arguments import checked
from simemb.encoder.prompts import Role, prompted
from simemb.encoder.streaming import TextEncoder
from simemb.errors import SearchError
from simemb.search import origin_encoder
from simemb.search.finite import finite_unit
from simemb.search.hits import Hit, hits_of
from simemb.search.origin import Origin
from simemb.search.queries import Queries, several, single
from simemb.search.segment import Segment
from simemb.search.segments import Effort, Segments
from simemb.search.where import Where


class Searcher:
    """The half of `simemb.Index` that reads: its segments, its encoder, and how thoroughly they are searched."""

    def __init__(self, origin: Origin, segments: Segments, effort: int, rescore: int) -> None:
        self.origin = origin
        self.effort = effort
        self.rescore = rescore
        self._segments = segments
        self._encoder: TextEncoder | None = None
        self._device: str | None = None
        self._beside: Path | None = None

    @checked
    def search(self, query: Any, k: int = 5, *, where: str | None = None) -> list[Hit]:
        """The k texts nearest to a text or a vector [dim], best first; all texts if the index has fewer than k.

        where: only texts that satisfy an expression, such as "lang = 'de' and year >= 2020"
        (`simemb.search.where`).

        Raises:
            ArgumentError: the query is neither one text nor one vector.
            SearchError: k is below 1, the vector has another dimension, the encoder of the index cannot be loaded, or
                `where` is no expression or names a column that the index does not have.
        """
        return self._nearest(single(query), k, where)[0]

    @checked
    def search_batch(self, queries: Any, k: int = 5, *, where: str | None = None) -> list[list[Hit]]:
        """`search` for several queries at once: texts, as for `Encoder.encode`, or vectors [query, dim]."""
        return self._nearest(several(queries), k, where)

    def _nearest(self, queries: Queries, k: int, where: str | None) -> list[list[Hit]]:
        if k < 1:
            raise SearchError(f"k must be 1 or more, not {k}")
        segments = self._segments  # those of this moment, whatever another thread adds
        masks = None if where is None else segments.masks(Where.read(where))
        if len(queries) == 0:
            return []
        vectors = self._unit_vectors(queries, "queries", "query")
        return hits_of(segments, segments.nearest(vectors, k, self.thoroughness, masks))

    def __len__(self) -> int:
        return len(self._segments)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments, in the order of the texts."""
        return self._segments.parts

    @property
    def parts(self) -> Segments:
        """The segments as one."""
        return self._segments

    @property
    def thoroughness(self) -> Effort:
        """`effort` and `rescore` together."""
        return Effort(self.effort, self.rescore)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the metadata."""
        return self._segments.columns

    @property
    def effort(self) -> int:
        """How thoroughly the index is searched; setting it below 1 raises `SearchError`."""
        return self._effort

    @effort.setter
    @checked
    def effort(self, effort: int) -> None:
        if effort < 1:
            raise SearchError(f"effort must be 1 or more, not {effort}")
        self._effort = effort

    @property
    def rescore(self) -> int:
        """Texts compared by their vectors for each one that is found; setting it below 1 raises `SearchError`."""
        return self._rescore

    @rescore.setter
    @checked
    def rescore(self, rescore: int) -> None:
        if rescore < 1:
            raise SearchError(f"rescore must be 1 or more, not {rescore}")
        self._rescore = rescore

    @property
    def encoder(self) -> TextEncoder:
        """The encoder of the index, loaded by its name on first use; setting another encoder raises `SearchError`."""
        if self._encoder is None:
            self._encoder, self.origin = origin_encoder.load(self.origin, self._beside, self._device)
        return self._encoder

    @encoder.setter
    @checked
    def encoder(self, encoder: TextEncoder) -> None:
        self._encoder = origin_encoder.matching(encoder, self.origin)

    def _unit_vectors(self, source: Sequence[str] | np.ndarray, what: str, role: Role = "document") -> np.ndarray:
        """Unit vectors of texts or of vectors, cut as the index is; `SearchError` if their dimension is another."""
        if isinstance(source, np.ndarray):
            vectors = source
        else:
            prompt = prompted(self.encoder, role)
            vectors = self.encoder.encode(source, normalize=False, progress=False, **prompt)
        if vectors.ndim != 2 or vectors.shape[1] not in (self.origin.dim, self.origin.kept):
            shape = " x ".join(map(str, vectors.shape))
            raise SearchError(f"{what}: vectors of shape {shape} do not fit an index of dim {self.origin.kept}")
        return finite_unit(vectors[:, : self.origin.kept], what)
