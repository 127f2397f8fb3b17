"""The results of a search: texts with their ids, their metadata and their cosines, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simemb.search.cells import Found

if TYPE_CHECKING:
    from simemb.search.segments import Segments


@dataclass(frozen=True)
class Hit:
    """A search result.

    rank: from 1. id: of the text. score: the cosine of query and text in [-1, 1]. text: itself. metadata: what the
    index keeps beside it.
    """

    rank: int
    id: str
    score: float
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def hits_of(segments: "Segments", found: Found) -> list[list[Hit]]:
    """The hits of each query, of scores and rows [query, hit] as `Segments.nearest` gives them."""
    return [
        [_hit(segments, rank, score, row) for rank, (score, row) in enumerate(zip(*one, strict=True), start=1)]
        for one in zip(found[0].tolist(), found[1].tolist(), strict=True)
    ]


def _hit(segments: "Segments", rank: int, score: float, row: int) -> Hit:
    segment, number = segments.locate(row)
    name, text = segment.row(number)
    return Hit(rank, name, score, text, segment.metadata(number))
