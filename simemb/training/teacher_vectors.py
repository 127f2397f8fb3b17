"""The vectors that a frozen teacher or a guide gives all texts, computed once and cached."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.rows import Rows
from simemb.files import cache_folder, sweep, writing


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
        try:
            vectors[column] = _mapped(path)
        except (OSError, ValueError, EOFError):  # absent or damaged
            with writing(path, wait=True):  # for another process that makes the same file
                vectors[column] = _made(path, rows, encoder, column, progress)
    return vectors


def _made(path: Path, rows: Rows, encoder: Any, column: int, progress: bool | None) -> NDArray[np.float32]:
    """The vectors, unless another process has just made them."""
    try:
        return _mapped(path)
    except (OSError, ValueError, EOFError):
        encoder.encode_to_file((row[column] for row in rows.texts()), path, overwrite=True, progress=progress)
        return _mapped(path)


def _mapped(path: Path) -> NDArray[np.float32]:
    return np.load(path, mmap_mode="r")
