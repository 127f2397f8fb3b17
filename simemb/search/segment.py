"""A segment of an index: up to `FULL` unit vectors in a FAISS structure, with their ids and texts in an Arrow table.

An index is a list of segments, so building needs the memory of one segment, however large the corpus is. A stored
segment is two memory-mapped files that never change.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64

from simemb import libraries
from simemb.errors import SearchError
from simemb.search.faiss_library import faiss
from simemb.search.rows import SCHEMA
from simemb.search.storage import File, write_file

KINDS = ("auto", "exact", "hnsw", "ivf")
EXACT_LIMIT = 100_000
"""Up to this number of texts, "auto" compares a query with all: 6 ms a query at 128 dimensions on 2 cores."""
FULL = 262_144
"""Texts in a full segment: 400 MB of vectors at 384 dimensions, about three times that while it is built."""


@dataclass(frozen=True)
class Stored:
    """Where a segment is stored: the directory and its two files."""

    directory: Path
    vectors: File
    texts: File


@dataclass(frozen=True, eq=False)
class Segment:
    """Unit vectors and their ids and texts; never empty.

    Attributes:
        vectors: A FAISS index with inner product.
        texts: The columns `id` and `text`, in the order of the vectors.
        stored: The files it is mapped from; None for a segment in memory.
    """

    vectors: Any
    texts: pa.Table
    stored: Stored | None = None

    @property
    def count(self) -> int:
        """The number of texts."""
        return self.texts.num_rows

    @property
    def kind(self) -> str:
        """The FAISS structure: "exact", "hnsw" or "ivf"."""
        return {"IndexHNSWFlat": "hnsw", "IndexIVFFlat": "ivf"}.get(type(self.vectors).__name__, "exact")

    def row(self, number: int) -> tuple[str, str]:
        """Id and text of a row in [0, count); the other rows are not read."""
        return self.texts["id"][number].as_py(), self.texts["text"][number].as_py()

    def nearest(
        self, queries: Float32[np.ndarray, "query dim"], k: int, effort: int
    ) -> tuple[Float32[np.ndarray, "query hit"], Int64[np.ndarray, "query hit"]]:
        """Cosines and row numbers of the min(k, count) nearest vectors of each query, best first."""
        hits = min(k, self.count)
        scores, rows = self.vectors.search(queries, hits, params=self._parameters(effort))
        incomplete = np.flatnonzero(rows[:, -1] < 0)
        if len(incomplete):
            # The cells hold too few texts, or the graph is not connected: compare with every vector.
            exact = faiss().downcast_index(self.vectors.storage) if self.kind == "hnsw" else self.vectors
            parameters = self._parameters(self.count) if self.kind == "ivf" else None
            scores[incomplete], rows[incomplete] = exact.search(queries[incomplete], hits, params=parameters)
        if rows.size and not 0 <= rows.min() <= rows.max() < self.count:  # files whose checksums were not looked at
            raise SearchError("the vectors of the index do not fit its texts: it is damaged, build it again")
        return scores, rows

    def extend(self, other: "Segment", kind: str) -> "Segment":
        """This exact segment followed by the rows of another; above `EXACT_LIMIT` texts it is arranged as `kind`.

        The FAISS index of a segment in memory grows in place, so this segment must not be used afterwards; after an
        error it is as before.
        """
        texts = pa.concat_tables([self.texts, other.texts])
        if texts.num_rows > EXACT_LIMIT and kind != "exact":
            return Segment(arrange(np.concatenate([self._dense(), other._dense()]), kind), texts)
        vectors = arrange(self._dense(), "exact") if self.stored else self.vectors
        try:
            vectors.add(other._dense())
            return Segment(vectors, texts)
        except BaseException:  # no vectors without texts
            vectors.remove_ids(faiss().IDSelectorRange(self.count, vectors.ntotal))
            raise

    def store(self, directory: Path) -> "Segment":
        """The same segment, memory-mapped from two files in `directory`."""
        source = self.stored
        if source and source.directory == directory:
            source.vectors.check(directory, verify=False)
            source.texts.check(directory, verify=False)
            return self
        # write_index on a mapped ivf index would write a reference to the mapped file, not its vectors.
        write_vectors = _copy_of(source.directory / source.vectors.name) if source else self._write_vectors
        write_texts = _copy_of(source.directory / source.texts.name) if source else self._write_texts
        vectors = write_file(directory, "vectors-{}.faiss", write_vectors)
        texts = write_file(directory, "texts-{}.arrow", write_texts)
        return Segment.load(Stored(directory, vectors, texts), verify=False)

    @classmethod
    def load(cls, stored: Stored, *, verify: bool) -> "Segment":
        """Map a stored segment into memory.

        Raises:
            SearchError: a file is missing, damaged or unreadable, or the two files are not of one segment.
        """
        paths = [file.check(stored.directory, verify=verify) for file in (stored.vectors, stored.texts)]
        with libraries.reading(lambda reason: SearchError(f"{stored.directory}: cannot read the index: {reason}")):
            vectors = _map_vectors(paths[0])
            texts = pa.ipc.open_file(pa.memory_map(str(paths[1]))).read_all()
            nulls = sum(column.null_count for column in texts.columns)
        if vectors.ntotal != texts.num_rows or texts.schema != SCHEMA or nulls:
            raise SearchError(f"{paths[1]}: does not belong to {paths[0].name}: damaged, build the index again")
        return cls(vectors, texts, stored)

    def record(self) -> dict[str, object]:
        """What `index.json` says about a stored segment."""
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
            return faiss().SearchParametersIVF(nprobe=min(effort, self.vectors.nlist))
        if self.kind == "hnsw":
            return faiss().SearchParametersHNSW(efSearch=min(effort, self.count))
        return None

    def _write_vectors(self, path: Path) -> None:
        faiss().write_index(self.vectors, str(path))

    def _write_texts(self, path: Path) -> None:
        with pa.ipc.new_file(str(path), SCHEMA) as writer:
            writer.write_table(self.texts.combine_chunks(), max_chunksize=8192)


def arrange(vectors: Float32[np.ndarray, "text dim"], kind: str) -> Any:
    """A FAISS index of the vectors by inner product; equal vectors give an equal index.

    "exact" compares a query with all vectors. "ivf" compares it with those in the nearest of 4 sqrt(texts) k-means
    cells (spherical, seed 0, trained on at most 64 texts a cell). "hnsw" follows a graph with 32 links a text (Malkov
    and Yashunin, 2018, https://arxiv.org/abs/1603.09320). "auto" is exact up to `EXACT_LIMIT` texts and ivf above.
    """
    count, dim = vectors.shape
    if kind == "hnsw":
        return _graph(vectors)
    if kind == "exact" or (kind == "auto" and count <= EXACT_LIMIT):
        index = faiss().IndexFlatIP(dim)
    else:
        cells = max(1, min(int(4 * count**0.5), count // 39))
        index = faiss().IndexIVFFlat(faiss().IndexFlatIP(dim), dim, cells, faiss().METRIC_INNER_PRODUCT)
        index.cp.seed, index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 0, 1, 64
        index.train(vectors)
    index.add(vectors)
    return index


def _graph(vectors: Float32[np.ndarray, "text dim"]) -> Any:
    index = faiss().IndexHNSWFlat(vectors.shape[1], 32, faiss().METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 100
    threads = faiss().omp_get_max_threads()
    # The links depend on the order of insertion, so only a single thread gives the same graph each time.
    faiss().omp_set_num_threads(1)
    try:
        index.add(vectors)
    finally:
        faiss().omp_set_num_threads(threads)
    return index


def _map_vectors(path: Path) -> Any:
    # FAISS maps inverted lists by a flag of their own; the other flag serves flat and hnsw.
    with path.open("rb") as file:
        inverted = file.read(4) == b"IwFl"
    index = faiss().read_index(str(path), faiss().IO_FLAG_MMAP if inverted else faiss().IO_FLAG_MMAP_IFC)
    if index.metric_type != faiss().METRIC_INNER_PRODUCT:
        raise SearchError(f"{path}: not an inner-product index: build the index again")
    return index


def _copy_of(source: Path) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        shutil.copyfile(source, path)

    return write
