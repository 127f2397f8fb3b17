"""The texts near each text of an index: what `dedupe`, `cluster` and `pairs` are made of.

Every text is a query of its own index. An exact index gives every pair; another one those that it finds.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from simemb.search.segments import Effort, Segments

BLOCK = 512
"""Texts whose neighbors are looked up at once."""
FIRST = 32
"""Neighbors that are asked for at first; a text that has more is asked again for eight times as many."""
CELLS = 1 << 22
"""The most numbers in the answer to one search."""

Rows = Int64[np.ndarray, " row"]


@dataclass(frozen=True, eq=False)
class Near:
    """Pairs of a text and one near it, by their rows, sorted by the first and then by falling cosine."""

    rows: Int64[np.ndarray, " pair"]
    others: Int64[np.ndarray, " pair"]
    cosines: Float32[np.ndarray, " pair"]


@dataclass(frozen=True, eq=False)
class Neighborhood:
    """Segments with how thoroughly they are searched, and which rows are looked at; None: all texts."""

    segments: Segments
    effort: Effort
    among: Bool[np.ndarray, " row"] | None = None

    def blocks(self) -> Iterator[Rows]:
        """The rows of the texts, in order, `BLOCK` at a time."""
        start = 0
        for part in self.segments.parts:
            live = np.ones(part.count, bool) if part.deleted is None else ~part.deleted
            if self.among is not None:
                live &= self.among[start : start + part.count]
            rows = start + np.flatnonzero(live)
            yield from (rows[first : first + BLOCK] for first in range(0, len(rows), BLOCK))
            start += part.count

    def near(self, rows: Rows, limit: float, most: int | None = None) -> Near:
        """All pairs of one of these texts and another one with a cosine of `limit` or more.

        most: so many of each text, the nearest, are enough.
        """
        found: list[tuple[np.ndarray, ...]] = []
        waiting, ask = rows, min(FIRST, most or FIRST)
        while len(waiting):
            last = most is not None and ask >= most
            again: list[Rows] = []
            for first in range(0, len(waiting), max(1, CELLS // ask)):
                some = waiting[first : first + max(1, CELLS // ask)]
                cosines, others = self.segments.nearest(
                    self.segments.vectors(some), ask + 1, self.effort, self._masks()
                )
                open_ends = np.zeros(len(some), bool)
                if not last and others.shape[1] > ask:
                    open_ends = cosines[:, -1] >= limit
                again.append(some[open_ends])
                found.append(_pairs(some, cosines, others, ~open_ends, limit, most))
            waiting, ask = np.concatenate(again), ask * 8 if most is None else min(ask * 8, most)
        together = [np.concatenate(each) for each in zip(*found, strict=True)]
        order = np.lexsort((together[1], -together[2], together[0]))
        return Near(*(each[order] for each in together))

    def every(self, limit: float, most: int | None, advance: Callable[[int], None]) -> Iterator[Near]:
        """`near` for all texts, block by block, in order; `advance` is told how many are done."""
        for rows in self.blocks():
            yield self.near(rows, limit, most)
            advance(len(rows))

    def _masks(self) -> list[Bool[np.ndarray, " _"]] | None:
        if self.among is None:
            return None
        ends = np.cumsum([part.count for part in self.segments.parts])[:-1]
        return np.split(self.among, ends)


def _pairs(
    rows: Rows, cosines: np.ndarray, others: np.ndarray, complete: np.ndarray, limit: float, most: int | None
) -> tuple[np.ndarray, ...]:
    """The rows, neighbors and cosines of the texts whose answers are complete, without the texts themselves."""
    wanted = (others != rows[:, None]) & (cosines >= limit) & complete[:, None]
    if most is not None:
        wanted &= np.cumsum(others != rows[:, None], axis=1) <= most
    asked, column = np.nonzero(wanted)
    return rows[asked], others[asked, column], cosines[asked, column]
