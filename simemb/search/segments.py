"""The segments of an index as one: searched together, grown, thinned out and arranged.

Nothing here changes in place: each change gives new segments, and who searches the old ones meanwhile is not disturbed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Bool, Float32, Int64

from simemb.search import cells as cells_of
from simemb.search import segment as segment_of
from simemb.search.cells import CELL_KINDS, CODES_FROM, Cells, Found, share_of
from simemb.search.rows import joined
from simemb.search.segment import Segment
from simemb.search.where import Where

pc: Any = pyarrow.compute  # whose functions are made when it is imported
KINDS = ("auto", "exact", "flat", "hnsw", *CELL_KINDS)
EXACT_LIMIT = 100_000
"""Up to this number of texts, "auto" compares a query with all: 6 ms a query at 128 dimensions on 2 cores."""
THIN = 2
"""A segment of which less than one row in so many is left is written anew."""


@dataclass(frozen=True)
class Effort:
    """How thoroughly an index is searched: see `simemb.Index`."""

    effort: int = 128
    rescore: int = 10


@dataclass(frozen=True, eq=False)
class Segments:
    """Segments in the order of their texts, the cells that they share, and the kind that was asked for."""

    kind: str
    parts: tuple[Segment, ...] = ()
    cells: Cells | None = None

    def __len__(self) -> int:
        return sum(part.live for part in self.parts)

    @property
    def arrangement(self) -> str:
        """The kind that the segments have, or will have once they are arranged."""
        return self.cells.kind if self.cells else arrangement_of(self.kind, len(self))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the metadata."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.texts.schema.names[2:]))

    def ids(self) -> Iterator[str]:
        """The ids of all texts."""
        for part in self.parts:
            yield from part.live_ids.to_pylist()

    def absent(self, ids: Sequence[str]) -> list[str]:
        """Those of these ids that no text has."""
        missing = pa.array(ids, pa.large_string())
        for part in self.parts:
            missing = missing.filter(pc.invert(pc.is_in(missing, value_set=part.live_ids)))
        return missing.to_pylist()

    # ---- searching -------------------------------------------------------------------------------------

    def nearest(
        self,
        queries: Float32[np.ndarray, "query dim"],
        k: int,
        effort: Effort,
        masks: Sequence[Bool[np.ndarray, " _"]] | None = None,
    ) -> Found:
        """Cosines and rows of the nearest texts of each query, best first; on a tie the earlier text comes first.

        Rows are counted over all segments (`locate`). masks: the rows of each segment that may be found. Where these
        are few, more cells are looked into, so that as many texts are compared as without masks.
        """
        among = [part.among(masks[place] if masks else None) for place, part in enumerate(self.parts)]
        total = sum(part.count for part in self.parts)
        allowed = sum(
            part.count if rows is None else int(rows.sum()) for part, rows in zip(self.parts, among, strict=True)
        )
        if not allowed:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        coded = any(part.codes is not None for part in self.parts)
        wanted = min(k, allowed)
        depth = min(k * effort.rescore, allowed) if coded else wanted
        cells = -(-effort.effort * total // allowed)
        probes = self.cells.probes(queries, cells) if self.cells else None
        found = [
            part.nearest(queries, depth, effort.effort, probes=probes, among=rows)
            for part, rows in zip(self.parts, among, strict=True)
        ]
        scores, rows = _best([each[0] for each in found], [each[1] for each in found], self.starts, depth)
        return self._rescored(queries, scores, rows, wanted) if coded else (scores, rows)

    def masks(self, where: Where) -> list[Bool[np.ndarray, " _"]]:
        """The rows of each segment that satisfy an expression; `SearchError` if it names a column that is in none."""
        where.check(("id", "text", *self.columns))
        return [where.mask(part.texts) for part in self.parts]

    def locate(self, row: int) -> tuple[Segment, int]:
        """The segment that holds a row, and its number there."""
        place = int(self.places(np.array([row]))[0])
        return self.parts[place], row - int(self.starts[place])

    def places(self, rows: np.ndarray) -> np.ndarray:
        """The number of the segment of each row."""
        return np.searchsorted(self.starts, rows, side="right") - 1

    def vectors(self, rows: Int64[np.ndarray, " row"]) -> Float32[np.ndarray, "row dim"]:
        """The vectors of rows, in any order."""
        places = self.places(rows)
        found = np.empty((len(rows), self.parts[0].vectors.d), np.float32)
        for place in np.unique(places):
            here = places == place
            found[here] = self.parts[place].dense_rows(rows[here] - self.starts[place])
        return found

    @cached_property
    def starts(self) -> Int64[np.ndarray, " part"]:
        """The number of the first row of each segment."""
        return np.cumsum([0, *(part.count for part in self.parts[:-1])])

    def _rescored(
        self, queries: Float32[np.ndarray, "query dim"], scores: np.ndarray, rows: np.ndarray, wanted: int
    ) -> Found:
        """The best of these rows by the cosines of the stored vectors."""
        exact = np.empty_like(scores)
        places = self.places(rows)
        for place, part in enumerate(self.parts):
            asked, column = np.nonzero(places == place)
            if len(asked):
                vectors = part.dense()[rows[asked, column] - self.starts[place]]
                exact[asked, column] = np.einsum("nd,nd->n", queries[asked], vectors)
        return _best([exact], [rows], np.zeros(1, np.int64), wanted)

    # ---- changing --------------------------------------------------------------------------------------

    def grown(self, new: Sequence[Segment]) -> "Segments":
        """With more texts after these. They are arranged as the others; small segments at the end become one.

        A segment joins the one before it once it has half its size, so a text is copied a few times in all, and
        however often an index grows, it has few segments.
        """
        parts = list(self.parts)
        for part in new:
            parts.append(part.arranged(self._kind_of(part), self.cells))
            while len(parts) > 1 and _belong(*parts[-2:]):
                later, earlier = parts.pop(), parts.pop()
                united = merged([earlier, later])
                parts.append(united.arranged(self._kind_of(united), self.cells))
        return replace(self, parts=tuple(parts))

    def without(self, ids: Any) -> "Segments":
        """Without the texts of these ids. Segments of which little is left are thinned out."""
        parts: list[Segment] = []
        for part in self.parts:
            gone = pc.is_in(part.texts["id"], value_set=ids).to_numpy()
            if part.deleted is not None:
                gone = gone | part.deleted
            if part.live == part.count - int(gone.sum()):
                parts.append(part)
                continue
            left = replace(part, deleted=gone, stored=part.stored and part.stored.without("deleted"))
            if left.live and left.live * THIN < left.count:
                left = merged([left]).arranged(part.kind, part.cells)
            if left.live:
                parts.append(left)
        return replace(self, parts=tuple(parts))

    def compacted(self) -> "Segments":
        """Without the rows of deleted texts, in as few segments as can be; cells are trained anew."""
        parts: list[Segment] = []
        waiting: list[Segment] = []
        for part in self.parts:
            if part.deleted is None and part.count == segment_of.FULL:
                parts.append(part)
                continue
            if waiting and sum(each.live for each in waiting) + part.live > segment_of.FULL:
                parts.append(merged(waiting))
                waiting = []
            waiting.append(part)
        parts += [merged(waiting)] if waiting else []
        return Segments(self.kind, tuple(parts)).arranged(fresh=True)

    def arranged(self, *, fresh: bool = False, place: Path | None = None) -> "Segments":
        """Arranged as `kind`, with cells that fit the number of texts; with `place` each is stored there at once.

        fresh: whether exact segments get the graph of "hnsw" though they are small, as when an index is built.
        """
        cells, kind = self.cells, self.arrangement
        if kind in CELL_KINDS and len(self) and (cells is None or len(self) > cells_of.GROWTH * cells.made_for):
            cells = Cells.train(kind, self._sample(), len(self))
        cells = cells.store(place) if cells and place else cells
        whole = replace(self, cells=cells)
        return replace(whole, parts=tuple(whole._each(fresh=fresh, place=place)))

    def _each(self, *, fresh: bool, place: Path | None) -> Iterator[Segment]:
        for part in self.parts:
            new = part.arranged(self._kind_of(part, fresh=fresh), self.cells)
            yield new.store(place) if place else new

    def _kind_of(self, part: Segment, *, fresh: bool = False) -> str:
        """The kind of one segment: texts that were added have no graph until there are many of them."""
        kind = self.arrangement
        if kind in CELL_KINDS and self.cells is None:
            return "exact"
        if kind == "hnsw" and part.kind != "hnsw" and not fresh and part.count <= EXACT_LIMIT:
            return "exact"
        return kind

    def _sample(self) -> Float32[np.ndarray, "text dim"]:
        """Random vectors of all segments, as many as the training of the cells looks at; seed 0."""
        share = share_of(sum(part.count for part in self.parts))
        dice = np.random.default_rng(0)
        chosen = [np.flatnonzero(dice.random(part.count) < share) for part in self.parts]
        return np.concatenate([part.dense()[rows] for part, rows in zip(self.parts, chosen, strict=True)])


def arrangement_of(kind: str, count: int) -> str:
    """How `count` texts are arranged where `kind` is asked for; few texts are compared one by one."""
    if kind == "auto":
        return "ivf" if count > EXACT_LIMIT else "exact"
    few = kind in CELL_KINDS and count < (1 if kind == "ivf" else CODES_FROM)
    return "exact" if few or kind == "flat" else kind


def merged(parts: Sequence[Segment]) -> Segment:
    """One exact segment of the texts of several that are not deleted."""
    rows = [np.flatnonzero(~part.deleted) if part.deleted is not None else None for part in parts]
    vectors = [part.dense() if kept is None else part.dense()[kept] for part, kept in zip(parts, rows, strict=True)]
    texts = [part.texts if kept is None else part.texts.take(kept) for part, kept in zip(parts, rows, strict=True)]
    return Segment.of(np.concatenate(vectors), joined(texts))


def _belong(earlier: Segment, later: Segment) -> bool:
    """Whether two neighbors become one segment."""
    alike = earlier.kind == later.kind and earlier.cells is later.cells
    return alike and 2 * later.live >= earlier.live and earlier.live + later.live <= segment_of.FULL


def _best(scores: Sequence[np.ndarray], rows: Sequence[np.ndarray], starts: np.ndarray, k: int) -> Found:
    """The k best of the scores and rows [query, hit] of each segment."""
    every = np.concatenate(scores, axis=1)
    numbers = np.concatenate([each + start for each, start in zip(rows, starts, strict=True)], axis=1)
    order = np.lexsort((numbers, -every), axis=1)[:, :k]
    return np.take_along_axis(every, order, 1), np.take_along_axis(numbers, order, 1)
