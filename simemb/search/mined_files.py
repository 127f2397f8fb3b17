"""The files that mined negatives are written to: .tsv and .jsonl, a line for each negative or for each pair."""

import json
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from simemb.errors import DataError

if TYPE_CHECKING:
    from simemb.search.hits import Hit

log = logging.getLogger("simemb")

Shape = Literal["rows", "columns"]
SHAPES = ("rows", "columns")


@dataclass(frozen=True)
class MiningSummary:
    """The counts and similarities of one call of `mine`.

    Attributes:
        rows: Pairs read.
        successes: Pairs with at least one negative.
        triplets: Negatives written.
        positive: Mean cosine of anchor and positive over all triplets, in [-1, 1].
        negative: Mean cosine of anchor and negative over all triplets, in [-1, 1].
    """

    rows: int
    successes: int
    triplets: int
    positive: float
    negative: float


@dataclass(frozen=True)
class MinedRow:
    """A pair, the cosine of its two texts, and the negatives of its anchor."""

    anchor: str
    positive: str
    similarity: float
    negatives: list["Hit"]


def columns(shape: Shape, negatives: int) -> tuple[str, ...]:
    """The names of the columns, for up to so many negatives of a pair.

    >>> columns("rows", 2), columns("columns", 2)
    (('anchor', 'positive', 'negative'), ('anchor', 'positive', 'negative_1', 'negative_2'))
    """
    if shape == "rows" or negatives == 1:
        return ("anchor", "positive", "negative")
    return ("anchor", "positive", *(f"negative_{number}" for number in range(1, negatives + 1)))


def _tsv_line(cells: Sequence[str], names: Sequence[str]) -> str:
    """A line of these cells; what a row lacks is empty."""
    filled = (*cells, *[""] * (len(names) - len(cells)))
    return "\t".join(re.sub(r"[\t\r\n\0]", " ", cell) for cell in filled)


def _json_line(cells: Sequence[str], names: Sequence[str]) -> str:
    """An object of these cells; what a row lacks is no key."""
    return json.dumps(dict(zip(names, cells, strict=False)), ensure_ascii=False)


FORMATS = {".tsv": _tsv_line, ".jsonl": _json_line}


class _Formulas:
    """The cells that a spreadsheet would run as formulas: they are kept, for machines read them, and told."""

    FIRST = ("=", "+", "-", "@")

    def __init__(self) -> None:
        self.count, self.line = 0, 0

    def look(self, line: str, number: int) -> None:
        """Look into a line with its number, from 1."""
        found = sum(cell.lstrip(" ").startswith(self.FIRST) for cell in line.split("\t"))
        self.line = self.line or (number if found else 0)
        self.count += found

    def tell(self, name: str) -> None:
        """One notice about a file, if there is something to tell."""
        if self.count:
            log.warning(
                "%s: %d cells begin with %s (the first in line %d): simemb reads them as texts, a spreadsheet may run "
                "them as formulas; .jsonl has no such cells",
                *(name, self.count, ", ".join(self.FIRST[:-1]) + f" or {self.FIRST[-1]}", self.line),
            )


def write(
    path: Path,
    line: Callable[[Sequence[str], Sequence[str]], str],
    mined_rows: Iterable[MinedRow],
    name: str,
    names: Sequence[str],
) -> MiningSummary:
    """Write the negatives in the form of `line`, one of `FORMATS`. Raises `DataError` if there are none.

    name: of the pairs. names: of the columns, see `columns`; more than three take all negatives of a pair in one line.
    """
    rows = successes = triplets = lines = 0
    positive = negative = 0.0
    formulas = _Formulas()
    with path.open("w", encoding="utf-8", newline="\n") as file:
        if line is _tsv_line:
            file.write(_tsv_line(names, names) + "\n")
        for row in mined_rows:
            rows += 1
            successes += bool(row.negatives)
            for hits in _grouped(row.negatives, len(names) - 2):
                written = line((row.anchor, row.positive, *(hit.text for hit in hits)), names)
                file.write(written + "\n")
                lines += 1
                if line is _tsv_line:
                    formulas.look(written, 1 + lines)
            triplets += len(row.negatives)
            positive += row.similarity * len(row.negatives)
            negative += sum(hit.score for hit in row.negatives)
    if not triplets:
        advice = "lower the margins, raise depth or give a corpus"
        raise DataError(f"{name}: no negative for any of {rows} rows: {advice}")
    formulas.tell(path.name)
    return MiningSummary(rows, successes, triplets, positive / triplets, negative / triplets)


def _grouped(hits: Sequence["Hit"], size: int) -> Iterable[Sequence["Hit"]]:
    """The negatives of each line."""
    return (hits[first : first + size] for first in range(0, len(hits), size))
