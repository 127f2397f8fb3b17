"""The file formats of users' data, each read as a stream of numbered records with named columns.

Text files are UTF-8 (a byte-order mark is dropped) with one record a line. Only LF or CRLF ends a line, so that
U+2028, U+0085 or a vertical tab inside a sentence never cuts it in two.
"""

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from simemb.errors import DataError

BOM = b"\xef\xbb\xbf"
# Python's own limit of 131,072 characters would refuse long documents; some limit must stay, because one
# quote that is never closed makes a single field of the rest of the file.
CSV_FIELD_LIMIT = 16_000_000

Record = tuple[int, tuple[object, ...] | None]


@runtime_checkable
class Table(Protocol):
    """Named columns that can be read again and again.

    `unit` is what a record's number counts ("line" or "row", from 1); `text_columns` are the columns that
    can hold text; `records(chosen)` gives (number, cells of the chosen columns), or (number, None) for a
    blank line.
    """

    unit: str
    columns: tuple[str, ...]
    text_columns: tuple[str, ...]

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every record from the first on; each call reads from the start."""
        ...


def kind_of(value: object) -> str:
    """What a value of JSON or Arrow is, in words."""
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return next((kind for type_, kind in kinds.items() if isinstance(value, type_)), f"the number {value}")


@contextmanager
def _reading(name: str) -> Generator[None]:
    """Turn what the operating system and gzip raise into one line."""
    try:
        yield
    except EOFError:
        message = f"{name} ends in the middle of its gzip data: an interrupted download? fetch it again"
        raise DataError(message) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{name} is not valid gzip ({error}): fetch it again or rename it") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}") from None


def _open_bytes(path: Path) -> BufferedIOBase:
    return cast(BufferedIOBase, gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def lines(path: Path, name: str) -> Iterator[tuple[int, str]]:
    """The lines of a UTF-8 file with their line ends, numbered from 1."""
    with _reading(name), _open_bytes(path) as stream:
        for number, raw in enumerate(stream, 1):
            content = raw.removeprefix(BOM) if number == 1 else raw
            if b"\0" in content:
                column = content.index(b"\0") + 1
                raise DataError(f"{name}, line {number}, byte {column}: a NUL byte; is this a text file?")
            try:
                line = content.decode()
            except UnicodeDecodeError as error:
                byte = content[error.start]
                place = f"{name}, line {number}, byte {error.start + 1}"
                raise DataError(f"{place}: 0x{byte:02x} is not UTF-8; save the file as UTF-8") from None
            yield number, line


def _bare(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


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
            yield number, (_bare(line),) if line.strip() else None


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
        bare = _bare(line)
        yield number, bare.split("\t") if bare else []


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


class ParquetFile:
    """A parquet file, read a few thousand rows at a time."""

    unit = "row"

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        with self._open() as file:
            schema = file.schema_arrow
        self.columns = tuple(schema.names)
        self.text_columns = tuple(field.name for field in schema if _holds_text(field.type))

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every row, numbered from 1."""
        number = 0
        with self._open() as file:
            for batch in file.iter_batches(batch_size=4096, columns=list(chosen)):
                cells = [batch.column(column).to_pylist() for column in chosen]
                for row in zip(*cells, strict=True):
                    number += 1
                    yield number, row

    @contextmanager
    def _open(self) -> Generator[Any]:
        import pyarrow
        import pyarrow.parquet

        try:
            with _reading(self.name), pyarrow.parquet.ParquetFile(self.path) as file:
                yield file
        except (pyarrow.ArrowException, UnicodeDecodeError) as error:
            detail = " ".join(str(error).split())
            raise DataError(f"{self.name} is not a whole parquet file: {detail}") from None


def _holds_text(kind: Any) -> bool:
    from pyarrow import types

    value = kind.value_type if types.is_dictionary(kind) else kind
    return types.is_string(value) or types.is_large_string(value) or types.is_string_view(value)


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
