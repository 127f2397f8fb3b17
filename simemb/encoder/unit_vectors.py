"""Vectors: rows of length 1, and rows that are none."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from simemb.errors import ModelError


def unit(x: Float[np.ndarray, "row dim"]) -> Float[np.ndarray, "row dim"]:
    """x / |x| for each row, in the precision of `x`; a row of zeros stays as it is.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    norms[norms == 0] = 1
    return x / norms


def refuse_infinite(vectors: Float[np.ndarray, "row dim"], texts: Sequence[str], name: str) -> None:
    """Raise `ModelError` if a vector is not finite. texts: whose vectors they are. name: of the encoder."""
    rows = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if rows.size:
        count = f"{rows.size} of {len(texts)} texts have a vector that is not finite"
        raise ModelError(f"{name} is damaged, or a training went wrong: {count} (the first: {texts[rows[0]]!r:.60})")
