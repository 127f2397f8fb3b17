"""Losses over a matrix of all rows by all columns, computed in strips of rows to save memory.

The graph of a strip is freed after its forward pass and rebuilt in the backward pass (checkpointing). Batches of a few
hundred fit into one strip, which is computed without that.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from simemb.method.objectives.base import Pair

NUMBERS = 1 << 20
"""Largest size of a strip: 4 MB in float32, of which a loss holds a few tensors at once."""


def strips(rows: int, columns: int) -> list[slice]:
    """Slices of the rows, in order; each has at most `NUMBERS` entries of the matrix, or one row.

    >>> strips(5, NUMBERS // 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    height = max(1, NUMBERS // max(1, columns))
    return [slice(first, min(first + height, rows)) for first in range(0, rows, height)]


def by_strip(term: Callable[[slice], Float[Tensor, ""]], parts: list[slice]) -> Float[Tensor, "parts"]:
    """The value of `term` for each of the slices. It may draw random numbers, but must have no other side effects."""
    if len(parts) < 2:
        return torch.stack([term(part) for part in parts])
    return torch.stack([checkpoint(term, part, use_reentrant=False) for part in parts])  # type: ignore[misc]


def by_query(loss: Callable[[Pair], Float[Tensor, ""]], pair: Pair) -> Float[Tensor, ""]:
    """The loss of a pair in strips; `loss` must be a mean over this process's queries."""
    rows = len(pair.query)
    columns = sum(len(block) for block in (pair.key, pair.hard, pair.memory) if block is not None)
    parts = strips(rows, columns)
    if len(parts) < 2:
        return loss(pair)
    return by_strip(lambda part: (part.stop - part.start) / rows * loss(_select(pair, part)), parts).sum()


def _select(pair: Pair, part: slice) -> Pair:
    """The pair with some of its queries, as if the others belonged to another process."""
    return replace(
        pair,
        query=pair.query[part],
        first=pair.first + part.start,
        others=pair.queries,
        rows=None if pair.rows is None else pair.rows[part],
        scores=None if pair.scores is None else pair.scores[part],
        guide=pair.guide and _select(pair.guide, part),
    )
