"""How vectors are stored: float32, float16, int8 or binary, and back.

int8 has one scale for each dimension, measured once on a sample of a corpus and kept beside the vectors, so that all
files of a corpus agree; what lies outside of the sample's range is stored as its end. binary is the sign of each
dimension, eight to a byte, as in sentence-transformers' `ubinary`.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float32, Shaped

from simemb.errors import DataError, unknown

StoredAs = Literal["float32", "float16", "int8", "binary"]
STORED: tuple[str, ...] = get_args(StoredAs)
LARGEST = 127
"""The largest int8 that is used, on both sides of 0."""


def check(stored: str) -> None:
    """Raise `DataError` for a word that is no type of stored vectors, with the nearest."""
    if stored not in STORED:
        raise DataError(unknown("dtype", stored, STORED))


def scales_of(vectors: Float32[np.ndarray, "text dim"]) -> tuple[float, ...]:
    """The size of a step of int8 in each dimension: max |x| / 127 over a sample; 1 where all are 0.

    >>> scales_of(np.array([[1.27, 0.0], [-0.5, 0.0]], np.float32))
    (0.01, 1.0)
    """
    largest = np.abs(vectors.astype(np.float64)).max(axis=0, initial=0)
    return tuple(float(f"{step:.6g}") for step in np.where(largest > 0, largest / LARGEST, 1.0))


def packed(
    vectors: Float32[np.ndarray, "text dim"], stored: str, scales: Sequence[float]
) -> Shaped[np.ndarray, "text numbers"]:
    """Vectors as they are stored. scales: of int8, one for each dimension; of the others none."""
    if stored == "binary":
        return np.packbits(vectors > 0, axis=1)
    if stored == "int8":
        return np.clip(np.rint(vectors / np.asarray(scales)), -LARGEST, LARGEST).astype(np.int8)
    return vectors.astype(stored, copy=False)


def unpacked(
    numbers: Shaped[np.ndarray, "text numbers"], stored: str, scales: Sequence[float], dim: int
) -> Float32[np.ndarray, "text dim"]:
    """Stored vectors as float32: int8 times its scales; binary as 1 and -1."""
    if stored == "binary":
        return np.unpackbits(numbers, axis=1, count=dim).astype(np.float32) * 2 - 1
    if stored == "int8":
        return (numbers * np.asarray(scales)).astype(np.float32)
    return numbers.astype(np.float32, copy=False)


def arrow_type(stored: str, dim: int) -> Any:
    """The type of a column of such vectors: a list of fixed size; binary has (dim + 7) // 8 bytes."""
    import pyarrow as pa

    if stored == "binary":
        return pa.list_(pa.uint8(), (dim + 7) // 8)
    return pa.list_({"float32": pa.float32(), "float16": pa.float16(), "int8": pa.int8()}[stored], dim)
