"""The file formats of users' data, each read as a stream of numbered records with named columns.

Text files have one record a line (`simemb.corpus.lines`). The ending of a file's name says its format.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from simemb.corpus.delimited import (
    PLAIN,
    STS_BENCHMARK,
    DelimitedFile,
    Layout,
    head,
    is_sts_benchmark,
    named_delimiter,
)
from simemb.corpus.json_lines import JsonLinesFile
from simemb.corpus.json_shape import are_objects, fault
from simemb.corpus.lines import bare, lines
from simemb.corpus.parquet import ParquetFile
from simemb.corpus.quoting import is_quoted
from simemb.corpus.table import Record, Table
from simemb.errors import DataError

logger = logging.getLogger("simemb")


class TextFile:
    """One sentence a line."""

    unit = "line"
    columns: tuple[str, ...] = ("sentence",)
    text_columns: tuple[str, ...] = columns
    list_columns: tuple[str, ...] = ()
    delimiter = ""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every line, blank ones as None."""
        del chosen  # there is only one column
        for number, line in lines(self.path, self.name):
            yield number, (bare(line),) if line.strip() else None


DELIMITERS = {".txt": "", ".csv": ",", ".tsv": "\t"}
"""The delimiter of each text format; lines of .txt are whole texts, unless a delimiter is named."""
FORMATS: dict[str, Callable[[Path, str], Table]] = {".jsonl": JsonLinesFile, ".parquet": ParquetFile}
"""The formats that say themselves what their columns are."""
ENDINGS = (*DELIMITERS, *FORMATS)


def open_file(path: Path, name: str, layout: Layout = PLAIN) -> Table:
    """The table in an existing file, by the ending of its name and the layout that the user named.

    Raises:
        DataError: the ending is unknown, the file is not what its ending says, or its format has no such layout.
    """
    ending = ending_of(path, name)
    if ending in FORMATS:
        if layout != PLAIN:
            raise DataError(f"{name}: {ending} has names and no delimiter: leave out --delimiter and --no-header")
        return FORMATS[ending](path, name)
    delimiter = layout.character or DELIMITERS[ending]
    return _open_delimited(path, name, layout, delimiter) if delimiter else TextFile(path, name)


def _open_delimited(path: Path, name: str, layout: Layout, delimiter: str) -> DelimitedFile:
    """A table whose first lines may tell more than its ending."""
    first = "".join(head(path, name)[:1])
    if layout == PLAIN and is_sts_benchmark(first):
        return DelimitedFile(path, name, "\t", header=False, columns=STS_BENCHMARK, quoted=False)
    marked = named_delimiter(first)
    delimiter = layout.character or marked or delimiter
    quoted = delimiter != "\t" or is_quoted(path, name, header=layout.header)
    if quoted and delimiter == "\t":
        logger.warning("%s: its cells are quoted as in RFC 4180, so the quotes around them are not text", name)
    return DelimitedFile(path, name, delimiter, header=layout.header, quoted=quoted, marked=marked is not None)


def ending_of(path: Path, name: str) -> str:
    """The ending of a name without .gz, in lower case. Raises `DataError` if no format has it."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    zipped = suffixes[-1:] == [".gz"]
    ending = "".join(suffixes[-2:-1] if zipped else suffixes[-1:])
    if ending == ".json":
        first = head(path, name)
        if problem := "JSON objects, one a line: let its name end in .jsonl" if are_objects(first) else fault(first):
            raise DataError(f"{name} has {problem}")
    if ending not in ENDINGS or (zipped and ending == ".parquet"):
        shown = "".join(suffixes[-2:] if zipped else suffixes[-1:]) or "no ending"
        allowed = " ".join(ENDINGS)
        raise DataError(f"{name} has {shown}: allowed are {allowed}, and .gz after all but .parquet")
    return ending
