"""Vectors that can be searched: finite, and of length 1."""

import numpy as np
from jaxtyping import Float32, Shaped

from simemb.encoder.unit_vectors import unit
from simemb.errors import SearchError


def finite_unit(vectors: Shaped[np.ndarray, "text dim"], what: str) -> Float32[np.ndarray, "text dim"]:
    """x / |x| for each row; a row of zeros stays 0.

    Raises:
        SearchError: a value is not finite; `what` names the rows in the message.
    """
    wide = vectors.astype(np.float64)
    if not np.isfinite(wide).all():
        row = int(np.flatnonzero(~np.isfinite(wide).all(axis=1))[0]) + 1
        raise SearchError(f"{what}: vector {row} has a value that is not finite")
    # Of values near 1 no square overflows or vanishes.
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0)
    return unit(wide / np.where(largest > 0, largest, 1)).astype(np.float32)
