"""The rows of an index: checked pairs of id and text, and their Arrow table."""

from collections.abc import Iterable, Iterator, Sized
from itertools import count, zip_longest
from operator import index
from typing import Any

import pyarrow as pa

from simemb.arguments import excerpt
from simemb.errors import SearchError
from simemb.texts import Texts, check_values, values

_NO_MORE: Any = object()
"""In place of an id or a text after the last one."""
SCHEMA = pa.schema([("id", pa.large_string()), ("text", pa.large_string())])


def read_rows(texts: Iterable[str], ids: Iterable[str | int] | None, start: int) -> Iterator[tuple[str, str]]:
    """Pairs of id and text; without `ids` the ids are numbers from `start`.

    Raises:
        ArgumentError: at once, if `texts` does not hold texts in an order, or `ids` no ids.
        DataError: a text is not a string.
        SearchError: an id is neither a string nor a whole number, or there are more of one than of the other.
    """
    checked_texts = Texts(texts)
    if ids is None:
        return ((str(number), text) for number, text in zip(count(start), checked_texts, strict=False))
    check_values(ids, "ids", "a list of strings or whole numbers, one for each text")
    if checked_texts.total is not None and isinstance(ids, Sized) and len(ids) != checked_texts.total:
        raise SearchError(f"{len(ids)} ids for {checked_texts.total} texts: each text needs one")
    return _named(checked_texts, ids)


def _named(texts: Texts, ids: Iterable[str | int]) -> Iterator[tuple[str, str]]:
    for number, (name, text) in enumerate(zip_longest(values(ids), texts, fillvalue=_NO_MORE), start=1):
        if name is _NO_MORE or text is _NO_MORE:
            few, many = ("ids", "texts") if name is _NO_MORE else ("texts", "ids")
            raise SearchError(f"{number - 1} {few} and more {many}: each text needs one id")
        yield _id(name, number), text


def _id(name: Any, number: int) -> str:
    """An id as it is stored: a number as its digits."""
    if isinstance(name, str):
        return str(name)
    try:
        if not isinstance(name, bool):
            return str(index(name))
    except TypeError:
        pass
    raise SearchError(f"id {number} is {excerpt(name)} ({type(name).__name__}), neither a string nor a whole number")


def check_ids(rows: Iterator[tuple[str, str]], existing: set[str], new: set[str]) -> Iterator[tuple[str, str]]:
    """The same rows; each id is added to `new`.

    Raises:
        SearchError: an id occurs twice or is in `existing`.
    """
    for number, (name, text) in enumerate(rows, start=1):
        if name in existing or name in new:
            raise SearchError(f"id {number} is {name!r}, which is taken: ids must all be different")
        new.add(name)
        yield name, text


def arrow_table(rows: list[tuple[str, str]], start: int) -> Any:
    """The Arrow table of some rows; `start` is how many texts come before them, for error messages.

    Raises:
        SearchError: an id or a text contains an unpaired surrogate, which cannot be encoded as UTF-8.
    """
    try:
        return pa.Table.from_arrays(
            [pa.array(column, pa.large_string()) for column in zip(*rows, strict=True)], schema=SCHEMA
        )
    except UnicodeEncodeError as error:
        first, last, excerpt = start + 1, start + len(rows), error.object[:40]
        raise SearchError(f"texts {first} to {last}: one is not valid Unicode: {excerpt!r}") from error
