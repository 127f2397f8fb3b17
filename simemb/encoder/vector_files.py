"""Writing vectors to a file block by block: .npy, or .parquet with the texts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

import numpy as np

from simemb.errors import DataError
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
    """Columns id (string, if the texts have ids), text (string) and embedding (fixed-size list of float32)."""

    def __init__(self, path: Path, width: int):
        self.path, self.width = path, width
        self.writer: Any = None

    def __enter__(self) -> "ParquetWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self._open(with_ids=False)  # a file without a block has its columns too
        self.writer.close()

    def _open(self, *, with_ids: bool) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self.writer is None:
            columns = {"text": pa.string(), "embedding": pa.list_(pa.float32(), self.width)}
            self.writer = pq.ParquetWriter(self.path, pa.schema({"id": pa.string()} | columns if with_ids else columns))

    def append(self, texts: list[str], vectors: Vectors, ids: list[str] | None = None) -> None:
        """Write texts and vectors, one row each."""
        import pyarrow as pa

        self._open(with_ids=ids is not None)
        schema = self.writer.schema
        flat = pa.array(vectors.ravel())
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
