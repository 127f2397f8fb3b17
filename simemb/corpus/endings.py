"""The format of a file, by the ending of its name."""

from collections.abc import Callable
from pathlib import Path

from simemb.corpus.delimited import DelimitedFile, comma_rows, tab_rows
from simemb.corpus.formats import ParquetFile, Table, TextFile
from simemb.corpus.json_lines import JsonLinesFile
from simemb.errors import DataError

FORMATS: dict[str, Callable[[Path, str], Table]] = {
    ".txt": TextFile,
    ".csv": lambda path, name: DelimitedFile(path, name, comma_rows),
    ".tsv": lambda path, name: DelimitedFile(path, name, tab_rows),
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
