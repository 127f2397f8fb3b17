"""Near-duplicates: texts whose cosine to an earlier one that is kept is at least a threshold."""

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
class Duplicate:
    """A text that is left out, the one that is kept for it, and their cosine."""

    text: Item
    kept: Item
    cosine: float


@dataclass(frozen=True)
class Deduplicated:
    """What `dedupe` finds: the texts that are kept, and those that are left out, both in their order."""

    kept: tuple[Item, ...]
    duplicates: tuple[Duplicate, ...]


@checked
def dedupe(data: Any, *, encoder: Model | None = None, threshold: float = 0.95) -> Deduplicated:
    """Leave out each text that says what an earlier one says.

    The texts are gone through in their order. One is left out if its cosine to a text that is kept is `threshold` or
    more; it is a duplicate of the nearest such text. So no two texts that are kept are that near, and every text that
    is left out is near the one that stands for it: there are no chains. Up to 100,000 texts are compared exactly, more
    by an "ivf" index, which may miss a few pairs (`simemb.Index`).

    Args:
        data: an `Index`, the directory of one, texts, or anything that `simemb index` takes as INPUT.
        encoder: gives the vectors, `mini` by default; not for an index, which has its own.
        threshold: the least cosine of duplicates, in [-1, 1].

    Raises:
        SearchError: the threshold is out of range.
    """
    with opened(data, encoder, purpose="dedupe") as index:
        return deduplicated(index, threshold, lambda _: None)


def deduplicated(index: Searcher, threshold: float, advance: Callable[[int], None]) -> Deduplicated:
    """`dedupe` for an index; `advance` is told how many texts are done."""
    if not -1 <= threshold <= 1:
        raise SearchError(f"threshold must be in [-1, 1], not {threshold}")
    first_of = _firsts(index)
    firsts = np.zeros(len(first_of), bool)
    firsts[np.unique(first_of[first_of >= 0])] = True
    standing = first_of.copy()
    cosines = np.ones(len(first_of))
    space = Neighborhood(index.parts, index.thoroughness, firsts)
    for near in space.every(threshold, None, advance):
        for row, other, cosine in zip(near.rows.tolist(), near.others.tolist(), near.cosines.tolist(), strict=True):
            if other < row and standing[row] == row and standing[other] == other:
                standing[row], cosines[row] = other, cosine
    return _result(index, first_of, standing, cosines)


def _result(index: Searcher, first_of: np.ndarray, standing: np.ndarray, cosines: np.ndarray) -> Deduplicated:
    """What is kept and what is not, from the first row of each text, what stands for that, and their cosine."""
    rows = np.flatnonzero(first_of >= 0)
    stands = standing[first_of[rows]]
    gone = rows != stands
    duplicates = zip(
        items(index.parts, rows[gone]),
        items(index.parts, stands[gone]),
        np.minimum(cosines[first_of[rows[gone]]], 1).tolist(),
        strict=True,
    )
    return Deduplicated(
        tuple(items(index.parts, rows[~gone])), tuple(Duplicate(text, kept, own) for text, kept, own in duplicates)
    )


def _firsts(index: Searcher) -> np.ndarray:
    """For each row the first row with the same text; -1 for a deleted one. Equal texts are not searched for."""
    seen: dict[str, int] = {}
    found: list[int] = []
    for part in index.parts.parts:
        deleted = np.zeros(part.count, bool) if part.deleted is None else part.deleted
        for text, gone in zip(part.texts["text"].to_pylist(), deleted.tolist(), strict=True):
            found.append(-1 if gone else seen.setdefault(text, len(found)))
    return np.array(found, np.int64)
