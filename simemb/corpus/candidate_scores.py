"""Scores of a reranker that stand beside the texts of a row: one of its positive and one of each negative.

They come as a list `scores` (the positives' first, then the negatives'), as lists or columns of their own
(`pos_scores`, `neg_scores`; `positive_score`, `negative_score_1`, `negative_score_2` ...), or as margins (`score`,
`label`, `margin`): the score of the positive less that of the negative, a number or one for each negative.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.cells import score_of
from simemb.corpus.listed import TRIPLET, free
from simemb.corpus.rows import Rows
from simemb.corpus.table import MISSING
from simemb.errors import DataError

WHOLE = ("scores", "score", "labels", "label", "margin", "margins")
POSITIVE, NEGATIVE = (re.compile(rf"({stem})_scores?([_-]?\d+)?") for stem in ("pos|positive", "neg|negative"))

Scores = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Of every row's positive, and of every negative, numbered as their texts are."""


@dataclass(frozen=True)
class ScoreColumns:
    """The columns of some data that hold scores. whole: of all texts of a row. positive, negative: of these alone."""

    whole: str | None
    positive: tuple[str, ...]
    negative: tuple[str, ...]

    @classmethod
    def of(cls, rows: Rows) -> "ScoreColumns | None":
        """Those of some rows by their names; None if there are none. Raises `DataError` for a choice of several."""
        columns = (rows.joined or (rows,))[0].every_column
        positive, negative = (
            tuple(column for column in columns if kind.fullmatch(column.lower())) for kind in (POSITIVE, NEGATIVE)
        )
        if bool(positive) != bool(negative):
            lacking = "negatives (neg_scores)" if positive else "positives (pos_scores)"
            raise DataError(
                f"{rows.name}: column {(positive or negative)[0]} holds scores, and the {lacking} have none"
            )
        wholes = [column for column in columns if column.lower() in WHOLE]
        if positive:
            return cls(None, positive, negative)
        if len(wholes) > 1:
            raise DataError(f"{rows.name}: {', '.join(wholes)} could each be the scores: keep one")
        return cls(wholes[0], (), ()) if wholes else None

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*([self.whole] if self.whole else []), *self.positive, *self.negative)


def candidate_scores(rows: Rows, columns: ScoreColumns) -> Scores:
    """The scores of all rows, whose negatives are a third column or apart (`simemb.corpus.listed`).

    Raises:
        DataError: a row has other scores than texts, or one that is not a finite number; says where.
    """
    if rows.joined:
        parts = [candidate_scores(part, columns) for part in rows.joined]
        return cast(Scores, tuple(np.concatenate(side) for side in zip(*parts, strict=True)))
    positives: list[float] = []
    negatives: list[float] = []
    for number, texts, cells in _records(rows, columns):
        place = f"{rows.place(number)}, column {columns.names[0]!r}"
        of_positives, of_negatives = _row(columns, cells, texts, place)
        several = max(len(column) for column in texts[:-1])
        positives += [of_positives[row % len(of_positives)] for row in range(several)]
        negatives += of_negatives
    return np.array(positives, np.float32), np.array(negatives, np.float32)


def _records(rows: Rows, columns: ScoreColumns) -> Iterator[tuple[int, list[Sequence[object]], list[object]]]:
    """Of every record its number, the texts of each text column, and the cells of the scores."""
    names = (*rows.columns, *rows.listed)
    if len(names) < TRIPLET:
        raise DataError(f"{rows.name}: scores of candidates need a column of negatives (it has: {', '.join(names)})")
    for number, groups in free(rows, names[-1]).groups((*names, *columns.names)):
        if groups is not None:
            yield number, groups[: len(names)], [cell for (cell,) in groups[len(names) :]]


def _row(
    columns: ScoreColumns, cells: list[object], texts: list[Sequence[object]], place: str
) -> tuple[list[float], list[float]]:
    """The scores of one record's positives and negatives."""
    first, second = len(texts[1]), len(texts[-1])
    if columns.whole is None:
        numbers = [_numbers(part, place) for part in (cells[: len(columns.positive)], cells[len(columns.positive) :])]
        if (len(numbers[0]), len(numbers[1])) == (first, second):
            return numbers[0], numbers[1]
        raise DataError(f"{place}: {len(numbers[0])} and {len(numbers[1])} scores of {first} and {second} texts")
    scores = _numbers(cells, place)
    if len(scores) == first + second:
        return scores[:first], scores[first:]
    if len(scores) == second and first == 1:
        return [0.0], [-margin for margin in scores]
    allowed = f"{first + second}, one of each text" + (f", or {second}, the margins" if first == 1 else "")
    raise DataError(f"{place}: {len(scores)} scores of {first} positives and {second} negatives (allowed: {allowed})")


def _numbers(cells: Sequence[object], place: str) -> list[float]:
    """The numbers in some cells, each a number or a list; an empty one of several is none."""
    items = [item for cell in cells for item in (cast(list[object], cell) if isinstance(cell, list) else [cell])]
    nothing = len(cells) > 1
    return [
        score_of(item, place) for item in items if not (nothing and (item is None or item is MISSING or item == ""))
    ]
