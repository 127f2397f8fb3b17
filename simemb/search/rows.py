"""The rows of an index: checked pairs of id and text, and their Arrow table."""

from collections.abc import Iterable, Iterator
from itertools import count, zip_longest
from typing import Any

import pyarrow as pa

from simemb.errors import SearchError

SCHEMA = pa.schema([("id", pa.large_string()), ("text", pa.large_string())])


def read_rows(texts: Iterable[str], ids: Iterable[str | int] | None, start: int) -> Iterator[tuple[str, str]]:
    """Pairs of id and text; without `ids` the ids are numbers from `start`.

    Raises:
        SearchError: a text is not a string, an id is neither a string nor an int, or there are more of one than of
            the other.
    """
    if isinstance(texts, str):
        raise SearchError("texts must be a list or an iterator of strings, not one string")
    pairs = zip(count(start), texts, strict=False) if ids is None else zip_longest(ids, texts)
    for row, (name, text) in enumerate(pairs):
        if not isinstance(text, str):
            raise SearchError(f"row {row}: the text is missing or not a string ({type(text).__name__})")
        if not isinstance(name, str | int):
            raise SearchError(f"row {row}: the id is missing or not a string or int ({type(name).__name__})")
        yield str(name), text


def check_ids(rows: Iterator[tuple[str, str]], existing: set[str], new: set[str]) -> Iterator[tuple[str, str]]:
    """The same rows; each id is added to `new`.

    Raises:
        SearchError: an id occurs twice or is in `existing`.
    """
    for row, (name, text) in enumerate(rows):
        if name in existing or name in new:
            raise SearchError(f"row {row}: the id {name!r} is taken: ids must all be different")
        new.add(name)
        yield name, text


def arrow_table(rows: list[tuple[str, str]], start: int) -> Any:
    """The Arrow table of some rows; `start` is the number of the first, for error messages.

    Raises:
        SearchError: an id or a text contains an unpaired surrogate, which cannot be encoded as UTF-8.
    """
    try:
        return pa.Table.from_arrays(
            [pa.array(column, pa.large_string()) for column in zip(*rows, strict=True)], schema=SCHEMA
        )
    except UnicodeEncodeError as error:
        last, excerpt = start + len(rows) - 1, error.object[:40]
        raise SearchError(f"rows {start} to {last}: a text is not valid Unicode: {excerpt!r}") from error
