"""Parquet files as tables: strings are text, and so are bytes that are valid UTF-8, as some programs write strings."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from simemb import json_files, libraries
from simemb.corpus.bounds import check_columns
from simemb.corpus.contents import SAMPLE, check_parquet
from simemb.corpus.lines import reading
from simemb.corpus.table import Record
from simemb.errors import DataError

ROWS = 128
"""Rows that are in memory at once: a page of some KB can hold a long text for each."""


class ParquetFile:
    """A parquet file, read some rows at a time.

    count: how many rows it has. label_names: by column, the names that its numbers stand for, where `datasets` wrote
    them beside the data. gaps: the columns with nulls, where the file says how many there are.
    """

    unit = "row"

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        with self._open() as file:
            schema, self.gaps, self.count = file.schema_arrow, _gaps(file.metadata), file.metadata.num_rows
        check_columns(name, len(schema.names))
        self.columns = tuple(schema.names)
        self.text_columns = tuple(field.name for field in schema if _may_hold_text(field.type))
        self.list_columns = tuple(field.name for field in schema if _holds_lists(field.type))
        self.label_names = _label_names(schema.metadata or {})

    def records(self, chosen: Sequence[str], start: int = 0) -> Iterator[Record]:
        """Every row, numbered from 1, without the first `start`: row groups before them are not read."""
        with self._open() as file:
            groups, before = _groups_from(file.metadata, start)
            for number, row in enumerate(self._rows(file, groups, chosen), before + 1):
                if number > start:
                    yield number, row

    def _rows(self, file: Any, groups: Sequence[int], chosen: Sequence[str]) -> Iterator[tuple[object, ...]]:
        for batch in file.iter_batches(batch_size=ROWS, row_groups=groups, columns=list(chosen)):
            with libraries.reading(lambda reason: DataError(f"{self.name} holds what cannot be read: {reason}")):
                cells = [_cells(batch.column(column)) for column in chosen]
            yield from zip(*cells, strict=True)

    @contextmanager
    def _open(self) -> Generator[Any]:
        import pyarrow
        import pyarrow.parquet

        try:
            with reading(self.name):
                with self.path.open("rb") as stream:
                    check_parquet(stream.read(SAMPLE), self.name)
                with pyarrow.parquet.ParquetFile(self.path) as file:
                    yield file
        except (pyarrow.ArrowException, UnicodeDecodeError) as error:
            detail = " ".join(str(error).split())
            raise DataError(f"{self.name} is not a whole parquet file: {detail}") from None


def _groups_from(metadata: Any, start: int) -> tuple[list[int], int]:
    """The row groups that hold rows after the first `start`, and how many rows come before these groups."""
    before = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if before + rows > start:
            return list(range(group, metadata.num_row_groups)), before
        before += rows
    return [], before


def _gaps(metadata: Any) -> set[str]:
    """The columns with nulls, lists left out: their statistics count what is in the lists."""
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    chunks = [group.column(column) for group in groups for column in range(group.num_columns)]
    return {chunk.path_in_schema for chunk in chunks if chunk.statistics is not None and chunk.statistics.null_count}


def _label_names(metadata: Mapping[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """The names of every `ClassLabel` of the features that `datasets` writes; none if there are no such features."""
    try:
        features = json_files.parse_json(metadata[b"huggingface"].decode())["info"]["features"]
        named = {column: feature["names"] for column, feature in features.items() if "names" in feature}
        return {column: tuple(map(str, names)) for column, names in named.items() if names}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _may_hold_text(kind: Any) -> bool:
    """Whether the cells can be text: strings, bytes, and the type of a column without any value."""
    from pyarrow import types

    value = kind.value_type if types.is_dictionary(kind) else kind
    strings = types.is_string(value) or types.is_large_string(value) or types.is_string_view(value)
    return strings or _is_bytes(value) or types.is_null(value)


def _holds_lists(kind: Any) -> bool:
    from pyarrow import types

    return (types.is_list(kind) or types.is_large_list(kind)) and _may_hold_text(kind.value_type)


def _is_bytes(kind: Any) -> bool:
    from pyarrow import types

    return types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind)


def _cells(column: Any) -> list[object]:
    """The cells of a column; bytes that are UTF-8 as text, others as they are."""
    kind = column.type
    cells = column.to_pylist()
    is_bytes = _is_bytes(getattr(kind, "value_type", kind))
    return [_decoded(cell) for cell in cells] if is_bytes else cells


def _decoded(cell: object) -> object:
    try:
        return cell.decode() if isinstance(cell, bytes) else cell
    except UnicodeDecodeError:
        return cell
