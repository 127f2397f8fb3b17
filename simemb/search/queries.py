"""What is searched for: texts or vectors, as people hold them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from simemb.arguments import shown
from simemb.errors import ArgumentError
from simemb.texts import Texts

Queries = list[str] | np.ndarray
"""Texts, or vectors [query, dim]."""


def single(query: Any) -> Queries:
    """One text or one vector, as a list or a matrix of one. Raises `ArgumentError` for anything else."""
    if isinstance(query, str):
        return [str(query)]
    vector = _numbers(query)
    if vector is None or vector.ndim != 1:
        what = shown(query if vector is None else vector)
        raise ArgumentError(f"query must be a string or a vector, not {what}; search_batch takes several")
    return vector[None]


def several(queries: Any) -> Queries:
    """Texts as a list, or vectors as a matrix. Raises `ArgumentError` for anything else."""
    vectors = _numbers(queries)
    if vectors is not None and vectors.ndim != 2:
        raise ArgumentError(f"queries must be texts or vectors [query, dim], not {shown(vectors)}; search takes one")
    return list(Texts(queries, "queries", one="query")) if vectors is None else vectors


def _numbers(given: Any) -> np.ndarray | None:
    """Numbers of any array library, or in lists, as an array; None for what holds no numbers."""
    given = _dense(given)
    if isinstance(given, Sequence) and not isinstance(given, str):
        if not given or isinstance(given[0], str | bytes):
            return None
        try:
            given = np.asarray([_dense(item) for item in given])
        except ValueError:  # lists of unequal lengths
            return None
    if isinstance(given, np.ma.MaskedArray) and np.ma.is_masked(given):
        raise ArgumentError("a vector has masked values: fill them, or leave it out")
    if not hasattr(given, "__array__"):
        return None
    array = np.asarray(given)
    return array if array.dtype.kind in "fiu" else None


def _dense(given: Any) -> Any:
    """A tensor of PyTorch, also one with a gradient, a sparse one or on a GPU, as an array; all else as it is."""
    if not (hasattr(given, "detach") and hasattr(given, "cpu")):
        return given
    tensor = given.detach().cpu()
    return (tensor.to_dense() if tensor.is_sparse else tensor).double().numpy()
