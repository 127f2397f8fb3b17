"""Tables of JSON lines."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from simemb import json_files
from simemb.corpus.bounds import check_columns
from simemb.corpus.delimited import head
from simemb.corpus.json_shape import fault
from simemb.corpus.lines import lines
from simemb.corpus.table import MISSING, Record, kind_of
from simemb.errors import DataError


class JsonLinesFile:
    """One JSON object a line; the columns are the keys of all of them, in the order in which they first appear.

    So a file is read through once when it is opened, whatever its size: the first object does not speak for the others.

    Attributes:
        objects: how many there are.
        filled: by column, how many objects have a value there that is not null. gaps: the columns that some lack.
        reading: as in `simemb.corpus.delimited.DelimitedFile`.
    """

    unit = "line"

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        if problem := fault(head(path, name)):
            raise DataError(f"{name} has {problem}")
        self.objects, self.filled = 0, Counter[str]()
        texts, lists = set[str](), set[str]()
        for _, record in self._objects():
            self.objects += record is not None
            for column, value in (record or {}).items():
                self.filled[column] += value is not None
                if isinstance(value, str):
                    texts.add(column)
                elif isinstance(value, list) and all(isinstance(item, str) for item in cast(list[object], value)):
                    lists.add(column)
            check_columns(name, len(self.filled))
        if not self.objects:
            raise DataError(f"{name} is empty: it needs one JSON object a line")
        self.columns = tuple(self.filled)
        self.gaps = {column for column, count in self.filled.items() if count < self.objects}
        # Lines of text have a column of this name, whatever is in them.
        self.reading = ".jsonl" if "sentence" in self.columns else ""
        self.text_columns = tuple(column for column in self.columns if column in texts)
        self.list_columns = tuple(column for column in self.columns if column in lists)

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every object; a key that it lacks is `MISSING`."""
        for number, record in self._objects():
            yield number, None if record is None else tuple(record.get(column, MISSING) for column in chosen)

    def _objects(self) -> Iterator[tuple[int, dict[str, object] | None]]:
        for number, line in lines(self.path, self.name):
            if not line.strip():
                yield number, None
                continue
            try:
                record = cast(object, json_files.parse_json(line, distinct_keys=True))
            except json.JSONDecodeError as error:
                place = f"{self.name}, line {number}, column {error.colno}"
                raise DataError(f"{place}: not valid JSON ({error.msg})") from None
            except ValueError as error:  # too deep, or an integer of thousands of digits
                reason = str(error).partition(";")[0]
                raise DataError(f"{self.name}, line {number}: JSON that cannot be read: {reason}") from None
            if not isinstance(record, dict):
                problem = f"is {kind_of(record):.60}, not an object like {{...}}"
                raise DataError(f"{self.name}, line {number} {problem}")
            yield number, cast(dict[str, object], record)
