"""The rows of an index: checked ids, texts and metadata, and their Arrow table."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import count, repeat, zip_longest
from operator import index
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from simemb.arguments import excerpt
from simemb.errors import SearchError
from simemb.texts import Texts, check_values, values

_NO_MORE: Any = object()
"""In place of an id or a text after the last one."""
_OWN = [("id", pa.large_string()), ("text", pa.large_string())]
TYPES = (pa.bool_(), pa.int64(), pa.float64(), pa.large_string())
"""The types of metadata: truth values, whole numbers, numbers and texts."""

Metadata = Mapping[str, Any]


class Row(NamedTuple):
    """A text with its id and its metadata."""

    id: str
    text: str
    metadata: Metadata = MappingProxyType({})


def read_rows(
    texts: Iterable[str], ids: Iterable[str | int] | None, start: int, metadata: Iterable[Metadata] | None = None
) -> Iterator[Row]:
    """The rows of an index; without `ids` the ids are numbers from `start`.

    Raises:
        ArgumentError: at once, if `texts` does not hold texts in an order, or `ids` no ids.
        DataError: a text is not a string.
        SearchError: an id is neither a string nor a whole number, metadata are no mapping with names of columns, or
            there are more of one than of the other.
    """
    checked_texts = Texts(texts)
    if metadata is not None:
        check_values(metadata, "metadata", "a list of dicts, one for each text")
    kept = repeat({}) if metadata is None else _checked(values(metadata))
    if ids is None:
        numbers = map(str, count(start))
        named: Iterator[tuple[str, str]] = zip(numbers, checked_texts, strict=False)
    else:
        check_values(ids, "ids", "a list of strings or whole numbers, one for each text")
        if checked_texts.total is not None and isinstance(ids, Sized) and len(ids) != checked_texts.total:
            raise SearchError(f"{len(ids)} ids for {checked_texts.total} texts: each text needs one")
        named = _named(checked_texts, ids)
    return _joined(named, kept, endless=metadata is None)


def _joined(named: Iterator[tuple[str, str]], kept: Iterator[Metadata], *, endless: bool) -> Iterator[Row]:
    number = 0
    for number, (name, text) in enumerate(named, start=1):
        own = next(kept, None)
        if own is None:
            raise SearchError(f"{number - 1} metadata and more texts: each text needs one, {{}} for none")
        yield Row(name, text, own)
    if not endless and next(kept, None) is not None:
        raise SearchError(f"{number} texts and more metadata: each text needs one")


def _checked(metadata: Iterable[Any]) -> Iterator[Metadata]:
    for number, own in enumerate(metadata, start=1):
        if not isinstance(own, Mapping):
            raise SearchError(f"metadata {number} is {excerpt(own)} ({type(own).__name__}), not a dict of columns")
        for name in own:
            if not isinstance(name, str) or not name or name in ("id", "text"):
                raise SearchError(f"metadata {number}: {excerpt(name)} cannot be the name of a column")
        yield own


def _named(texts: Texts, ids: Iterable[str | int]) -> Iterator[tuple[str, str]]:
    for number, (name, text) in enumerate(zip_longest(values(ids), texts, fillvalue=_NO_MORE), start=1):
        if name is _NO_MORE or text is _NO_MORE:
            few, many = ("ids", "texts") if name is _NO_MORE else ("texts", "ids")
            raise SearchError(f"{number - 1} {few} and more {many}: each text needs one id")
        yield id_of(name, number), text


def id_of(name: Any, number: int) -> str:
    """An id as it is stored, a number as its digits. Raises `SearchError` for what is no id; `number` says which."""
    if isinstance(name, str):
        return str(name)
    try:
        if not isinstance(name, bool):
            return str(index(name))
    except TypeError:
        pass
    raise SearchError(f"id {number} is {excerpt(name)} ({type(name).__name__}), neither a string nor a whole number")


def check_ids(rows: Iterator[Row], existing: set[str], new: set[str]) -> Iterator[Row]:
    """The same rows; each id is added to `new`.

    Raises:
        SearchError: an id occurs twice or is in `existing`.
    """
    for number, row in enumerate(rows, start=1):
        if row.id in existing or row.id in new:
            raise SearchError(f"id {number} is {row.id!r}, which is taken: ids must all be different")
        new.add(row.id)
        yield row


# ---- the table -----------------------------------------------------------------------------------------


def arrow_table(rows: Sequence[Row], start: int) -> Any:
    """The Arrow table of some rows; `start` is how many texts come before them, for error messages.

    Raises:
        SearchError: an id, a text or metadata contain an unpaired surrogate, which cannot be encoded as UTF-8.
    """
    own = dict.fromkeys(name for row in rows for name in row.metadata)
    try:
        columns = {name: pa.array([row[place] for row in rows], kind) for place, (name, kind) in enumerate(_OWN)}
        kept = {name: _typed([row.metadata.get(name) for row in rows]) for name in own}
        return pa.table({**columns, **kept}, schema=pa.schema([*_OWN, *((name, kept[name].type) for name in kept)]))
    except UnicodeEncodeError as error:
        first, last, excerpt = start + 1, start + len(rows), error.object[:40]
        raise SearchError(f"texts {first} to {last}: one is not valid Unicode: {excerpt!r}") from error


def joined(tables: Sequence[Any]) -> Any:
    """The rows of several tables; a column that one lacks is missing there, and one of several types holds texts."""
    kinds: dict[str, list[Any]] = {}
    for table in tables:
        for field in table.schema:
            kinds.setdefault(field.name, []).append(field.type)
    schema = pa.schema([(name, _common(each)) for name, each in kinds.items()])
    return pa.concat_tables([_filled(table, schema) for table in tables])


def is_table(table: Any) -> bool:
    """Whether a table is one of an index: ids and texts without gaps, then metadata of the four types."""
    own, others = list(table.schema)[:2], list(table.schema)[2:]
    named = len(set(table.schema.names)) == len(table.schema.names)
    whole = not any(column.null_count for column in table.columns[:2])
    return (
        [(field.name, field.type) for field in own] == _OWN
        and whole
        and named
        and all(field.type in TYPES for field in others)
    )


def metadata_of(table: Any, number: int) -> dict[str, Any]:
    """The metadata of a row; what is missing is left out."""
    cells = {name: table[name][number].as_py() for name in table.schema.names[2:]}
    return {name: value for name, value in cells.items() if value is not None}


def text_of(value: Any) -> str:
    """A value of metadata as a text: JSON, but for strings."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _typed(cells: Sequence[Any]) -> Any:
    """A column of the narrowest of `TYPES` that holds all values; not a number is missing."""
    plain = [cell.item() if hasattr(cell, "item") else cell for cell in cells]
    plain = [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in plain]
    kinds = {type(cell) for cell in plain if cell is not None}
    for narrow, kind in (({bool}, TYPES[0]), ({int}, TYPES[1]), ({int, float}, TYPES[2])):
        if kinds and kinds <= narrow:
            try:
                return pa.array(plain, kind)
            except (OverflowError, pa.ArrowException):  # a whole number of more than 64 bits
                break
    return pa.array([None if cell is None else text_of(cell) for cell in plain], TYPES[3])


def _common(kinds: Sequence[Any]) -> Any:
    if len(set(kinds)) == 1:
        return kinds[0]
    return TYPES[2] if set(kinds) == {TYPES[1], TYPES[2]} else TYPES[3]


def _filled(table: Any, schema: Any) -> Any:
    columns = [
        table[field.name].cast(field.type) if field.name in table.schema.names else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
