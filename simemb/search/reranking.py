"""Mined candidates as a reranker judges them: it finds the positives that nobody marked better than cosines do."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simemb.encoder.reranker import Reranker
    from simemb.search.hits import Hit

BLOCK = 16
"""Candidates of an anchor that are judged at once: rarely more are looked at."""


def relevance(reranker: "Reranker", anchor: str, hits: Sequence["Hit"]) -> "Callable[[Hit], float]":
    """A function that gives the relevance of each of these hits for an anchor, computed when it is asked for."""
    places = {hit.rank: place for place, hit in enumerate(hits)}
    known: list[float] = []

    def of(hit: "Hit") -> float:
        while len(known) <= places[hit.rank]:
            block = hits[len(known) : len(known) + BLOCK]
            known.extend(reranker.relevances([(anchor, other.text) for other in block]).tolist())
        return known[places[hit.rank]]

    return of
