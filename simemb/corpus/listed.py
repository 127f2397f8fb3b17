"""A column of texts held apart, of which each row has any number: none, one, or several in lists and numbered columns.

Most data have one text of a role in each row. Where a row has several negatives, one row for each would repeat its
anchor and its positive; so they are rows of their own, and `spans` says which of them belong to which row.
"""

from copy import copy

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.rows import Rows, join
from simemb.corpus.several import SeveralTexts
from simemb.corpus.table import Table

TRIPLET = 3
"""Text columns of rows with negatives."""


def is_uneven(rows: Rows, column: str) -> bool:
    """Whether a row may have several texts of a column, or none."""
    return any(column in part.several or column in getattr(part.table, "gaps", ()) for part in rows.joined or (rows,))


def apart(rows: Rows, column: str) -> Rows:
    """The same rows without their last text column, which is in `Rows.listed`: a row for each of its texts.

    A row of several positives still becomes a row for each of them; all have the negatives of the one row.
    """
    assert rows.columns[-1] == column
    dense = rows.narrowed(len(rows.columns) - 1)
    dense.ignored, dense.joined = rows.ignored, tuple(apart(part, column) for part in rows.joined)
    dense.listed = {column: _alone(rows, column)}
    return dense


def _alone(rows: Rows, column: str) -> Rows:
    if rows.joined:
        return join([_alone(part, column) for part in rows.joined])
    alone = copy(rows)
    alone.table, alone.columns, alone.score, alone.listed = free(rows, column), (column,), None, {}
    return alone


def free(rows: Rows, column: str) -> SeveralTexts:
    """The table of some rows, in which a row may lack texts of a column."""
    table: Table = rows.table
    inner, members = (table.table, table.members) if isinstance(table, SeveralTexts) else (table, {})
    return SeveralTexts(inner, rows.name, {column: (column,), **members}, free=column)


def spans(rows: Rows, column: str) -> NDArray[np.int64]:
    """For each row the number of its first text of a column apart, and how many it has. [row, 2]

    The numbers count the rows of `Rows.listed[column]`.
    """
    if rows.joined:
        parts = [spans(part, column) for part in rows.joined]
        ends = np.cumsum([part.sum(axis=1).max(initial=0) for part in parts])  # the texts of each part follow on
        for part, start in zip(parts[1:], ends, strict=False):
            part[:, 0] += start
        return np.concatenate(parts)
    found: list[tuple[int, int]] = []
    start = 0
    for _, groups in free(rows, column).groups((*rows.columns, column)):
        if groups is not None:
            *others, texts = groups
            found += [(start, len(texts))] * max(map(len, others))
            start += len(texts)
    return np.array(found, np.int64).reshape(-1, 2)
