"""The nearest documents of many queries by cosine, in the order of trec_eval, exactly or through an index.

Documents are taken block by block, so beside the vectors a search needs the memory of one block and of what it found.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simemb.errors import SearchError, unknown

BLOCK = 4096
"""Documents compared at once."""
STRIP = 256
"""Queries compared at once."""
LAST = 0xFFFFFFFF
"""The highest number of a document that a key has a place for."""


@dataclass(frozen=True, eq=False)
class Nearest:
    """What is searched.

    Attributes:
        queries: Their vectors [query, dim], of any length.
        vectors: Gives those of documents number start to stop.
        documents: How many there are.
        depth: How many are wanted for each query.
    """

    queries: NDArray[np.float32]
    vectors: Callable[[int, int], NDArray[np.float32]]
    documents: int
    depth: int


def exact(asked: Nearest) -> NDArray[np.int64]:
    """The numbers of the nearest documents [query, hit] after a comparison with all; of equal cosines the lower first.

    Cosines are float32, rounded from float64: two documents with the same text tie, wherever they stand.
    """
    from simemb.search.segment import finite_unit

    queries = finite_unit(asked.queries, "queries").astype(np.float64)
    best = _Best(asked)
    for start in range(0, asked.documents, BLOCK):
        block = finite_unit(asked.vectors(start, start + BLOCK), "documents").astype(np.float64)
        numbers = np.arange(start, start + len(block))
        for first in range(0, len(queries), STRIP):
            rows = slice(first, first + STRIP)
            best.offer(rows, (queries[rows] @ block.T).astype(np.float32), numbers)
    return best.numbers()


def approximate(asked: Nearest, kind: str, effort: int) -> tuple[NDArray[np.int64], str]:
    """Likewise, where an index chooses which documents are compared; it is in parts, as `simemb.Index` is.

    Returns:
        The numbers, and how much of the index was looked at.

    Raises:
        SearchError: There is no such kind of index.
    """
    from simemb.search.segment import (
        FULL,
        KINDS,
        Part,
        arrange,
        finite_unit,
        table,
    )

    if kind not in KINDS:
        raise SearchError(unknown("kind of index", kind, KINDS))
    queries = finite_unit(asked.queries, "queries")
    best = _Best(asked)
    setting = f"{kind}, effort {effort}"
    cells: list[int] = []
    for start in range(0, asked.documents, FULL):
        block = finite_unit(asked.vectors(start, start + FULL), "documents")
        part = Part(arrange(block, kind), table([(str(row), "") for row in range(len(block))], 0))
        cosines, rows = part.nearest(queries, asked.depth, effort)
        best.offer(slice(None), cosines, start + rows)
        cells += [part.vectors.nlist] if part.kind == "ivf" else []
    looked = sum(min(effort, count) for count in cells)
    return best.numbers(), f"{setting}: {looked} of {sum(cells)} cells" if cells else setting


class _Best:
    """The best documents of each query so far, each a key: a whole number, the larger the better.

    Its upper half is the cosine, its lower half counts down with the number of the document; so no two are equal, and
    ties fall the same whatever the blocks are.
    """

    def __init__(self, asked: Nearest):
        depth = min(asked.depth, asked.documents)
        self._keys = np.full((len(asked.queries), depth), np.iinfo(np.int64).min)

    def offer(self, rows: slice, cosines: NDArray[np.float32], numbers: NDArray[np.int64]) -> None:
        """More documents for some of the queries: their cosines and numbers [query, document]."""
        # As whole numbers, floats are ordered by their bits, those below zero upside down; + 0 makes -0 a 0.
        bits = (cosines + np.float32(0)).view(np.int32)
        ordered = np.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits).astype(np.int64)
        every = np.concatenate([self._keys[rows], (ordered << 32) | (LAST - numbers)], axis=1)
        kept = self._keys.shape[1]
        self._keys[rows] = np.partition(every, every.shape[1] - kept, axis=1)[:, every.shape[1] - kept :]

    def numbers(self) -> NDArray[np.int64]:
        """The documents [query, hit], the best first."""
        return LAST - (np.sort(self._keys, axis=1)[:, ::-1] & LAST)
