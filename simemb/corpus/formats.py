"""The file formats of users' data, each read as a stream of numbered records with named columns.

Text files have one record a line (`simemb.corpus.lines`).
"""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast

from simemb.corpus.lines import bare, lines
from simemb.corpus.parquet import ParquetFile
from simemb.corpus.table import MISSING, Record, Table, kind_of
from simemb.errors import DataError

# Python's own limit of 131,072 characters would refuse long documents; some limit must stay, because one
# quote that is never closed makes a single field of the rest of the file.
CSV_FIELD_LIMIT = 16_000_000


class TextFile:
    """One sentence a line."""

    unit = "line"
    columns: tuple[str, ...] = ("sentence",)
    text_columns: tuple[str, ...] = columns

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every line, blank ones as None."""
        del chosen  # there is only one column
        for number, line in lines(self.path, self.name):
            yield number, (bare(line),) if line.strip() else None


class DelimitedFile:
    """A header line, and rows with as many cells; `rows` splits them."""

    unit = "line"

    def __init__(self, path: Path, name: str, rows: Callable[[Path, str], Iterator[tuple[int, list[str]]]]) -> None:
        self.path, self.name, self.rows = path, name, rows
        header = next((cells for _, cells in rows(path, name) if cells), None)
        if header is None:
            raise DataError(f"{name} is empty: it needs a header line and rows")
        self.columns = self.text_columns = tuple(header)

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every row below the header; a row of another width is an error."""
        places = [self.columns.index(column) for column in chosen]
        rows = self.rows(self.path, self.name)
        next(cells for _, cells in rows if cells)  # the header
        for number, cells in rows:
            if cells and len(cells) != len(self.columns):
                width = f"{len(cells)} column{'s'[: len(cells) != 1]}"
                expected = f"{len(self.columns)} ({', '.join(self.columns)})"
                raise DataError(f"{self.name}, line {number} has {width}, the header has {expected}")
            yield number, tuple(cells[place] for place in places) if cells else None


def _tab_rows(path: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """Cells separated by tabs alone: quotes are literal, nothing is escaped."""
    for number, line in lines(path, name):
        content = bare(line)
        yield number, content.split("\t") if content else []


def _comma_rows(path: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """Cells as in RFC 4180; a quoted cell may hold line ends, so a row is numbered by its first line."""
    csv.field_size_limit(CSV_FIELD_LIMIT)
    reader = csv.reader((line for _, line in lines(path, name)), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"{name}, line {number} is not valid CSV (RFC 4180): {error}"
            raise DataError(f"{problem}; is a quote not closed or not doubled?") from None
        yield number, cells


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
        """Every object; a key that it lacks is `MISSING`."""
        for number, record in self._objects():
            yield number, None if record is None else tuple(record.get(column, MISSING) for column in chosen)

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


FORMATS: dict[str, Callable[[Path, str], Table]] = {
    ".txt": TextFile,
    ".csv": lambda path, name: DelimitedFile(path, name, _comma_rows),
    ".tsv": lambda path, name: DelimitedFile(path, name, _tab_rows),
    ".jsonl": JsonLinesFile,
    ".parquet": ParquetFile,
}


def open_file(path: Path, name: str) -> Table:
    """The table in an existing file, by the ending of its name.

    Raises:
        DataError: the ending is unknown, or the file is not what its ending says.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = suffixes[-1:] == [".gz"]
    ending = "".join(suffixes[-2:-1] if zipped else suffixes[-1:])
    if ending not in FORMATS or (zipped and ending == ".parquet"):
        shown = "".join(suffixes[-2:] if zipped else suffixes[-1:]) or "no ending"
        allowed = " ".join(FORMATS)
        raise DataError(f"{name} has {shown}: allowed are {allowed}, and .gz after all but .parquet")
    return FORMATS[ending](path, name)
