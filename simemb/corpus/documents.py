"""Documents: one text for every record of some data, in its place, with its id and with its title before it.

`simemb encode`, `simemb index`, the corpus of `simemb mine` and the retrieval suites all read them here, so that a
document is the same text everywhere.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, tee
from typing import Any

from simemb.corpus.blanks import Blanks
from simemb.corpus.cells import text_of
from simemb.corpus.columns import for_one
from simemb.corpus.parquet import ParquetFile
from simemb.corpus.rows import Rows, open_rows
from simemb.corpus.table import MISSING, Record, kind_of
from simemb.errors import DataError, UnclearError, unknown

log = logging.getLogger("simemb")

IDS, TITLES = ("_id", "id"), ("title",)
NONE = "none"
"""The name of a column that says: none, even if there is one with a usual name."""
ALL = "all"
"""The name of a column that says: every one that plays no other role."""


@dataclass(frozen=True)
class Document:
    """A text with the number of its record, from 1; `id` is None where the data have no ids.

    kept: the cells of the columns that are kept beside it; what is missing is left out.
    """

    number: int
    id: str | None
    text: str
    kept: Mapping[str, object] = field(default_factory=dict[str, object])


class Documents:
    """The documents of some rows, which can be read again and again; one for each record, in order.

    Without ids a blank line is a document with an empty text, so that the numbers of documents are those of lines;
    only blank lines at the end are none. A notice counts both after the first complete pass.

    Attributes:
        name: what messages call the data.
        text: the column of the texts: the first text column of the rows.
        id: the column of the ids, or None.
        title: the column of the titles, or None; a document is then title, a blank and text, as in BEIR.
        kept: the columns that are kept beside the texts.
        unused: the columns that play no role.
        way_out: the end of a message about an id that cannot be one: what to do.
    """

    way_out = ""

    def __init__(
        self, rows: Rows, *, id: str | None = None, title: str | None = None, kept: Sequence[str] = ()
    ) -> None:
        self._rows, self.name, self.text, self.id, self.title = rows, rows.name, rows.columns[0], id, title
        if self.text in rows.several:
            members = ", ".join(rows.several[self.text])
            raise DataError(f"{rows.name}: a record may hold several texts ({members}), and one is needed: --column")
        free = tuple(column for column in rows.every_column if column not in (self.text, id, title))
        self.kept = free if tuple(kept) == (ALL,) else tuple(_kept(rows.name, column, free) for column in kept)
        self.unused = tuple(column for column in free if column not in self.kept)
        self._passed = False

    def __iter__(self) -> Iterator[Document]:
        """Every document.

        Raises:
            DataError: a record cannot be read, has no text or no id, or has the id of another; says which.
        """
        first_of: dict[str, int] = {}
        empty = Blanks(self._rows.unit)
        self._blank_end = 0
        for number, cells in self._in_place():
            document = self._document(number, cells)
            if document.id is not None and first_of.setdefault(document.id, number) != number:
                twice = f"the id {document.id!r} occurs twice, first in {self._rows.unit} {first_of[document.id]}"
                raise DataError(f"{self._place(number)}: {twice}{self.way_out}")
            if not document.text.strip():
                empty.add(number)
            yield document
        self._say(empty)

    def keep_known(self, columns: Sequence[str]) -> None:
        """Keep those of these columns that play no other role; the data need not have them."""
        self.kept = (*self.kept, *(column for column in self.unused if column in columns))
        self.unused = tuple(column for column in self.unused if column not in columns)

    def texts(self) -> Iterator[str]:
        """The text of every document."""
        return (document.text for document in self)

    def streams(self) -> tuple[Iterator[str], Iterator[str] | None]:
        """The texts and the ids, or None, of one pass, for who reads both side by side."""
        if self.id is None:
            return self.texts(), None
        of_texts, of_ids = tee(self)
        return (document.text for document in of_texts), (document.id or "" for document in of_ids)

    def streams_kept(self) -> tuple[Iterator[str], Iterator[str] | None, Iterator[Mapping[str, object]] | None]:
        """As `streams`, and what is kept of each document, or None if no column is."""
        if not self.kept:
            return *self.streams(), None
        of_texts, of_ids, of_kept = tee(self, 3)
        ids = (document.id or "" for document in of_ids) if self.id else None
        return (document.text for document in of_texts), ids, (document.kept for document in of_kept)

    @property
    def seekable(self) -> bool:
        """Whether a part is read without what comes before it."""
        return isinstance(self._rows.table, ParquetFile)

    def count(self) -> int:
        """How many documents there are; a notice says which are blank. A parquet file says it without being read."""
        if isinstance(self._rows.table, ParquetFile):
            return self._rows.table.count
        empty, count = Blanks(self._rows.unit), 0
        for number, cells in self._in_place():
            count += 1
            if cells is None or (isinstance(cells[0], str) and not cells[0].strip()):
                empty.add(number)
        self._say(empty)
        return count

    def part(self, start: int, stop: int | None = None) -> Iterator[Document]:
        """The documents from position `start` (from 0) up to `stop`, which is left out; by default to the end.

        Ids are not compared: who reads a part knows what else must have other ids. Raises `DataError` as `__iter__`.
        """
        end = None if stop is None else stop - start
        return (self._document(number, cells) for number, cells in islice(self._in_place(start), end))

    def checksum(self) -> str:
        """The SHA-256 of the file, or of the values of a list."""
        return self._rows.checksum()

    def _in_place(self, start: int = 0) -> Iterator[tuple[int, tuple[object, ...] | None]]:
        """The records from position `start` up to the last that is not blank."""
        blank: list[int] = []
        columns = [column for column in (self.text, self.id, self.title, *self.kept) if column]
        for number, cells in self._records(columns, start):
            if cells is None:
                blank.append(number)
                continue
            yield from ((line, None) for line in blank)
            blank.clear()
            yield number, cells
        self._blank_end = len(blank)

    def _records(self, columns: Sequence[str], start: int) -> Iterator[Record]:
        """The records without the first `start`, which are not even read of a parquet file."""
        table = self._rows.table
        if isinstance(table, ParquetFile):
            return table.records(columns, start)
        return islice(self._rows.records(columns), start, None)

    def _document(self, number: int, cells: tuple[object, ...] | None) -> Document:
        if cells is None:
            if self.id:
                raise DataError(f"{self._place(number)} is blank, and every record needs its {self.id!r}{self.way_out}")
            return Document(number, None, "")
        text, *others = cells
        words = self._rows.text_of(number, self.text, text)
        name = self._id(number, others.pop(0)) if self.id else None
        if self.title:
            cell = others.pop(0)
            title = "" if cell in (None, MISSING) else self._rows.text_of(number, self.title, cell)
            words = f"{title} {words}".strip()
        kept = zip(self.kept, others, strict=True)
        return Document(number, name, words, {column: cell for column, cell in kept if cell not in (None, MISSING)})

    def _id(self, number: int, value: object) -> str:
        if isinstance(value, float) and value.is_integer():  # as pandas writes whole numbers beside missing ones
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            what = "nothing" if value == "" else kind_of(value)
            raise DataError(
                f"{self._place(number)}, column {self.id!r}: {what:.60} where an id is needed{self.way_out}"
            )
        try:
            return text_of(str(value), f"{self._place(number)}, column {self.id!r}")
        except DataError as error:
            raise DataError(f"{error}{self.way_out}") from None

    def _place(self, number: int) -> str:
        return f"{self.name}, {self._rows.unit} {number}"

    def _say(self, empty: Blanks) -> None:
        if not self._passed and empty.count:
            vectors = "has the vector" if empty.count == 1 else "have the vector"
            counted = empty.counted("text")
            log.warning("%s: %s blank and %s of an empty text: %s", self.name, counted, vectors, empty.places)
        if not self._passed and self._blank_end:
            log.warning("%s: blank lines at the end are left out: %d", self.name, self._blank_end)
        self._passed = True


def open_documents(
    data: Any,
    *,
    column: str | None = None,
    ids: str | None = None,
    titles: str | None = None,
    kept: Sequence[str] = (),
    delimiter: str | None = None,
    header: bool = True,
    name: str = "data",
) -> Documents:
    """The documents of data of any kind that `open_rows` takes.

    Args:
        data: see `simemb.corpus.rows.open_rows`.
        column: the column of the texts; by default the first text column, and then `title` goes before it.
        ids: the column of the ids, `NONE` for none; by default `_id`, else `id`, where there is one.
        titles: the column of the titles, `NONE` for none; by default `title` where there is one.
        kept: columns that are kept beside the texts; `ALL` alone for those that play no other role.
        delimiter, header, name: see `simemb.corpus.rows.open_rows`.

    Raises:
        DataError: the data or a column do not exist or cannot be used.
    """
    try:
        rows = open_rows(data, columns=[column] if column else None, delimiter=delimiter, header=header, name=name)
    except UnclearError as error:
        raise for_one(error) from None
    documents = documents_of(rows, ids=ids, titles=titles or (NONE if column else None), kept=kept)
    documents.way_out = "; --ids (ids=) names another column, or none"
    return documents


def documents_of(
    rows: Rows, *, ids: str | None = None, titles: str | None = None, kept: Sequence[str] = ()
) -> Documents:
    """The documents of rows; the columns are those of `open_documents`. Raises `DataError` if one does not exist."""
    return Documents(rows, id=_find(rows, ids, IDS), title=_find(rows, titles, TITLES), kept=kept)


def _kept(name: str, requested: str, free: Sequence[str]) -> str:
    """A column to keep, as the data spell it. Raises `DataError` if there is none, or it plays another role."""
    columns = {column.lower(): column for column in reversed(free)}
    if requested.lower() not in columns:
        raise DataError(f"{name}: {unknown('column to keep', requested, free)}")
    if requested.lower() in ("id", "text"):
        raise DataError(f"{name}: a column called {requested!r} cannot be kept: an index has one of its own")
    return columns[requested.lower()]


def _find(rows: Rows, requested: str | None, usual: tuple[str, ...]) -> str | None:
    """The column that was asked for, else the first with a usual name, beside the column of the texts."""
    columns = {column.lower(): column for column in reversed(rows.every_column) if column != rows.columns[0]}
    if requested is None:
        return next((columns[name] for name in usual if name in columns), None)
    if requested == NONE:
        return None
    if requested.lower() not in columns:
        raise DataError(f"{rows.name}: {unknown('column', requested, columns.values())}")
    return columns[requested.lower()]
