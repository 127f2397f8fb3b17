"""The first rows of data, to see what kind of text they are."""

from collections.abc import Iterator
from itertools import islice

from simemb.corpus.rows import Rows

SAMPLE = 1000
"""Rows that are looked at, from the beginning of each of the data."""


def first_rows(rows: Rows, columns: int) -> Iterator[tuple[str, ...]]:
    """The texts of the first `SAMPLE` rows of each of the data, of that many columns."""
    for part in rows.joined or (rows,):
        yield from islice(part.narrowed(columns).texts(), SAMPLE)
