"""A part of an index: up to `FULL` unit vectors in a FAISS structure, their ids and texts in an Arrow table.

An index is a list of parts, so that building needs the memory of one part, however large the corpus is; a
stored part is two memory-mapped files that never change.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import count, zip_longest
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
from jaxtyping import Float32, Int64, Shaped

from simemb.encoder.unit_vectors import unit
from simemb.errors import SearchError
from simemb.search.storage import File, first_line, place

KINDS = ("auto", "exact", "hnsw", "ivf")
EXACT_LIMIT = 100_000
"""Texts up to which "auto" compares all: 6 ms a query at 128 dimensions on 2 cores, and nothing is missed."""
FULL = 262_144
"""Texts in a full part: 400 MB of vectors at 384 dimensions, about three times that while it is built."""
SCHEMA = pa.schema([("id", pa.large_string()), ("text", pa.large_string())])


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
        """The same part, memory-mapped from two files in `directory`."""
        old = self.stored
        if old and old.directory == directory:
            old.vectors.check(directory, verify=False)
            old.texts.check(directory, verify=False)
            return self
        # write_index on a mapped ivf index would write a reference to the mapped file, not its vectors.
        write_vectors = _copy(old.directory / old.vectors.name) if old else self._write_vectors
        write_texts = _copy(old.directory / old.texts.name) if old else self._write_texts
        vectors = place(directory, "vectors-{}.faiss", write_vectors)
        texts = place(directory, "texts-{}.arrow", write_texts)
        return Part.load(Stored(directory, vectors, texts), verify=False)

    @classmethod
    def load(cls, stored: Stored, *, verify: bool) -> "Part":
        """Map a stored part.

        Raises:
            SearchError: a file is missing, damaged or unreadable, or the two do not belong together.
        """
        paths = [file.check(stored.directory, verify=verify) for file in (stored.vectors, stored.texts)]
        try:
            vectors = _map_vectors(paths[0])
            texts = pa.ipc.open_file(pa.memory_map(str(paths[1]))).read_all()
        except (RuntimeError, OSError, pa.ArrowException) as error:
            raise SearchError(f"{stored.directory}: cannot read the index: {first_line(error)}") from error
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
            return faiss.SearchParametersIVF(nprobe=min(effort, self.vectors.nlist))  # pyright: ignore[reportCallIssue]
        if self.kind == "hnsw":
            return faiss.SearchParametersHNSW(efSearch=effort)  # pyright: ignore[reportAttributeAccessIssue]
        return None

    def _write_vectors(self, path: Path) -> None:
        faiss.write_index(self.vectors, str(path))

    def _write_texts(self, path: Path) -> None:
        with pa.ipc.new_file(str(path), SCHEMA) as writer:
            writer.write_table(self.texts.combine_chunks(), max_chunksize=8192)


def finite_unit(vectors: Shaped[np.ndarray, "text dim"], what: str) -> Float32[np.ndarray, "text dim"]:
    """x / |x| for each row, and 0 for a row of zeros.

    Raises:
        SearchError: a value is not finite; `what` names the rows in the message.
    """
    # In double precision neither the squares of large nor those of tiny values are lost.
    wide = vectors.astype(np.float64)
    if not np.isfinite(wide).all():
        row = int(np.flatnonzero(~np.isfinite(wide).all(axis=1))[0])
        raise SearchError(f"{what}: the vector of number {row} is not finite: the encoder is broken")
    return unit(wide).astype(np.float32)


def numbered(texts: Iterable[str], ids: Iterable[str | int] | None, start: int) -> Iterator[tuple[str, str]]:
    """Pairs of id and text; without ids, numbers from `start`.

    Raises:
        SearchError: a text that is not a string, an id that is neither string nor int, too many of either.
    """
    if isinstance(texts, str):
        raise SearchError("texts must be a list or an iterator of strings, not one string")
    pairs = zip(count(start), texts, strict=False) if ids is None else zip_longest(ids, texts)
    for row, (name, text) in enumerate(pairs):
        if not isinstance(text, str):
            raise SearchError(f"row {row}: the text is missing or not a string ({type(text).__name__})")
        if not isinstance(name, str | int):
            raise SearchError(f"row {row}: the id is missing or not a string or int ({type(name).__name__})")
        yield str(name), text


def unique(rows: Iterator[tuple[str, str]], taken: set[str], fresh: set[str]) -> Iterator[tuple[str, str]]:
    """The same rows; their ids gather in `fresh`.

    Raises:
        SearchError: an id occurs twice, or is among those `taken`.
    """
    for row, (name, text) in enumerate(rows):
        if name in taken or name in fresh:
            raise SearchError(f"row {row}: the id {name!r} is taken: ids must all be different")
        fresh.add(name)
        yield name, text


def table(rows: list[tuple[str, str]], start: int) -> Any:
    """The Arrow table of some rows, the first of them number `start`.

    Raises:
        SearchError: a text or an id with half a surrogate pair, which no file can hold.
    """
    try:
        return pa.Table.from_arrays(
            [pa.array(column, pa.large_string()) for column in zip(*rows, strict=True)], schema=SCHEMA
        )
    except UnicodeEncodeError as error:
        last, shown = start + len(rows) - 1, error.object[:40]
        raise SearchError(f"rows {start} to {last}: a text is not valid Unicode: {shown!r}") from error


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


def _copy(source: Path) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        shutil.copyfile(source, path)

    return write
