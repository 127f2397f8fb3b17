"""Records written to a file: .tsv with a header, .jsonl, or .txt with the texts alone."""

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from simemb.errors import DataError, unknown
from simemb.outputs import check_file, new_file

FORMATS = (".tsv", ".jsonl")
OF_TEXTS = (*FORMATS, ".txt")

Record = dict[str, Any]


def check(path: Path | None, formats: Sequence[str], *, overwrite: bool) -> None:
    """Refuse, before the work, a file of another format, or one that cannot or must not be written (`DataError`)."""
    if path is None:
        return
    if path.suffix not in formats:
        raise DataError(f"{path}: {unknown('ending', path.suffix, formats)}")
    check_file(path, overwrite=overwrite)


def write(path: Path, names: Sequence[str], records: Iterable[Record], *, overwrite: bool) -> None:
    """Write records with these columns; a .txt has the texts alone. Tabs and line ends become blanks, but for JSON.

    Raises `DataError` if the file exists (without `overwrite`) or cannot be written.
    """
    try:
        with (
            new_file(path, overwrite=overwrite) as partial,
            partial.open("w", encoding="utf-8", newline="\n") as file,
        ):
            if path.suffix == ".tsv":
                file.write("\t".join(names) + "\n")
            for record in records:
                file.write(_line(path.suffix, names, record) + "\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from error


def _line(ending: str, names: Sequence[str], record: Record) -> str:
    if ending == ".jsonl":
        return json.dumps({name: record[name] for name in names if name in record}, ensure_ascii=False)
    cells = [record["text"]] if ending == ".txt" else [record.get(name, "") for name in names]
    return "\t".join(re.sub(r"[\t\r\n\0]", " ", cell if isinstance(cell, str) else json.dumps(cell)) for cell in cells)
