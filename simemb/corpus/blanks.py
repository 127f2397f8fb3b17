"""Blank records of some data: how many there are and where, said once, after the first complete pass."""

import logging
from collections.abc import Iterable, Iterator

from simemb.corpus.table import Record

log = logging.getLogger("simemb")

SHOWN = 5


class Blanks:
    """The blank records of one pass over some data: how many there are, and the numbers of the first."""

    def __init__(self, unit: str) -> None:
        """unit: what the numbers count, "line" or "row"."""
        self.unit, self.count = unit, 0
        self._first: list[int] = []

    def add(self, number: int) -> None:
        """Count the record of this number."""
        self.count += 1
        if self.count <= SHOWN:
            self._first.append(number)

    def counted(self, what: str) -> str:
        """ "1 blank line is" or "2 blank lines are" for the rest of a sentence."""
        return f"1 {what} is" if self.count == 1 else f"{self.count} {what}s are"

    @property
    def places(self) -> str:
        """The first of them by number: "line 2" or "lines 2, 4 ..."."""
        numbers = ", ".join(map(str, self._first))
        return f"{self.unit}{'s'[: self.count > 1]} {numbers}{' ...' if self.count > SHOWN else ''}"


class BlankFilter:
    """Leaves blank lines out of records, and says so and which texts are empty after the first complete pass.

    Attributes:
        left_out: how many blank lines the last complete pass left out.
    """

    def __init__(self, name: str, unit: str) -> None:
        """name: what messages call the data; unit: "line" or "row"."""
        self.name, self.unit, self.left_out = name, unit, 0
        self._said = False

    def __call__(self, records: Iterable[Record]) -> Iterator[tuple[int, tuple[object, ...]]]:
        """The records that are not blank lines."""
        lines, texts = Blanks(self.unit), Blanks(self.unit)
        for number, cells in records:
            if cells is None:
                lines.add(number)
                continue
            if any(isinstance(cell, str) and not cell.strip() for cell in cells):
                texts.add(number)
            yield number, cells
        self.left_out = lines.count
        if not self._said and lines.count:
            log.warning("%s: %s left out: %s", self.name, lines.counted("blank line"), lines.places)
        if not self._said and texts.count:
            log.warning("%s: %s an empty cell: %s", self.name, _have(texts.count), texts.places)
        self._said = True


def _have(count: int) -> str:
    return "1 record has" if count == 1 else f"{count} records have"
