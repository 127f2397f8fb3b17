"""The results of a search: the hits of all segments, put in one order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simemb.search.segment import Segment


@dataclass(frozen=True)
class Hit:
    """A search result: its rank from 1, the id of the text, the cosine of query and text in [-1, 1], and the text."""

    rank: int
    id: str
    score: float
    text: str


def merged(segments: Sequence[Segment], results: Sequence[tuple[np.ndarray, np.ndarray]], k: int) -> list[Hit]:
    """The best k of the scores and rows of each segment for one query; on a tie the earlier text comes first."""
    candidates = [
        (-float(score), number, int(row))
        for number, (scores, rows) in enumerate(results)
        for score, row in zip(scores, rows, strict=True)
    ]
    hits: list[Hit] = []
    for rank, (negated, number, row) in enumerate(sorted(candidates)[:k], start=1):
        name, text = segments[number].row(row)
        hits.append(Hit(rank, name, -negated, text))
    return hits
