"""The structures of FAISS that hold the vectors of a segment as they are."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from simemb.errors import SearchError
from simemb.search.cells import Cells
from simemb.search.faiss_library import faiss


def flat(vectors: Float32[np.ndarray, "text dim"]) -> Any:
    """A FAISS index that compares a query with all vectors."""
    index = faiss().IndexFlatIP(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    return index


def graph(vectors: Float32[np.ndarray, "text dim"]) -> Any:
    """A FAISS index that follows a graph with 32 links a text; equal vectors give an equal graph.

    Malkov and Yashunin, 2018, https://arxiv.org/abs/1603.09320.
    """
    index = faiss().IndexHNSWFlat(vectors.shape[1], 32, faiss().METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 100
    threads = faiss().omp_get_max_threads()
    # The links depend on the order of insertion, so only a single thread gives the same graph each time.
    faiss().omp_set_num_threads(1)
    try:
        index.add(np.ascontiguousarray(vectors))
    finally:
        faiss().omp_set_num_threads(threads)
    return index


def open_vectors(path: Path, cells: Cells | None) -> tuple[Any, bool]:
    """The mapped vectors, and whether they are in cells."""
    with path.open("rb") as file:
        kind = file.read(4)
    if kind == b"ilar" and cells is not None and cells.kind == "ivf":
        return cells.open_lists(path), True
    if kind == b"IwFl":  # format 1: each segment had cells of its own
        index = faiss().read_index(str(path), faiss().IO_FLAG_MMAP)
        return flat(index.reconstruct_n(0, index.ntotal)), False
    index = faiss().read_index(str(path), faiss().IO_FLAG_MMAP_IFC)
    if index.metric_type != faiss().METRIC_INNER_PRODUCT:
        raise SearchError(f"{path}: not an inner-product index: build the index again")
    return index, False
