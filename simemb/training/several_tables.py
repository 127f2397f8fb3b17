"""The texts of a run as tables: one for the columns of which each row has a text, one for each column apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.rows import Rows
from simemb.training.token_table import TokenTable


def tables(rows: Rows) -> list[Rows]:
    """The rows of the columns with a text in each row, then those of each column apart."""
    return [rows.narrowed(len(rows.columns)) if rows.listed else rows, *rows.listed.values()]


def text_columns(rows: Rows) -> list[tuple[Rows, int]]:
    """Where the texts of each column are: the rows, and the place of the column in them."""
    return [(part, place) for part in tables(rows) for place in range(len(part.columns))]


@dataclass(frozen=True)
class SeveralTables:
    """Token ids of the columns with a text in each row, and of those apart, by their place.

    A text of a column apart has the number that `simemb.corpus.listed.spans` gives it.
    """

    rows: TokenTable
    listed: Mapping[int, TokenTable]

    def __len__(self) -> int:
        return len(self.rows)

    def ids(self, column: int, rows: Sequence[int]) -> list[NDArray[np.int32]]:
        """Token ids of some texts of a column."""
        table = self.listed.get(column)
        return self.rows.ids(column, rows) if table is None else table.ids(0, rows)
