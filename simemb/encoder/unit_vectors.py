"""Rows of length 1."""

import numpy as np
from jaxtyping import Float


def unit(x: Float[np.ndarray, "row dim"]) -> Float[np.ndarray, "row dim"]:
    """x / |x| for each row, in the precision of `x`; a row of zeros stays as it is.

    >>> unit(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    norms[norms == 0] = 1
    return x / norms
