"""The vectors that a frozen teacher or a guide gives all texts, computed once and cached."""

import hashlib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simemb.cached_files import cached
from simemb.corpus.rows import Rows
from simemb.encoder.prompts import Role, announce, prompted
from simemb.errors import DataError
from simemb.files import cache_folder

ROWS = 4096
"""Vectors that are looked at together."""


def vectors_of(
    rows: Rows, encoder: Any, columns: set[int], roles: Mapping[int, Role] | None = None, *, progress: bool | None
) -> dict[int, NDArray[np.float32]]:
    """By column, a vector for every row, memory-mapped from $SIMEMB_CACHE/vectors.

    encoder: any; it reads the texts with its own tokenizer, up to its own length, and its own prompts. roles: what the
    texts of each column are, for the choice among these; by default no queries and no documents. A damaged file is made
    again, and a cache that cannot be written is done without. Raises `DataError` if a text cannot be read.
    """
    vectors: dict[int, NDArray[np.float32]] = {}
    of_columns: dict[int, Role] = dict.fromkeys(sorted(columns), "text")
    of_columns |= {column: role for column, role in (roles or {}).items() if column in columns}
    announce(encoder, *dict.fromkeys(of_columns.values()))
    for column, role in of_columns.items():
        prompt = prompted(encoder, role)
        plain = prompt == prompted(encoder, "text")
        key = repr((rows.digest(), encoder.fingerprint(), rows.columns[column], *(() if plain else prompt.values())))
        path = cache_folder() / "vectors" / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"
        make = partial(_encode, rows=rows, encoder=encoder, column=column, progress=progress, prompt=prompt)
        vectors[column] = cached(path, make=make, read=_mapped, fits=partial(_fits, dim=encoder.dim))
    return vectors


def _encode(
    path: Path, rows: Rows, encoder: Any, column: int, progress: bool | None, prompt: Mapping[str, str]
) -> None:
    try:
        encoder.encode_to_file((row[column] for row in rows.texts()), path, progress=progress, **prompt)
    except DataError as error:
        if isinstance(error.__cause__, OSError):  # the cache has another place, and words of its own
            raise error.__cause__ from None
        raise


def _mapped(path: Path) -> NDArray[np.float32]:
    return np.load(path, mmap_mode="r")


def _fits(vectors: NDArray[np.float32], dim: int) -> bool:
    """Whether vectors have this length and are finite."""
    of_texts = vectors.ndim == 2 and vectors.shape[1] == dim and vectors.dtype == np.float32
    blocks = range(0, len(vectors) if of_texts else 0, ROWS)
    return of_texts and all(bool(np.isfinite(vectors[start : start + ROWS]).all()) for start in blocks)
