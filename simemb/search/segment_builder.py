"""Segments out of a stream of texts, so that only one segment at a time is in memory."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from simemb.errors import SearchError
from simemb.search.rows import arrow_table
from simemb.search.segment import EXACT_LIMIT, FULL, Segment, arrange


def build_segments(
    rows: Iterator[tuple[str, str]],
    encode: Callable[[Sequence[str], str], np.ndarray],
    kind: str,
    *,
    chunk_size: int = 8192,
    progress: Callable[[int], None] | None = None,
    growing: bool = False,
) -> Iterator[Segment]:
    """Full segments of the rows, and a last one that may be smaller.

    Args:
        rows: Ids and texts.
        encode: Gives unit vectors [text, dim] of texts; its second argument names them in error messages.
        kind: How each segment is arranged (`simemb.search.segment.arrange`).
        chunk_size: Texts encoded in one call, 1 or more.
        progress: Called with the number of texts done after each chunk.
        growing: Whether more texts will be added later: up to `EXACT_LIMIT` texts a segment then stays exact.

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
        vectors.append(encode([text for _, text in chunk], f"texts from row {done}"))
        done += len(chunk)
        if progress:
            progress(done)
        if sum(map(len, vectors)) >= FULL:
            yield _segment(vectors, tables, kind, growing=growing)
    if vectors:
        yield _segment(vectors, tables, kind, growing=growing)


def _segment(vectors: list[np.ndarray], tables: list[Any], kind: str, *, growing: bool) -> Segment:
    """One segment of all chunks; empties both lists, so that the chunks do not stay in memory beside the segment."""
    matrix, texts = np.concatenate(vectors), pa.concat_tables(tables)
    vectors.clear()
    tables.clear()
    return Segment(arrange(matrix, "exact" if growing and len(matrix) <= EXACT_LIMIT else kind), texts)
