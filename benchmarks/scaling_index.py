"""How the cost of building and searching an index grows with the number of vectors; called by benchmarks/scaling.py."""

import argparse
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from record import add
from watching import Line, alone, watching

QUERIES, NEIGHBORS = 200, 10


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
    ids: list[set[int]] = []
    with watching() as searching:
        ids.extend({int(hit.id) for hit in searched.search(query, NEIGHBORS)} for query in queries)
        each = searching.seconds / len(queries)
    hits = sum(len(one & set(true.tolist())) for one, true in zip(ids, nearest, strict=True))
    return {
        "vectors": size,
        "dim": vectors.shape[1],
        "parts": len(searched.segments),
        "build_seconds": seconds,
        "build_memory": building.growth,
        "bytes_a_vector": on_disk / size,
        "load_seconds": loaded,
        "search_seconds": each,
        "recall": hits / nearest.size,
    }
