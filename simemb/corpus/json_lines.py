"""Tables of JSON lines."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from simemb.corpus.formats import Record, kind_of, lines
from simemb.errors import DataError


class JsonLinesFile:
    """One JSON object a line; the columns are the keys of the first."""

    unit = "line"

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        first = next((record for _, record in self._objects() if record is not None), None)
        if first is None:
            raise DataError(f"{name} is empty: it needs one JSON object a line")
        self.columns = tuple(first)
        self.text_columns = tuple(column for column, value in first.items() if isinstance(value, str))

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every object; one without a chosen key is an error."""
        for number, record in self._objects():
            try:
                yield number, None if record is None else tuple(record[column] for column in chosen)
            except KeyError as error:
                has = ", ".join(record or ())
                message = f"{self.name}, line {number} has no {error} (it has: {has or 'nothing'})"
                raise DataError(message) from None

    def _objects(self) -> Iterator[tuple[int, dict[str, object] | None]]:
        for number, line in lines(self.path, self.name):
            if not line.strip():
                yield number, None
                continue
            try:
                record = cast(object, json.loads(line))
            except json.JSONDecodeError as error:
                place = f"{self.name}, line {number}, column {error.colno}"
                raise DataError(f"{place}: not valid JSON ({error.msg})") from None
            if not isinstance(record, dict):
                problem = f"is {kind_of(record):.60}, not an object like {{...}}"
                raise DataError(f"{self.name}, line {number} {problem}")
            yield number, cast(dict[str, object], record)
