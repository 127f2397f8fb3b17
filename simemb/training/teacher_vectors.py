"""The vectors that a frozen teacher or a guide gives all texts, computed once and cached."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from simemb.cached_files import cached
from simemb.corpus.rows import Rows
from simemb.encoder.prompts import Role, announce, prompted
from simemb.errors import DataError
from simemb.files import cache_folder
from simemb.training.several_tables import text_columns

ROWS = 4096
"""Vectors that are looked at together."""


def vectors_of(
    rows: Rows, encoder: Any, columns: set[int], roles: Mapping[int, Role] | None = None, *, progress: bool | None
) -> dict[int, NDArray[np.float32]]:
    """By column, a vector for every text, memory-mapped from $SIMEMB_CACHE/vectors.

    encoder: any; it reads the texts with its own tokenizer, up to its own length, and its own prompts. roles: what the
    texts of each column are, for the choice among these; by default no queries and no documents. A damaged file is made
    again, and a cache that cannot be written is done without. Raises `DataError` if a text cannot be read.
    """
    vectors: dict[int, NDArray[np.float32]] = {}
    of_columns: dict[int, Role] = dict.fromkeys(sorted(columns), "text")
    of_columns |= {column: role for column, role in (roles or {}).items() if column in columns}
    announce(encoder, *dict.fromkeys(of_columns.values()))
    texts = text_columns(rows)
    for column, role in of_columns.items():
        part, place = texts[column]
        prompt = prompted(encoder, role)
        plain = prompt == prompted(encoder, "text")
        key = repr((part.digest(), encoder.fingerprint(), part.columns[place], *(() if plain else prompt.values())))
        path = cache_folder() / "vectors" / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"
        make = partial(_encode, rows=part, encoder=encoder, column=place, progress=progress, prompt=prompt)
        vectors[column] = cached(path, make=make, read=_mapped, fits=partial(_fits, dim=encoder.dim))
    return vectors


class Vectors(Protocol):
    """Vectors of the texts of a column, as an array has them."""

    def __getitem__(self, rows: Sequence[int], /) -> NDArray[np.float32]:
        """Those of some texts."""
        ...


@dataclass(frozen=True)
class MixedVectors:
    """Several encoders' vectors of the same texts as one: its cosines are the weighted means of theirs.

    parts: of each encoder, of any width. weights: above 0, together 1. A vector is the unit vectors of the parts, each
    times the root of its weight, one after the other.
    """

    parts: tuple[Vectors, ...]
    weights: tuple[float, ...]

    def __getitem__(self, rows: Sequence[int], /) -> NDArray[np.float32]:
        """The vectors of some texts."""
        scaled = [
            self._unit(part[rows]) * np.sqrt(weight) for part, weight in zip(self.parts, self.weights, strict=True)
        ]
        return np.concatenate(scaled, axis=1).astype(np.float32)

    @staticmethod
    def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def mixed(each: Sequence[Mapping[int, Vectors]], weights: Sequence[float] = ()) -> dict[int, Vectors]:
    """By column, the vectors of several encoders as one; those of a single one as they are.

    weights: by encoder, above 0; by default they are equal.
    """
    if len(each) < 2:
        return dict(each[0]) if each else {}
    given = tuple(weights) or (1.0,) * len(each)
    shares = tuple(weight / sum(given) for weight in given)
    return {column: MixedVectors(tuple(vectors[column] for vectors in each), shares) for column in each[0]}


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
