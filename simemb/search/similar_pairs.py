"""The most similar pairs of a corpus."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from simemb.arguments import checked
from simemb.encoder.models import Model
from simemb.errors import SearchError
from simemb.search.corpus_index import Item, items, opened
from simemb.search.neighbors import Neighborhood
from simemb.search.searcher import Searcher


@dataclass(frozen=True)
class SimilarPair:
    """Two texts, the earlier one first, and their cosine."""

    first: Item
    second: Item
    cosine: float


@checked
def pairs(data: Any, *, encoder: Model | None = None, top: int = 100) -> list[SimilarPair]:
    """The `top` pairs of texts with the highest cosines, best first; on a tie the earlier texts come first.

    Up to 100,000 texts are compared exactly, more by an "ivf" index, which may miss a few pairs (`simemb.Index`).

    Args:
        data: an `Index`, the directory of one, texts, or anything that `simemb index` takes as INPUT.
        encoder: gives the vectors, `mini` by default; not for an index, which has its own.
        top: how many pairs, 1 or more.

    Raises:
        SearchError: `top` is below 1.
    """
    with opened(data, encoder, purpose="pairs") as index:
        return most_similar(index, top, lambda _: None)


def most_similar(index: Searcher, top: int, advance: Callable[[int], None]) -> list[SimilarPair]:
    """`pairs` for an index; `advance` is told how many texts are done."""
    if top < 1:
        raise SearchError(f"top must be 1 or more, not {top}")
    best = np.empty(0), np.empty((0, 2), np.int64)
    space = Neighborhood(index.parts, index.thoroughness)
    # A text is in no more than `top` of the best pairs, and once there are as many, only better ones count.
    for rows in space.blocks():
        near = space.near(rows, best[0][-1] if len(best[0]) == top else -2.0, top)
        ends = np.sort(np.stack([near.rows, near.others], axis=1), axis=1)
        cosines = np.concatenate([best[0], near.cosines])
        both = np.concatenate([best[1], ends])
        _, distinct = np.unique(both, axis=0, return_index=True)  # each pair is found from both of its ends
        cosines, both = cosines[distinct], both[distinct]
        order = np.lexsort((both[:, 1], both[:, 0], -cosines))[:top]
        best = cosines[order], both[order]
        advance(len(rows))
    firsts, seconds = (items(index.parts, ends) for ends in best[1].T)
    return [
        SimilarPair(first, second, min(cosine, 1.0))
        for first, second, cosine in zip(firsts, seconds, best[0].tolist(), strict=True)
    ]
