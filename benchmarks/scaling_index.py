"""How the cost of building and searching an index grows with the number of vectors; called by benchmarks/scaling.py."""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from record import add
from watching import Line, alone, watching

QUERIES, NEIGHBORS = 200, 10
EFFORT = 128
"""Cells that are looked into, and candidates that a graph keeps: the default of `simemb.Index`."""
RIVALS = ("FAISS Flat", "FAISS IVF", "FAISS IVFPQ", "hnswlib")
"""Libraries by themselves, with the same numbers of cells and bytes; they keep no texts and return numbers of rows."""


@dataclass
class RowNumbers:
    """An encoder whose texts are row numbers of a matrix of vectors."""

    vectors: np.ndarray
    name: str = "given"

    @property
    def dim(self) -> int:
        """Width of the vectors."""
        return self.vectors.shape[1]

    def fingerprint(self) -> str:
        """The same for every matrix."""
        return "given"

    def encode(
        self,
        texts: str | Iterable[str],
        *,
        normalize: bool = False,  # noqa: ARG002
        truncate_dim: int | None = None,  # noqa: ARG002
        batch_size: int | None = None,  # noqa: ARG002
        progress: bool | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        """The rows with these numbers."""
        return np.ascontiguousarray(self.vectors[[int(text) for text in texts]])


def clustered(size: int, dim: int) -> Iterator[np.ndarray]:
    """Blocks of unit vectors, about a hundred around each center, with a cosine to it of about 0.7."""
    rng = np.random.default_rng(1)
    centers = rng.standard_normal((max(1, size // 100), dim), dtype=np.float32)
    for first in range(0, size, 10_000):
        rows = min(10_000, size - first)
        block = centers[rng.integers(len(centers), size=rows)] + rng.standard_normal((rows, dim), dtype=np.float32)
        yield block / np.linalg.norm(block, axis=1, keepdims=True)


def index(options: argparse.Namespace) -> None:
    """Build and search each kind; recall is that of the ten nearest rows, by an exact comparison."""
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vectors.npy"
            shape = (size + QUERIES, options.dim)
            vectors = np.lib.format.open_memmap(path, "w+", np.float32, shape)
            for number, block in enumerate(clustered(*shape)):
                vectors[number * 10_000 : number * 10_000 + len(block)] = block
            rows = np.random.default_rng(2).permutation(len(vectors))[:QUERIES]  # any row may be a query
            queries = vectors[rows].copy()
            vectors[rows] = vectors[size:].copy()
            vectors.flush()
            nearest = alone(exact_nearest, path, queries)["nearest"]
            for kind in options.kinds:
                line = alone(build_and_search, path, queries, nearest, kind, Path(folder) / kind)
                add("scaling_index", f"{kind} {options.dim} {size}", line)
            for rival in RIVALS if options.rivals else ():
                line = alone(rival_build_and_search, path, queries, nearest, rival, Path(folder) / "rival")
                add("scaling_index", f"{rival} {options.dim} {size}", line)


def exact_nearest(path: Path, queries: np.ndarray) -> Line:
    """The exact nearest rows, computed block by block."""
    vectors = np.load(path, mmap_mode="r")[: -len(queries)]
    best = np.zeros((len(queries), 0)), np.zeros((len(queries), 0), int)
    for first in range(0, len(vectors), 100_000):
        scores = queries @ vectors[first : first + 100_000].T
        rows = np.broadcast_to(np.arange(first, first + scores.shape[1]), scores.shape)
        both = np.concatenate([best[0], scores], axis=1), np.concatenate([best[1], rows], axis=1)
        top = np.argsort(-both[0], axis=1)[:, :NEIGHBORS]
        best = np.take_along_axis(both[0], top, axis=1), np.take_along_axis(both[1], top, axis=1)
    return {"nearest": best[1]}


def build_and_search(path: Path, queries: np.ndarray, nearest: np.ndarray, kind: str, folder: Path) -> Line:
    """Build on disk, load, and search query by query."""
    from simemb.search.index import Index

    vectors = np.load(path, mmap_mode="r")[: -len(queries)]
    size = len(vectors)
    with watching() as building:
        Index.build(RowNumbers(vectors), map(str, range(size)), kind=kind, path=folder)
        seconds = building.seconds
    on_disk = sum(file.stat().st_size for file in folder.iterdir())
    with watching() as loading:
        searched = Index.load(folder, encoder=RowNumbers(vectors), verify=False)
        loaded = loading.seconds
    searched.search_batch(queries, NEIGHBORS)  # loads the pages of the files into memory
    found, times = one_by_one(lambda query: [int(hit.id) for hit in searched.search(query, NEIGHBORS)], queries)
    return {
        "vectors": size,
        "dim": vectors.shape[1],
        "parts": len(searched.segments),
        "build_seconds": seconds,
        "build_memory": building.growth,
        "bytes_a_vector": on_disk / size,
        "load_seconds": loaded,
        "search_seconds": float(np.median(times)),
        "recall": recall(found, nearest),
    }


def one_by_one(search: Callable[[np.ndarray], list[int]], queries: np.ndarray) -> tuple[list[list[int]], list[float]]:
    """What is found for each query, and the seconds that each took."""
    found: list[list[int]] = []
    times: list[float] = []
    for query in queries:
        start = time.perf_counter()
        found.append(search(query))
        times.append(time.perf_counter() - start)
    return found, times


def recall(found: list[list[int]], nearest: np.ndarray) -> float:
    """The share of the nearest rows that were found."""
    hits = sum(len({*one} & {*true.tolist()}) for one, true in zip(found, nearest, strict=True))
    return hits / nearest.size


def rival_build_and_search(path: Path, queries: np.ndarray, nearest: np.ndarray, rival: str, folder: Path) -> Line:
    """The same with a library by itself: build in memory, write, read, and search query by query."""
    vectors = np.load(path, mmap_mode="r")[: -len(queries)]
    with watching() as building:
        built = build_hnswlib(vectors) if rival == "hnswlib" else build_faiss(vectors, rival)
        save = built.save_index if rival == "hnswlib" else partial(write_faiss, built)
        save(str(folder))
        seconds = building.seconds
    with watching() as loading:
        search = open_hnswlib(folder, vectors.shape[1]) if rival == "hnswlib" else open_faiss(folder)
        loaded = loading.seconds
    for query in queries:  # loads the pages of the file into memory
        search(query)
    found, times = one_by_one(search, queries)
    return {
        "vectors": len(vectors),
        "dim": vectors.shape[1],
        "parts": 1,
        "build_seconds": seconds,
        "build_memory": building.growth,
        "bytes_a_vector": folder.stat().st_size / len(vectors),
        "load_seconds": loaded,
        "search_seconds": float(np.median(times)),
        "recall": recall(found, nearest),
    }


def build_faiss(vectors: np.ndarray, rival: str) -> Any:
    """FAISS with as many cells as simemb takes, trained on as many vectors."""
    import faiss

    from simemb.search.cells import POINTS, code_bytes, number_of

    cells, dim = number_of(len(vectors)), vectors.shape[1]
    factory = {"Flat": "Flat", "IVF": f"IVF{cells},Flat", "IVFPQ": f"IVF{cells},PQ{code_bytes(dim)}"}[rival.split()[1]]
    index = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        index.cp.seed, index.cp.niter, index.cp.max_points_per_centroid = 0, 10, POINTS
        index.train(np.array(vectors))
    for first in range(0, len(vectors), 100_000):
        index.add(np.array(vectors[first : first + 100_000]))
    return index


def write_faiss(index: Any, name: str) -> None:
    """Write it to a file."""
    import faiss

    faiss.write_index(index, name)


def open_faiss(path: Path) -> Callable[[np.ndarray], list[int]]:
    """A search in the file."""
    import faiss

    index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    if hasattr(index, "nprobe"):
        index.nprobe = EFFORT
    return lambda query: index.search(query[None], NEIGHBORS)[1][0].tolist()


def build_hnswlib(vectors: np.ndarray) -> Any:
    """A graph of 32 links a vector."""
    import hnswlib

    index = hnswlib.Index("ip", vectors.shape[1])
    index.init_index(len(vectors), M=16, ef_construction=100, random_seed=0)
    index.set_num_threads(1)
    for first in range(0, len(vectors), 100_000):
        index.add_items(np.array(vectors[first : first + 100_000]))
    return index


def open_hnswlib(path: Path, dim: int) -> Callable[[np.ndarray], list[int]]:
    """A search in the file, which it reads as a whole."""
    import hnswlib

    index = hnswlib.Index("ip", dim)
    index.load_index(str(path))
    index.set_ef(EFFORT)
    return lambda query: index.knn_query(query, NEIGHBORS)[0][0].tolist()
