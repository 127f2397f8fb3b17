"""Tables of delimited text: CSV as in RFC 4180, text between tabs, and what tells that a file is laid out otherwise."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from simemb.corpus import bounds
from simemb.corpus.lines import bare, lines
from simemb.corpus.table import Record
from simemb.errors import DataError

SPOKEN = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
"""Delimiters that are awkward to type in a shell, by the words for them."""


@dataclass(frozen=True)
class Layout:
    """How delimited text is written, where the ending of its name does not say it.

    delimiter: one character, or a word of `SPOKEN`; None for that of the ending. header: whether the first line holds
    the names of the columns; without it they are called column1, column2 ...
    """

    delimiter: str | None = None
    header: bool = True

    def __post_init__(self) -> None:
        if self.delimiter is not None and (len(self.character) != 1 or self.character in '"\r\n'):
            words = ", ".join(word for word in SPOKEN if word.isalpha())
            raise DataError(f"--delimiter {self.delimiter!r} is not one character (or {words})")

    @property
    def character(self) -> str:
        """The delimiter itself; empty if none was named."""
        return SPOKEN.get(self.delimiter or "", self.delimiter or "")


PLAIN = Layout()


class DelimitedFile:
    """A header line, and rows with as many cells: as in RFC 4180, or with literal quotes if they are not `quoted`.

    Without a header line the columns are `columns`, and what stands to the right of them is left out, or else they are
    numbered. `marked` says that a line before all others names the delimiter (`named_delimiter`).

    reading: how cells are cut, for digests: the same bytes cut elsewhere are other rows. Empty for the usual way where
        the names of the columns show it, so that the digests in records of earlier runs stay what they are.
    """

    unit = "line"
    list_columns: tuple[str, ...] = ()

    def __init__(
        self,
        path: Path,
        name: str,
        delimiter: str,
        *,
        header: bool = True,
        columns: tuple[str, ...] = (),
        quoted: bool = True,
        marked: bool = False,
    ) -> None:
        self.path, self.name, self.delimiter, self.header = path, name, delimiter, header
        self._quoted, self._marked = quoted, marked
        # A header between quotes and other delimiters is for `layout_check` to name, not an error of CSV yet.
        first = next((cells for _, cells in self._rows(strict=False) if cells), None)
        if first is None:
            raise DataError(f"{name} is empty: it needs {'a header line and ' * header}rows")
        bounds.check_columns(name, len(first))
        numbered = tuple(f"column{number}" for number in range(1, len(first) + 1))
        self._open_ended = bool(columns)
        self.columns = self.text_columns = columns or (tuple(map(str.strip, first)) if header else numbered)
        reading = (delimiter, quoted, header, columns, marked)
        usual = reading in (("\t", False, True, (), False), (",", True, True, (), False)) and len(self.columns) > 1
        self.reading = "" if usual else repr(reading)

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every row below the header; a row of another width is an error."""
        places = [self.columns.index(column) for column in chosen]
        rows = self._rows()
        if self.header:
            next(cells for _, cells in rows if cells)
        for number, cells in rows:
            if cells and len(cells) != len(self.columns) and not (self._open_ended and len(cells) > len(self.columns)):
                raise DataError(f"{self.name}, line {number} {self._width(len(cells))}")
            yield number, tuple(cells[place] for place in places) if cells else None

    def heads_numbers(self) -> bool:
        """Whether a first cell that is no number stands over numbers alone: the first line holds names, not data."""
        try:
            rows = [cells for _, cells in islice(self.records(self.columns), LOOKED_AT) if cells is not None]
        except DataError:
            return False
        columns = zip(self.columns, *rows, strict=True)
        numbered = (name for name, *cells in columns if all(is_number(str(cell)) for cell in cells))
        return bool(rows) and not all(map(is_number, numbered))

    def _rows(self, *, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
        if self._quoted:
            rows = quoted_rows(self.path, self.name, self.delimiter, strict=strict)
        else:
            rows = literal_rows(self.path, self.name, self.delimiter)
        if self._marked:
            next(cells for _, cells in rows if cells)
        return rows

    def _width(self, cells: int) -> str:
        first = "the header" if self.header else "the first line"
        return f"has {cells} column{'s'[: cells != 1]}, {first} has {len(self.columns)} ({', '.join(self.columns)})"


def literal_rows(path: Path, name: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Cells separated by the delimiter alone: quotes are literal, nothing is escaped."""
    for number, line in lines(path, name):
        content = bare(line)
        yield number, content.split(delimiter) if content else []


def quoted_rows(path: Path, name: str, delimiter: str, *, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Cells as in RFC 4180; a quoted cell may hold line ends, so a row is numbered by its first line."""
    csv.field_size_limit(bounds.CELL)
    number = characters = 0

    def counted() -> Iterator[str]:
        nonlocal characters
        for _, line in lines(path, name):
            characters += len(line)
            if characters > bounds.LINE:
                raise bounds.too_long(f"{name}, the row from line {number} on,")
            yield line

    reader = csv.reader(counted(), strict=strict, delimiter=delimiter)
    while True:
        number, characters = reader.line_num + 1, 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"{name}, line {number} is not valid CSV (RFC 4180): {error}"
            raise DataError(f"{problem}; is a quote not closed or not doubled?") from None
        yield number, cells


# ---- files that are not what their ending says ---------------------------------------------------------

DELIMITERS = ("\t", ";", "|", ",")
LOOKED_AT = 100
"""Lines at the head of a file that must all hold a delimiter before it is suspected."""
STS_BENCHMARK = ("genre", "file", "year", "id", "score", "sentence1", "sentence2")
"""The columns of sts-train.csv, sts-dev.csv and sts-test.csv, which are tabs without a header; sources may follow."""
_STS_GENRES = ("main-captions", "main-news", "main-forum", "main-forums")


def head(path: Path, name: str) -> list[str]:
    """The first lines of a file that are not blank, without their ends: a hundred, or those within `bounds.HEAD`."""
    found, characters = list[str](), 0
    for _, line in lines(path, name):
        if line.strip():
            found.append(bare(line))
            characters += len(line)
        if len(found) == LOOKED_AT or characters > bounds.HEAD:
            break
    return found


def is_sts_benchmark(line: str) -> bool:
    """Whether this is a line of STSbenchmark as it is downloaded."""
    cells = line.split("\t")
    return len(cells) >= len(STS_BENCHMARK) and cells[0] in _STS_GENRES and is_number(cells[4])


def named_delimiter(line: str) -> str | None:
    """The delimiter that a line `sep=;` names, as Excel writes and reads it; None if this is no such line."""
    found = re.fullmatch(r'("?)sep=([^"])\1', line)
    return found[2] if found else None


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, with a decimal point or comma."""
    return re.fullmatch(r"\s*[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?\s*", cell) is not None


def is_sentence(cell: str) -> bool:
    """Whether a cell of a first line looks like data and not like the name of a column."""
    return is_number(cell) or len(cell) > 40 or bool(re.search(r"\S\s+\S|[.!?…。！？]\s*$", cell))


def other_delimiter(head: Sequence[str], own: str) -> str | None:
    """The character that stands in every one of these lines, if the file's own delimiter is not in the first."""
    if not head or (own and own in head[0]):
        return None
    return next((found for found in DELIMITERS if found != own and all(found in line for line in head)), None)
