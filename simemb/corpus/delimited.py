"""Tables of delimited text: CSV as in RFC 4180, and TSV."""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from simemb.corpus.formats import Record, bare, lines
from simemb.errors import DataError

# Python's own limit of 131,072 characters would refuse long documents; some limit must stay, because one
# quote that is never closed makes a single field of the rest of the file.
CSV_FIELD_LIMIT = 16_000_000


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


def tab_rows(path: Path, name: str) -> Iterator[tuple[int, list[str]]]:
    """Cells separated by tabs alone: quotes are literal, nothing is escaped."""
    for number, line in lines(path, name):
        content = bare(line)
        yield number, content.split("\t") if content else []


def comma_rows(path: Path, name: str) -> Iterator[tuple[int, list[str]]]:
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
