"""Segments out of a stream of texts, so that only one segment at a time is in memory."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from simemb.errors import SearchError
from simemb.search.rows import Row, arrow_table, joined
from simemb.search.segment import FULL, Segment


def build_segments(
    rows: Iterator[Row],
    encode: Callable[[Sequence[str], str], np.ndarray],
    *,
    chunk_size: int = 8192,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Segment]:
    """Full exact segments of the rows, and a last one that may be smaller.

    Args:
        rows: Ids, texts and metadata.
        encode: Gives unit vectors [text, dim] of texts; its second argument names them in error messages.
        chunk_size: Texts encoded in one call, 1 or more.
        progress: Called with the number of texts done after each chunk.

    Raises:
        SearchError: `chunk_size` is below 1, or a text is not valid Unicode.
    """
    if chunk_size < 1:
        raise SearchError(f"chunk_size must be 1 or more, not {chunk_size}")
    vectors: list[np.ndarray] = []
    tables: list[Any] = []
    done = 0
    while chunk := list(islice(rows, chunk_size)):
        tables.append(arrow_table(chunk, done))
        vectors.append(encode([row.text for row in chunk], f"texts from row {done}"))
        done += len(chunk)
        if progress:
            progress(done)
        if sum(map(len, vectors)) >= FULL:
            yield _segment(vectors, tables)
    if vectors:
        yield _segment(vectors, tables)


def _segment(vectors: list[np.ndarray], tables: list[Any]) -> Segment:
    """One segment of all chunks; empties both lists, so that the chunks do not stay in memory beside the segment."""
    matrix, texts = np.concatenate(vectors), joined(tables)
    vectors.clear()
    tables.clear()
    return Segment.of(matrix, texts)
