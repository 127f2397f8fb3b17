"""Losses over a matrix of all rows by all columns in the memory of a strip of it, some rows at a time.

The graph of a strip is built, used and dropped, and built anew in the backward pass. A strip holds so many numbers
that a batch of some hundred is one strip and is computed at once.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from simemb.method.objectives.base import Pair

NUMBERS = 1 << 20
"""In a strip: 4 MB in float32, and a loss holds a few such tensors at once."""


def strips(rows: int, columns: int) -> list[slice]:
    """The rows in order, cut into slices of which each makes up at most `NUMBERS` with the columns.

    >>> strips(5, NUMBERS // 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    height = max(1, NUMBERS // max(1, columns))
    return [slice(first, min(first + height, rows)) for first in range(0, rows, height)]


def by_strip(term: Callable[[slice], Float[Tensor, ""]], parts: list[slice]) -> Float[Tensor, "parts"]:
    """What `term` gives for each of the slices; it may draw random numbers, but has no other effects."""
    if len(parts) < 2:
        return torch.stack([term(part) for part in parts])
    return torch.stack([checkpoint(term, part, use_reentrant=False) for part in parts])  # type: ignore[misc]


def by_query(loss: Callable[[Pair], Float[Tensor, ""]], pair: Pair) -> Float[Tensor, ""]:
    """The loss of a pair, given that it is a mean over this process's queries."""
    rows = len(pair.query)
    columns = len(pair.key) * (1 + len(pair.hard)) + (0 if pair.memory is None else len(pair.memory))
    parts = strips(rows, columns)
    if len(parts) < 2:
        return loss(pair)
    return by_strip(lambda part: (part.stop - part.start) / rows * loss(_some(pair, part)), parts).sum()


def _some(pair: Pair, part: slice) -> Pair:
    """The pair with some of its queries, as if another process had the others."""
    return replace(
        pair,
        query=pair.query[part],
        first=pair.first + part.start,
        others=pair.queries,
        rows=None if pair.rows is None else pair.rows[part],
        scores=None if pair.scores is None else pair.scores[part],
        guide=pair.guide and _some(pair.guide, part),
    )
