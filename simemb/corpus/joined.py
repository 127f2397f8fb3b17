"""Several data read one after the other as one."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Protocol

from simemb.corpus.in_memory import list_digest
from simemb.corpus.table import Record
from simemb.errors import DataError


class Part(Protocol):
    """What is asked of the rows of each of the data (`simemb.corpus.rows.Rows`)."""

    name: str
    columns: tuple[str, ...]
    score: str | None
    ignored: tuple[str, ...]
    label_names: tuple[str, ...]
    warning: str

    def digest(self) -> str:
        """Equal digests mean equal rows."""
        ...

    def filled_records(self, columns: Sequence[str]) -> Iterator[tuple[int, tuple[object, ...]]]:
        """The records that are not blank, with the cells of some of the text columns and the score."""
        ...

    def place(self, number: int) -> str:
        """What messages call the record of this number."""
        ...


class JoinedTable:
    """The records of all parts in order; their numbers count on, and `place` says which of which part one is."""

    unit = "row"
    list_columns: tuple[str, ...] = ()

    def __init__(self, parts: Sequence[Part]) -> None:
        """Raises `DataError` if the columns of two parts differ."""
        _check_columns(parts)
        self._parts = parts
        self._starts: list[int] = []
        self.name = " + ".join(part.name for part in parts)
        self.texts, self.score = parts[0].columns, parts[0].score
        self.label_names = {str(self.score): parts[0].label_names}
        self.columns = self.text_columns = (*self.texts, self.score) if self.score else self.texts
        self.warning = "; ".join(dict.fromkeys(part.warning for part in parts if part.warning))
        self.ignored = tuple(dict.fromkeys(column for part in parts for column in part.ignored))

    def digest(self) -> str:
        """Of the content of all parts, in their order."""
        return list_digest([part.digest() for part in self._parts])

    def records(self, chosen: Sequence[str]) -> Iterator[Record]:
        """Every record of every part."""
        last = 0
        for place, part in enumerate(self._parts):
            if place == len(self._starts):
                self._starts.append(last)
            start = last
            for number, cells in part.filled_records(chosen):
                last = start + number
                yield last, cells

    def place(self, number: int) -> str:
        """What the part calls the record of this number, which has been read before."""
        part = bisect_left(self._starts, number) - 1
        return self._parts[part].place(number - self._starts[part])


def _check_columns(parts: Sequence[Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        if (part.columns, part.score) != (first.columns, first.score):
            raise DataError(
                f"several data need the same columns: {first.name} has {_listed(first)}, {part.name} has "
                f"{_listed(part)}; choose with --columns, rename them, or train on each by itself (`simemb train --mix "
                "proportional`)"
            )
        if part.label_names != first.label_names:
            raise DataError(
                f"several data need the same labels: {first.name} and {part.name} name their numbers otherwise"
            )


def _listed(part: Part) -> str:
    return ", ".join((*part.columns, *([part.score] if part.score else [])))
