"""What does `simemb.Index` cost, compared to plain FAISS with the same structure?

    python benchmarks/search.py PATH/minilm-l4-mlm [--kinds exact ivf hnsw] [--texts 100000]

Random unit vectors of 384 dimensions, computed in advance, so that no encoder is measured. Build: from texts and
vectors to an index in memory, which holds ids and texts too; FAISS gets the matrix and keeps the vectors alone. Search:
1,000 queries in one call, 10 hits each, and 100 queries one by one; simemb returns hits with their texts, FAISS
returns numbers. Factory, seed and parameters are equal; the share of equal hits is recorded. Results:
benchmarks/results/search.json.
"""

from functools import partial
from typing import Any

import numpy as np
from models import arguments, prepare
from record import add
from timing import alternate, clock

DIM, HITS, QUERIES, ONE_BY_ONE = 384, 10, 1000, 100
EFFORT = 128
"""Cells that ivf searches and candidates that hnsw keeps: the default of `simemb.Index`."""
Matrix = np.ndarray[Any, np.dtype[np.float32]]


class RowNumbers:
    """An encoder whose texts are row numbers of a matrix of vectors."""

    def __init__(self, vectors: Matrix) -> None:
        self.vectors, self.name, self.dim = vectors, "given vectors", vectors.shape[1]

    def fingerprint(self) -> str:
        """A constant: there are no weights."""
        return "given"

    def encode(self, texts: list[str], **_: Any) -> Matrix:
        """The rows with these numbers."""
        return self.vectors[[int(text) for text in texts]]


def build_simemb(vectors: Matrix, texts: list[str], kind: str) -> Any:
    """An `Index` of all texts."""
    from simemb import Index

    return Index.build(RowNumbers(vectors), texts, kind=kind, effort=EFFORT)


def build_faiss(vectors: Matrix, kind: str) -> Any:
    """The index of FAISS with the factory string of the same structure."""
    import faiss

    count, dim = vectors.shape
    cells = max(1, min(int(4 * count**0.5), count // 39))
    factory = {"exact": "Flat", "ivf": f"IVF{cells},Flat", "hnsw": "HNSW32,Flat"}[kind]
    index = faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    if kind == "hnsw":
        index.hnsw.efConstruction, index.hnsw.efSearch = 100, EFFORT
    if kind == "ivf":
        index.nprobe = EFFORT
        index.cp.seed, index.cp.min_points_per_centroid, index.cp.max_points_per_centroid = 0, 1, 64
        index.train(vectors)
    index.add(vectors)
    return index


def measure(kind: str, count: int, rounds: int, threads: int) -> None:
    """Measure and record one structure."""
    import faiss

    faiss.omp_set_num_threads(threads)
    generator = np.random.default_rng(1)
    vectors, queries = (_unit(generator.standard_normal((rows, DIM), np.float32)) for rows in (count, QUERIES))
    texts = [str(row) for row in range(count)]
    builds = {
        "simemb, build": clock(partial(build_simemb, vectors, texts, kind)),
        "FAISS, build": clock(partial(build_faiss, vectors, kind)),
    }
    print(f"{kind}: {count} vectors of {DIM} dimensions", flush=True)
    seconds = alternate(builds, rounds if kind != "hnsw" else 1)
    ours, theirs = build_simemb(vectors, texts, kind), build_faiss(vectors, kind)
    searches = {
        "simemb, together": clock(lambda: ours.search_batch(queries, HITS)),
        "FAISS, together": clock(lambda: theirs.search(queries, HITS)),
        "simemb, one by one": clock(lambda: [ours.search(query, HITS) for query in queries[:ONE_BY_ONE]]),
        "FAISS, one by one": clock(lambda: [theirs.search(query[None], HITS) for query in queries[:ONE_BY_ONE]]),
    }
    same = _same(ours.search_batch(queries, HITS), theirs.search(queries, HITS)[1])
    seconds |= alternate(searches, max(rounds, 3))
    add("search", f"{kind}, {count}", {"kind": kind, "texts": count, "dim": DIM, "seconds": seconds, "same_hits": same})


def _same(ours: list[list[Any]], theirs: Any) -> float:
    """The share of FAISS's hits that simemb returns too."""
    common = [
        len({hit.text for hit in hits} & {str(row) for row in rows}) for hits, rows in zip(ours, theirs, strict=True)
    ]
    return sum(common) / theirs.size


def _unit(vectors: Matrix) -> Matrix:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def main() -> None:
    """Measure every requested combination."""
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--kinds", nargs="+", default=["exact", "ivf"], choices=["exact", "ivf", "hnsw"])
    parser.add_argument("--texts", type=int, default=100_000)
    options = parser.parse_args()
    prepare(options)
    for kind in options.kinds:
        measure(kind, options.texts, options.rounds, options.threads)


if __name__ == "__main__":
    main()
