"""The nearest documents of many queries by cosine, in the order of trec_eval: by comparing all, or through an index.

Called by the retrieval tasks. Documents are read block by block, so besides the vectors a search needs the memory of
one block and of its results.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simemb.errors import SearchError, unknown
from simemb.search.finite import finite_unit

if TYPE_CHECKING:
    from simemb.search.cells import Cells

BLOCK = 4096
"""Documents compared at once."""
STRIP = 256
"""Queries compared at once."""


@dataclass(frozen=True, eq=False)
class SearchRequest:
    """Queries and the documents to search.

    Attributes:
        queries: Query vectors [query, dim], of any length.
        vectors: Gives the vectors of the documents start to stop - 1.
        documents: The number of documents.
        depth: The number of documents to return for each query.
    """

    queries: NDArray[np.float32]
    vectors: Callable[[int, int], NDArray[np.float32]]
    documents: int
    depth: int


def exact(request: SearchRequest) -> NDArray[np.int64]:
    """The numbers of the nearest documents [query, hit], compared with all; on a tie the lower number comes first.

    Cosines are computed in float64 and rounded to float32, so documents with the same text tie wherever they stand.
    """
    queries = finite_unit(request.queries, "queries").astype(np.float64)
    best = _BestDocuments(request)
    for start in range(0, request.documents, BLOCK):
        block = finite_unit(request.vectors(start, start + BLOCK), "documents").astype(np.float64)
        numbers = np.arange(start, start + len(block))
        for first in range(0, len(queries), STRIP):
            rows = slice(first, first + STRIP)
            best.offer(rows, (queries[rows] @ block.T).astype(np.float32), numbers)
    return best.numbers()


def approximate(request: SearchRequest, kind: str, effort: int) -> tuple[NDArray[np.int64], str]:
    """The nearest documents among those that an index chooses; it is in segments, as `simemb.Index` is.

    Returns:
        The numbers [query, hit], and a line that says how much of the index was searched.

    Raises:
        SearchError: there is no such kind of index.
    """
    import pyarrow as pa

    from simemb.search.cells import CELL_KINDS
    from simemb.search.segment import FULL, Segment
    from simemb.search.segments import KINDS, Effort, Segments, arrangement_of

    if kind not in KINDS:
        raise SearchError(unknown("kind of index", kind, KINDS))
    queries = finite_unit(request.queries, "queries")
    best = _BestDocuments(request)
    arrangement = arrangement_of(kind, request.documents)
    cells = _cells(request, arrangement) if arrangement in CELL_KINDS else None
    for start in range(0, request.documents, FULL):
        block = finite_unit(request.vectors(start, start + FULL), "documents")
        rows_only = pa.table({"id": pa.nulls(len(block), pa.large_string())})
        segment = Segment.of(block, rows_only, arrangement, cells)
        found = Segments(kind, (segment,), cells).nearest(queries, request.depth, Effort(effort))
        by_number = np.argsort(found[1], axis=1)
        cosines, rows = (np.take_along_axis(each, by_number, 1) for each in found)
        best.offer(slice(None), cosines, start + rows)
    setting = f"{kind}, effort {effort}"
    searched = f": {min(effort, cells.count)} of {cells.count} cells" if cells else ""
    return best.numbers(), setting + searched


def _cells(request: SearchRequest, kind: str) -> "Cells":
    """The cells of all documents; they are read once for it."""
    from simemb.search.cells import Cells, share_of
    from simemb.search.segment import FULL

    dice, share = np.random.default_rng(0), share_of(request.documents)
    sample: list[NDArray[np.float32]] = []
    for start in range(0, request.documents, FULL):
        block = request.vectors(start, start + FULL)
        sample.append(finite_unit(block[dice.random(len(block)) < share], "documents"))
    return Cells.train(kind, np.concatenate(sample), request.documents)


class _BestDocuments:
    """The best documents of each query so far, in the order of their numbers.

    Documents are offered in that order too, so among equal cosines the first ones in a row have the lowest numbers.
    """

    def __init__(self, request: SearchRequest):
        shape = len(request.queries), min(request.depth, request.documents)
        self._cosines = np.full(shape, -np.inf, np.float32)
        self._numbers = np.zeros(shape, np.int64)

    def offer(self, rows: slice, cosines: NDArray[np.float32], numbers: NDArray[np.int64]) -> None:
        """Add documents to some of the queries.

        Args:
            rows: The queries.
            cosines: [query, document].
            numbers: [query, document] or [document], ascending and higher than those offered before.
        """
        depth = self._cosines.shape[1]
        cosines = np.concatenate([self._cosines[rows], cosines], axis=1)
        numbers = np.concatenate([self._numbers[rows], np.broadcast_to(numbers, cosines[:, depth:].shape)], axis=1)
        least = np.partition(cosines, -depth, axis=1)[:, -depth, None]
        above, tied = cosines > least, cosines == least
        room = depth - np.count_nonzero(above, axis=1, keepdims=True)
        keep = above | tied & (tied.cumsum(axis=1, dtype=np.int32) <= room)
        self._cosines[rows] = cosines[keep].reshape(-1, depth)
        self._numbers[rows] = numbers[keep].reshape(-1, depth)

    def numbers(self) -> NDArray[np.int64]:
        """The documents [query, hit], the best first."""
        # A stable sort leaves documents of equal cosine in the order of their numbers.
        return np.take_along_axis(self._numbers, np.argsort(-self._cosines, axis=1, kind="stable"), 1)
