"""The file formats of users' data, each read as a stream of numbered records with named columns.

Text and parquet are here; `delimited` and `json_lines` read the others, and `endings` chooses.

Text files are UTF-8 (a byte-order mark is dropped) with one record a line. Only LF or CRLF ends a line, so that
U+2028, U+0085 or a vertical tab inside a sentence never cuts it in two.
"""

import gzip
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from simemb.errors import DataError

BOM = b"\xef\xbb\xbf"

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


def bare(line: str) -> str:
    """A line without its line end."""
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
            yield number, (bare(line),) if line.strip() else None


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
