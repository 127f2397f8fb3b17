"""Writing vectors to a file block by block: .npy, or .parquet with the texts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

import numpy as np

from simemb.encoder import vector_types
from simemb.encoder.vector_types import StoredAs
from simemb.errors import DataError
from simemb.outputs import new_file
from simemb.streams import FULL
from simemb.texts import whole

Vectors = np.ndarray[Any, np.dtype[np.float32]]


@runtime_checkable
class VectorWriter(Protocol):
    """A file of vectors that grows block by block; a context manager that completes it."""

    def __enter__(self) -> "VectorWriter": ...
    def __exit__(self, *error: object) -> None: ...
    def append(self, texts: list[str], vectors: Vectors, ids: list[str] | None = None) -> None:
        """Write the vectors of some texts, and their ids: with every block, or with none."""
        ...


class NpyWriter:
    """A .npy file that grows: at the end its header is overwritten with the final shape."""

    def __init__(self, path: Path, width: int):
        self.file: BinaryIO = path.open("wb")
        self.width = width
        self.rows = 0

    def __enter__(self) -> "NpyWriter":
        self._header()
        return self

    def __exit__(self, *error: object) -> None:
        self.file.seek(0)
        self._header()
        self.file.close()

    def _header(self) -> None:
        # numpy pads the header to 21 digits for the number of rows, so its length never changes.
        shape = (self.rows, self.width)
        np.lib.format.write_array_header_1_0(self.file, {"descr": "<f4", "fortran_order": False, "shape": shape})

    def append(self, texts: list[str], vectors: Vectors, ids: list[str] | None = None) -> None:  # noqa: ARG002
        """Write the vectors; this format has no place for texts and ids."""
        self.file.write(vectors.astype("<f4", copy=False).data)
        self.rows += len(vectors)


class ParquetWriter:
    """Columns id (string, if the texts have ids), text (string) and embedding (fixed-size list of float32).

    has_ids: whether a file without a row has a column of ids. stored, scales: the type of the embedding, as in
    `simemb.encoder.vector_types`. metadata: what is kept beside the columns.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        *,
        has_ids: bool = False,
        stored: StoredAs = "float32",
        scales: Sequence[float] = (),
        metadata: Mapping[bytes, str] | None = None,
    ):
        self.path, self.width, self.has_ids = path, width, has_ids
        self.stored, self.scales, self.metadata = stored, scales, metadata
        self.writer: Any = None

    def __enter__(self) -> "ParquetWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._open(with_ids=self.has_ids)  # a file without a block has its columns too
        self.writer.close()

    def _open(self, *, with_ids: bool) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self.writer is None:
            columns = {"text": pa.string(), "embedding": vector_types.arrow_type(self.stored, self.width)}
            schema = pa.schema({"id": pa.string()} | columns if with_ids else columns)
            self.writer = pq.ParquetWriter(self.path, schema.with_metadata(self.metadata))

    def append(self, texts: list[str], vectors: Vectors, ids: list[str] | None = None) -> None:
        """Write texts and vectors, one row each."""
        import pyarrow as pa

        self._open(with_ids=ids is not None)
        schema = self.writer.schema
        flat = pa.array(vector_types.packed(vectors, self.stored, self.scales).ravel())
        embedding = pa.FixedSizeListArray.from_arrays(flat, type=schema.field("embedding").type)
        words = [_strings(column) for column in (ids, texts) if column is not None]
        self.writer.write_table(pa.table([*words, embedding], schema=schema))


def _strings(texts: list[str]) -> Any:
    """An Arrow array; half of a surrogate pair becomes U+FFFD, as in what was encoded."""
    import pyarrow as pa

    return pa.array([whole(text) for text in texts], pa.string())


WRITERS: dict[str, Callable[[Path, int], VectorWriter]] = {".npy": NpyWriter, ".parquet": ParquetWriter}
"""Suffix of a file -> its writer, which is called with a path and the length of the vectors."""


def writer_for(path: Path) -> Callable[[Path, int], VectorWriter]:
    """The writer for the suffix of a path. Raises `DataError` for a suffix that is not in `WRITERS`."""
    if path.suffix not in WRITERS:
        raise DataError(f"{path}: vectors are written to {' or '.join(WRITERS)}, not to {path.suffix or 'a folder'!r}")
    return WRITERS[path.suffix]


def write_blocks(
    blocks: Iterator[tuple[list[str], Vectors]],
    path: Path,
    writer: Callable[[Path], VectorWriter],
    *,
    overwrite: bool,
    ids: Iterable[str] | None = None,
) -> int:
    """Write texts with their vectors, and the ids of the texts; the file appears only when it is complete.

    Returns the number of texts. Raises `DataError` if the file exists (without `overwrite`) or cannot be written,
    `BusyError` if another process is writing it.
    """
    names, rows = None if ids is None else iter(ids), 0
    try:
        with new_file(path, overwrite=overwrite) as partial, writer(partial) as file:
            for texts, vectors in blocks:
                file.append(texts, vectors, None if names is None else list(islice(names, len(texts))))
                rows += len(texts)
    except OSError as error:
        # Unless there is no room, the whole error: it may name the file that the texts come from.
        reason = error.strerror if error.errno in FULL else error
        raise DataError(f"{path}: cannot be written: {reason}") from error
    return rows
