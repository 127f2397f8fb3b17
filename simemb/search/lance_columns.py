"""Columns of metadata in a table of LanceDB: truth values, whole numbers, numbers and texts; all else as text."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from simemb.errors import SearchError


def types_of(rows: Sequence[Mapping[str, Any]], taken: Collection[str]) -> dict[str, Any]:
    """The type of each column, from the values of some rows; a column without any value is text.

    Raises:
        SearchError: a column has a name that is taken.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    if clash := next((name for name in names if name in taken), None):
        raise SearchError(f"metadata: the column {clash!r} has the name of one of the table's own: {', '.join(taken)}")
    return {name: _type([row.get(name) for row in rows]) for name in names}


def _type(values: Sequence[object]) -> Any:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.bool_()
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in values if isinstance(value, int)):
        return pa.int64()
    return pa.float64() if kinds and kinds <= {int, float} else pa.string()


def column_of(rows: Sequence[Mapping[str, Any]], field: Any, before: int) -> Any:
    """The values of a column as an Arrow array. before: how many rows came before these, for the message.

    Raises:
        SearchError: a value is not of the type of the column.
    """
    values = [row.get(field.name) for row in rows]
    if field.type == pa.string():
        return pa.array([_text(value) for value in values], pa.string())
    for number, value in enumerate(values, before + 1):
        try:
            pa.scalar(value, field.type)
        except (pa.ArrowException, OverflowError, TypeError):
            wanted = f"where the first rows have {field.type}"
            raise SearchError(f"metadata: column {field.name!r} of text {number} is {value!r:.60} {wanted}") from None
    return pa.array(values, field.type)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict | bool) else str(value)
