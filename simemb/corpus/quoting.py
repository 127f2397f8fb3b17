"""Whether text between tabs is quoted as in RFC 4180, as pandas and spreadsheets write it, or its quotes are literal.

Both are common and a `"Yes"` can be either, so quotes are literal unless the whole file shows that they are not.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from simemb.corpus.delimited import is_number
from simemb.corpus.lines import bare, lines

_CELL = re.compile(r'("[^"]*+(?:""[^"]*+)*+"|[^"\t]*+)(?:\t|\Z)')
LONGEST = 1_000_000
"""Characters of a row: what a quote opens and nothing closes in so many is no cell."""


def is_quoted(path: Path, name: str, *, header: bool) -> bool:
    """Whether the cells of a file between tabs are quoted as in RFC 4180.

    They are if all the names of a header are quoted, or without one all cells, numbers aside. They also are if in the
    whole file quotes stand around cells and doubled within them but nowhere else, and a cell holds a quotation.
    """
    quotation, all_quoted, number = False, True, 0
    for number, row in enumerate(_rows(path, name), 1):
        if '"' not in row:
            all_quoted = all_quoted and all(map(is_number, row.split("\t")))
            continue
        cells = _cells(row)
        if cells is None:
            return False
        all_quoted = all_quoted and all(cell.startswith('"') or is_number(cell) for cell in cells)
        if header and number == 1 and all_quoted:
            return True
        quotation = quotation or any(map(_holds_quotation, cells))
    return quotation or (not header and all_quoted and number > 1)


def _rows(path: Path, name: str) -> Iterator[str]:
    """The rows that are not blank: lines, joined while a quote is open."""
    row, quotes = "", 0
    for _, line in lines(path, name):
        if not row and not line.strip():
            continue
        row, quotes = row + line, quotes + line.count('"')
        if quotes % 2 and len(row) < LONGEST:
            continue
        yield bare(row)
        row, quotes = "", 0
    if row:
        yield bare(row)


def _cells(row: str) -> list[str] | None:
    """The cells with their quotes; None if a quote stands where RFC 4180 has none."""
    cells, place = list[str](), 0
    while place <= len(row):
        found = _CELL.match(row, place)
        if found is None:
            return None
        cells.append(found[1])
        # A row ends with its last cell; a tab at its end opens another one.
        place = found.end() if found.end() > found.end(1) else len(row) + 1
    return cells


def _holds_quotation(cell: str) -> bool:
    """Whether quotes are doubled within a cell, come in pairs, and do not all stand between letters.

    The `""` that answers-students of STS15 has for apostrophes is no sign: those files are read literally everywhere.
    """
    parts = cell[1:-1].split('""')
    letters = (left[-1:].isalpha() and right[:1].isalpha() for left, right in pairwise(parts))
    return len(parts) > 1 and len(parts) % 2 == 1 and not all(letters)
