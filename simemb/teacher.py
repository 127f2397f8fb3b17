"""What another encoder makes of all texts, computed once and kept: a frozen teacher, or a guide."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simemb.directory import load
from simemb.rows import Rows
from simemb.sources import cache_folder


def vectors_of(rows: Rows, model: str, columns: set[int], *, progress: bool | None) -> dict[int, NDArray[np.float32]]:
    """By column, a vector for every row, memory-mapped from $SIMEMB_CACHE/vectors.

    model: any encoder; it reads the texts with its own tokenizer, up to its own length. Raises `ModelError`
    if it cannot be loaded, `DataError` if a text cannot be read.
    """
    encoder = load(model)
    known: dict[int, NDArray[np.float32]] = {}
    for column in sorted(columns):
        key = repr((rows.digest(), encoder.fingerprint(), rows.columns[column]))
        path = cache_folder() / "vectors" / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            encoder.encode_to_file((row[column] for row in rows.texts()), path, progress=progress)
        known[column] = _mapped(path)
    return known


def _mapped(path: Path) -> NDArray[np.float32]:
    return np.load(path, mmap_mode="r")
