"""The files that mined triplets are written to: .tsv and .jsonl, one negative a line."""

import json
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from simemb.errors import DataError

if TYPE_CHECKING:
    from simemb.search.hits import Hit

log = logging.getLogger("simemb")

COLUMNS = ("anchor", "positive", "negative")


@dataclass(frozen=True)
class MiningSummary:
    """The counts and similarities of one call of `mine`.

    Attributes:
        rows: Pairs read.
        successes: Pairs with at least one negative.
        triplets: Lines written.
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


def _tsv_line(cells: Sequence[str]) -> str:
    return "\t".join(re.sub(r"[\t\r\n\0]", " ", cell) for cell in cells)


def _json_line(cells: Sequence[str]) -> str:
    return json.dumps(dict(zip(COLUMNS, cells, strict=True)), ensure_ascii=False)


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


def write(path: Path, line: Callable[[Sequence[str]], str], mined_rows: Iterable[MinedRow], name: str) -> MiningSummary:
    """Write the triplets in the form of `line`, one of `FORMATS`. Raises `DataError` if there are none.

    name: of the pairs.
    """
    rows = successes = triplets = 0
    positive = negative = 0.0
    formulas = _Formulas()
    with path.open("w", encoding="utf-8", newline="\n") as file:
        if line is _tsv_line:
            file.write(_tsv_line(COLUMNS) + "\n")
        for row in mined_rows:
            rows += 1
            successes += bool(row.negatives)
            for hit in row.negatives:
                written = line((row.anchor, row.positive, hit.text))
                file.write(written + "\n")
                if line is _tsv_line:
                    formulas.look(written, 2 + triplets)
                triplets, positive, negative = triplets + 1, positive + row.similarity, negative + hit.score
    if not triplets:
        advice = "lower the margins, raise depth or give a corpus"
        raise DataError(f"{name}: no negative for any of {rows} rows: {advice}")
    formulas.tell(path.name)
    return MiningSummary(rows, successes, triplets, positive / triplets, negative / triplets)
