"""What every format of data is read as: numbered records with named columns."""

from collections.abc import Iterator, Sequence
from numbers import Number
from typing import Protocol, runtime_checkable

Record = tuple[int, tuple[object, ...] | None]


MISSING = object()
"""The cell of a record that lacks a column which others have."""


@runtime_checkable
class Table(Protocol):
    """Named columns that can be read again and again.

    `unit` is what a record's number counts ("line" or "row", from 1); `text_columns` are the columns that
    can hold text, `list_columns` those that can hold lists of texts; `records(chosen)` gives (number, cells of
    the chosen columns), or (number, None) for a blank line. A cell that a record lacks is `MISSING`.
    """

    unit: str
    columns: tuple[str, ...]
    text_columns: tuple[str, ...]
    list_columns: tuple[str, ...]

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every record from the first on; each call reads from the start."""
        ...


def kind_of(value: object) -> str:
    """What a value of JSON or Arrow is, in words."""
    if value is MISSING:
        return "nothing"
    kinds = {dict: "an object", list: "a list", str: "a string", bytes: "bytes", bool: "a boolean", type(None): "null"}
    other = f"the number {value}" if isinstance(value, Number) else f"a value of type {type(value).__name__}"
    return next((kind for type_, kind in kinds.items() if isinstance(value, type_)), other)
