"""A part of an index: up to `FULL` unit vectors in a FAISS structure, their ids and texts in an Arrow table.

An index is a list of parts, so that building needs the memory of one part, whatever the size of the corpus;
a stored part is two memory-mapped files, named after their SHA-256 and never changed.
"""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import faiss
import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64, Shaped

from .errors import SearchError

KINDS = ("auto", "exact", "hnsw", "ivf")
EXACT_LIMIT = 100_000
"""Texts up to which "auto" compares all: 6 ms a query at 128 dimensions on 2 cores, and nothing is missed."""
FULL = 262_144
"""Texts in a full part: 400 MB of vectors at 384 dimensions, three times that while it is being built."""
SCHEMA = pa.schema([("id", pa.large_string()), ("text", pa.large_string())])


@dataclass(frozen=True)
class File:
    """A file of an index as `index.json` records it: name, size in bytes, SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str

    def check(self, directory: Path, *, verify: bool) -> Path:
        """The path of the file.

        Raises:
            SearchError: the file is missing, has another size or (with `verify`) another checksum.
        """
        path = directory / self.name
        if not path.is_file():
            raise SearchError(f"{path}: missing: the index is damaged, build it again")
        if (size := path.stat().st_size) != self.bytes:
            raise SearchError(f"{path}: {size} bytes instead of {self.bytes}: damaged, build the index again")
        if verify and _sha256(path) != self.sha256:
            raise SearchError(f"{path}: its checksum is not the recorded one: damaged, build the index again")
        return path


@dataclass(frozen=True)
class Stored:
    """Where a part lies: its directory and the two files there."""

    directory: Path
    vectors: File
    texts: File


@dataclass(frozen=True, eq=False)
class Part:
    """Unit vectors (a FAISS index with inner product) and their rows (Arrow: id, text); never empty."""

    vectors: Any
    texts: pa.Table
    stored: Stored | None = None

    @property
    def count(self) -> int:
        """How many texts."""
        return self.texts.num_rows

    @property
    def kind(self) -> str:
        """exact, hnsw or ivf."""
        return {"IndexHNSWFlat": "hnsw", "IndexIVFFlat": "ivf"}.get(type(self.vectors).__name__, "exact")

    def row(self, number: int) -> tuple[str, str]:
        """Id and text of a row in [0, count), without reading the others."""
        return self.texts["id"][number].as_py(), self.texts["text"][number].as_py()

    def nearest(
        self, queries: Float32[np.ndarray, "query dim"], k: int, effort: int
    ) -> tuple[Float32[np.ndarray, "query hit"], Int64[np.ndarray, "query hit"]]:
        """Cosines and row numbers of the min(k, count) nearest vectors of each query, best first."""
        hits = min(k, self.count)
        scores, rows = self.vectors.search(queries, hits, params=self._parameters(effort))
        short = np.flatnonzero(rows[:, -1] < 0)
        if len(short):
            # Cells without enough texts, or a graph that is not connected: look at every vector.
            everything = faiss.downcast_index(self.vectors.storage) if self.kind == "hnsw" else self.vectors
            parameters = self._parameters(self.count) if self.kind == "ivf" else None
            scores[short], rows[short] = everything.search(queries[short], hits, params=parameters)
        return scores, rows

    def joined(self, other: "Part", kind: str) -> "Part":
        """This exact part with the rows of another behind its own; past `EXACT_LIMIT` arranged as `kind`."""
        vectors = arrange(self._dense(), "exact") if self.stored else self.vectors
        vectors.add(other._dense())
        part = Part(vectors, pa.concat_tables([self.texts, other.texts]))
        if part.count > EXACT_LIMIT and kind != "exact":
            return Part(arrange(part._dense(), kind), part.texts)
        return part

    def store(self, directory: Path) -> "Part":
        """The same part, memory-mapped from two files in `directory` (existing; equal files are replaced)."""
        old = self.stored
        if old and old.directory == directory:
            return self
        # write_index on a mapped ivf index would write a reference to the mapped file, not its vectors.
        vectors = _place(
            directory, "vectors-{}.faiss", _copy(old.directory / old.vectors.name) if old else self._write_vectors
        )
        texts = _place(
            directory, "texts-{}.arrow", _copy(old.directory / old.texts.name) if old else self._write_texts
        )
        return Part.load(Stored(directory, vectors, texts), verify=False)

    @classmethod
    def load(cls, stored: Stored, *, verify: bool) -> Self:
        """Map a stored part.

        Raises:
            SearchError: a file is missing, damaged or unreadable, or the two do not belong together.
        """
        paths = [file.check(stored.directory, verify=verify) for file in (stored.vectors, stored.texts)]
        try:
            vectors = _map_vectors(paths[0])
            texts = pa.ipc.open_file(pa.memory_map(str(paths[1]))).read_all()
        except (RuntimeError, OSError, pa.ArrowException) as error:
            raise SearchError(f"{stored.directory}: cannot read the index: {_first_line(error)}") from error
        if vectors.ntotal != texts.num_rows or texts.schema != SCHEMA:
            raise SearchError(f"{paths[1]}: does not belong to {paths[0].name}: damaged, build the index again")
        return cls(vectors, texts, stored)

    def record(self) -> dict[str, object]:
        """What `index.json` says about a stored part."""
        assert self.stored is not None
        files = {"vectors": asdict(self.stored.vectors), "texts": asdict(self.stored.texts)}
        structure = {
            "hnsw": lambda: {"links": self.vectors.hnsw.nb_neighbors(1)},
            "ivf": lambda: {"cells": self.vectors.nlist},
        }
        return {"kind": self.kind, "count": self.count, **structure.get(self.kind, dict)(), **files}

    def _dense(self) -> Float32[np.ndarray, "text dim"]:
        return self.vectors.reconstruct_n(0, self.count)

    def _parameters(self, effort: int) -> Any:
        if self.kind == "ivf":
            return faiss.SearchParametersIVF(nprobe=min(effort, self.vectors.nlist))
        return faiss.SearchParametersHNSW(efSearch=effort) if self.kind == "hnsw" else None

    def _write_vectors(self, path: Path) -> None:
        faiss.write_index(self.vectors, str(path))

    def _write_texts(self, path: Path) -> None:
        with pa.ipc.new_file(str(path), SCHEMA) as writer:
            writer.write_table(self.texts.combine_chunks(), max_chunksize=8192)


def unit(vectors: Shaped[np.ndarray, "text dim"], what: str) -> Float32[np.ndarray, "text dim"]:
    """x / |x| for each row, and 0 for a row of zeros.

    Raises:
        SearchError: a value is not finite; `what` names the rows in the message.
    """
    # In double precision neither the squares of large nor those of tiny values are lost.
    wide = vectors.astype(np.float64)
    if not np.isfinite(wide).all():
        row = int(np.flatnonzero(~np.isfinite(wide).all(axis=1))[0])
        raise SearchError(f"{what}: the vector of number {row} is not finite: the encoder is broken")
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.divide(wide, lengths, out=np.zeros_like(wide), where=lengths > 0).astype(np.float32)


def arrange(vectors: Float32[np.ndarray, "text dim"], kind: str) -> Any:
    """A FAISS index of the vectors: inner product whatever the kind, and equal for equal vectors.

    "exact" compares all; "ivf" compares those in the nearest of 4 sqrt(texts) k-means cells (spherical, seed
    0, trained on at most 64 texts a cell); "hnsw" follows a graph of 32 links a text (Malkov and Yashunin,
    2018, https://arxiv.org/abs/1603.09320); "auto" is exact up to `EXACT_LIMIT` texts, ivf above.
    """
    count, dim = vectors.shape
    if kind == "hnsw":
        return _graph(vectors)
    if kind == "exact" or (kind == "auto" and count <= EXACT_LIMIT):
        index = faiss.IndexFlatIP(dim)
    else:
        cells = max(1, min(int(4 * count**0.5), count // 39))
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, cells, faiss.METRIC_INNER_PRODUCT)
        index.cp.seed, index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 0, 1, 64
        index.train(vectors)
    index.add(vectors)
    return index


def _graph(vectors: Float32[np.ndarray, "text dim"]) -> Any:
    index = faiss.IndexHNSWFlat(vectors.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 100
    threads = faiss.omp_get_max_threads()
    # The links depend on the order of insertion: only one thread gives the same graph each time.
    faiss.omp_set_num_threads(1)
    try:
        index.add(vectors)
    finally:
        faiss.omp_set_num_threads(threads)
    return index


def _map_vectors(path: Path) -> Any:
    # Inverted lists have a mapping of their own in FAISS; the other one serves flat and hnsw.
    with path.open("rb") as file:
        inverted = file.read(4) == b"IwFl"
    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP if inverted else faiss.IO_FLAG_MMAP_IFC)
    if index.metric_type != faiss.METRIC_INNER_PRODUCT:
        raise SearchError(f"{path}: not an inner-product index: build the index again")
    return index


def _place(directory: Path, pattern: str, write: Callable[[Path], None]) -> File:
    temporary = directory / pattern.format(uuid4().hex)
    write(temporary)
    digest = _sha256(temporary)
    file = File(pattern.format(digest[:16]), temporary.stat().st_size, digest)
    os.replace(temporary, directory / file.name)
    return file


def _copy(source: Path) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        shutil.copyfile(source, path)

    return write


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
