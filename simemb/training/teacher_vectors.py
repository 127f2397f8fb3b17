"""The vectors that a frozen teacher or a guide gives all texts, computed once and cached."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simemb.cached_files import is_intact, new_cached_file
from simemb.corpus.rows import Rows
from simemb.files import cache_folder, sweep, writing

ROWS = 4096
"""Vectors that are looked at together."""


def vectors_of(rows: Rows, encoder: Any, columns: set[int], *, progress: bool | None) -> dict[int, NDArray[np.float32]]:
    """By column, a vector for every row, memory-mapped from $SIMEMB_CACHE/vectors.

    encoder: any; it reads the texts with its own tokenizer, up to its own length. A damaged file is made
    again. Raises `DataError` if a text cannot be read.
    """
    vectors: dict[int, NDArray[np.float32]] = {}
    sweep(cache_folder() / "vectors")
    for column in sorted(columns):
        key = repr((rows.digest(), encoder.fingerprint(), rows.columns[column]))
        path = cache_folder() / "vectors" / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"
        known = _mapped(path, encoder.dim)
        if known is None:
            with writing(path, wait=True):  # for another process that makes the same file
                known = _made(path, rows, encoder, column, progress)
        vectors[column] = known
    return vectors


def _made(path: Path, rows: Rows, encoder: Any, column: int, progress: bool | None) -> NDArray[np.float32]:
    """The vectors, unless another process has just made them."""
    if (known := _mapped(path, encoder.dim, notice=False)) is not None:
        return known
    with new_cached_file(path) as partial:
        encoder.encode_to_file((row[column] for row in rows.texts()), partial, progress=progress)
    return np.load(path, mmap_mode="r")


def _mapped(path: Path, dim: int, *, notice: bool = True) -> NDArray[np.float32] | None:
    """The vectors of a file, if it is there and what was written, and the vectors are of this length and finite."""
    if not is_intact(path, notice=notice):
        return None
    try:
        vectors = np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError):
        return None
    fits = vectors.ndim == 2 and vectors.shape[1] == dim and vectors.dtype == np.float32
    blocks = range(0, len(vectors) if fits else 0, ROWS)
    return vectors if fits and all(np.isfinite(vectors[start : start + ROWS]).all() for start in blocks) else None
