"""Rows with several positives or negatives: numbered columns (negative_1, negative_2 ...) and lists."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import TypeVar, cast

from simemb.corpus.table import MISSING, Record, Table, kind_of
from simemb.errors import DataError

Item = TypeVar("Item")


class SeveralTexts:
    """A table in which one row of another becomes as many as it has texts of a role.

    Each positive and each negative is used: a row with 2 positives and 3 negatives becomes 3 rows, in the last of which
    the first positive comes again. Columns that are not chosen make no rows.

    table: the other. members: by name of a column here, the columns there that hold its texts. free: a column of which
    a row may have no text, if it is read alone.
    """

    def __init__(
        self, table: Table, name: str, members: Mapping[str, tuple[str, ...]], free: str | None = None
    ) -> None:
        self.table, self.name, self.members, self.free = table, name, members, free
        self.unit, self.list_columns = table.unit, table.list_columns
        self.columns = tuple(dict.fromkeys((*table.columns, *members)))
        self.text_columns = tuple(dict.fromkeys((*table.text_columns, *members)))

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every row; one without any text of a chosen column is an error."""
        for number, values in self.groups(chosen):
            if values is None:
                yield number, None
                continue
            for column, texts in zip(chosen, values, strict=True):
                if not texts and tuple(chosen) != (self.free,):
                    raise DataError(f"{self._place(number)} has no {column}")
            for row in cycled(*values):
                yield number, tuple(row)

    def groups(self, chosen: Sequence[str]) -> Iterator[tuple[int, list[Sequence[object]] | None]]:
        """Every row of the other table: its number and the texts of each column, None for a blank line."""
        sources = [self.members.get(column, (column,)) for column in chosen]
        for number, cells in self.table.records(list(chain.from_iterable(sources))):
            if cells is None:
                yield number, None
                continue
            remaining = iter(cells)
            values = [
                self._texts(number, column, [next(remaining) for _ in source]) if column in self.members else
                [next(remaining)]
                for column, source in zip(chosen, sources, strict=True)
            ]  # fmt: skip
            yield number, values

    def _texts(self, number: int, column: str, cells: Sequence[object]) -> Sequence[object]:
        """The texts in the cells of one row; in numbered columns an empty cell is none."""
        texts: list[object] = []
        for cell in cells:
            if isinstance(cell, list):
                texts += cast(list[object], cell)
            elif cell is not None and cell is not MISSING and (len(cells) == 1 or cell != ""):
                texts.append(cell)
        wrong = next((text for text in texts if not isinstance(text, str)), None)
        if wrong is not None or None in texts:
            raise DataError(f"{self._place(number)}, column {column!r}: {kind_of(wrong):.60} where text is needed")
        return texts

    def _place(self, number: int) -> str:
        return f"{self.name}, {self.unit} {number}"


def cycled(*columns: Sequence[Item]) -> Iterator[tuple[Item, ...]]:
    """As many rows as the longest column has items; the shorter ones begin again.

    >>> list(cycled("a", "bc"))
    [('a', 'b'), ('a', 'c')]
    """
    for place in range(max(map(len, columns), default=0)):
        yield tuple(column[place % len(column)] for column in columns)
