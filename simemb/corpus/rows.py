"""Rows: named columns of text, read as a stream from any file, corpus, dataset or list a user has.

`simemb.corpus.formats` reads each file format, `simemb.corpus.in_memory` what is in memory already, and
`simemb.corpus.columns` chooses the column for each role.
"""

import hashlib
import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import cache
from pathlib import Path
from typing import Any

from simemb import files
from simemb.arguments import checked
from simemb.corpus import places, sources
from simemb.corpus.blanks import BlankFilter
from simemb.corpus.cells import label_of, score_of, text_of
from simemb.corpus.columns import choose
from simemb.corpus.delimited import PLAIN, Layout
from simemb.corpus.formats import open_file
from simemb.corpus.in_memory import DatasetTable, ListTable, gathered, list_digest
from simemb.corpus.joined import JoinedTable
from simemb.corpus.json_lines import JsonLinesFile
from simemb.corpus.layout_check import check_layout
from simemb.corpus.several import SeveralTexts
from simemb.corpus.sources import Source
from simemb.corpus.table import MISSING, Record, Table, kind_of
from simemb.errors import DataError


class Rows:
    """Named columns of text that can be read any number of times, always the same.

    Attributes:
        table: what reads them.
        name: what messages call the data.
        parts: the names of the data that are read one after the other, usually one.
        columns: the text columns in role order: anchor, positive, negative.
        score: the score or label column, or None.
        ignored: the columns that play no role.
        named: whether the user named the columns.
        label_names: the names that whole numbers in `score` stand for, where the data say it, else empty.
        joined: the rows of each of `parts`, if there are several.
        listed: by name, text columns beside `columns` of which a row has any number of texts (`simemb.corpus.listed`).
        several: by name of a text column, the columns of the data that hold its texts, where a row may have more than
            one (negative_1, negative_2 ..., lists); each of them gets a row of its own.
        warning: what a person who trains on the data must know (see `simemb.corpus.sources.Source`), or empty.
    """

    def __init__(
        self,
        table: Table,
        name: str,
        content: Callable[[], str],
        *,
        columns: Sequence[str] | None = None,
        score: str | None = None,
        warning: str = "",
    ) -> None:
        self.table, self._content = table, cache(content)
        self._reading: str = getattr(table, "reading", "")
        self._without_blanks = BlankFilter(name, table.unit)
        self.name, self.warning = name, warning
        self.parts: tuple[str, ...] = (name,)
        choice = choose(name, table, columns, score)
        self.columns, self.score, self.ignored = choice.text, choice.score, choice.ignored
        self.several, self._every_column = choice.several, table.columns
        self.named = columns is not None
        self.joined: tuple[Rows, ...] = ()
        self.listed: Mapping[str, Rows] = {}
        self.label_names = getattr(table, "label_names", {}).get(choice.score, ())
        if choice.several:
            self.table = SeveralTexts(table, name, choice.several)
        # The first column alone: what is wrong with the others is said by who reads them.
        if next(self.filled_records(self.columns[:1]), None) is None:
            raise DataError(f"{name} has no rows")

    def narrowed(self, columns: int) -> "Rows":
        """The same rows with their first text columns only: no row is repeated for the texts of the others."""
        rows = copy(self)
        rows.columns, left = self.columns[:columns], self.columns[columns:]
        rows.several = {name: members for name, members in self.several.items() if name in rows.columns}
        rows.listed = {}
        rows.ignored = (*(member for name in left for member in self.several.get(name, (name,))), *self.ignored)
        return rows

    def texts(self) -> Iterator[tuple[str, ...]]:
        """The texts of every row, one for each of `columns`.

        Raises:
            DataError: a row cannot be read, or a text is missing or not text; says which.
        """
        for number, cells in self.filled_records(self.columns):
            yield self._texts(number, cells)

    def scored(self) -> Iterator[tuple[str, str, float]]:
        """Anchor, positive and score of every row.

        Raises:
            DataError: there are no two text columns or no score, or a score is not a finite number.
        """
        if self.score is None or len(self.columns) < 2:
            raise DataError(f"{self.name}: scored pairs need two text columns and a score (it has: {self._has()})")
        for number, (*pair, score) in self.filled_records((*self.columns[:2], self.score)):
            anchor, positive = self._texts(number, pair)
            yield anchor, positive, score_of(score, self._place(number, self.score))

    def labeled(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The texts of every row, one for each of `columns`, and its label: the word or whole number in `score`.

        Raises:
            DataError: there is no label column, or a row has no label.
        """
        if self.score is None:
            raise DataError(f"{self.name}: labeled texts need a column label (it has: {self._has()})")
        for number, (*texts, label) in self.filled_records((*self.columns, self.score)):
            yield self._texts(number, texts), label_of(label, self._place(number, self.score), self.label_names)

    def report_blanks(self) -> None:
        """Read all rows, so that the notice about what is blank is given now."""
        for _ in self.filled_records(self.columns):
            pass

    def checksum(self) -> str:
        """The SHA-256 of the file, or of the values of a list."""
        return self._content()

    def digest(self) -> str:
        """The SHA-256 of the content, how it is cut into cells and the chosen columns: equal digests mean equal rows.

        The first call reads the whole content; the result is remembered, since rows are always the same.
        """
        content = (self._content(), self._reading) if self._reading else (self._content(),)
        return hashlib.sha256(repr((*content, (*self.columns, *self.listed), self.score)).encode()).hexdigest()

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """Every record as the file has it: its number and the cells of any columns, None for a blank line."""
        return self.table.records(columns)

    @property
    def skipped(self) -> int:
        """How many blank lines the last complete pass left out."""
        return self._without_blanks.left_out

    @property
    def unit(self) -> str:
        """What the numbers of records count: "line" or "row"."""
        return self.table.unit

    @property
    def every_column(self) -> tuple[str, ...]:
        """All columns of the data, in their order."""
        return self._every_column

    def filled_records(self, columns: Sequence[str]) -> Iterator[tuple[int, tuple[object, ...]]]:
        """The records that are not blank lines: number, and the cells of some of the text columns and the score."""
        return self._without_blanks(self.table.records(columns))

    def _texts(self, number: int, cells: Sequence[object]) -> tuple[str, ...]:
        return tuple(self.text_of(number, column, value) for column, value in zip(self.columns, cells, strict=False))

    def text_of(self, number: int, column: str, value: object) -> str:
        """The cell of a record as text. Raises `DataError` if it is not text, or not text that has an encoding."""
        place = self._place(number, column)
        if value is None or value is MISSING:
            raise DataError(f"{place}: {kind_of(value)} where text is needed{self._gaps(column)}")
        return text_of(value, place)

    def _gaps(self, column: str) -> str:
        """How many records lack a text that one of them lacks, where the table counts them."""
        table = self.table
        if not isinstance(table, JsonLinesFile):
            return ""
        return f" ({table.objects - table.filled[column]} of {table.objects} records have no {column})"

    def _has(self) -> str:
        return ", ".join((*self.columns, *self.ignored, *filter(None, [self.score])))

    def _place(self, number: int, column: str | None) -> str:
        return f"{self.place(number)}, column {column!r}"

    def place(self, number: int) -> str:
        """What messages call the record of this number."""
        if isinstance(self.table, JoinedTable):
            return self.table.place(number)
        return f"{self.name}, {self.table.unit} {number}"


@checked
def open_rows(
    data: Any,
    *,
    columns: Sequence[str] | None = None,
    score: str | None = None,
    delimiter: str | None = None,
    header: bool = True,
    name: str = "data",
) -> Rows:
    r"""Open data of any kind as rows of text; nothing is read before it is needed.

    Args:
        data: a path (.txt: one sentence a line; .csv: RFC 4180; .tsv: tabs, quotes as a rule literal;
            .jsonl: one object a line; .parquet; the text formats also .gz), "-" for lines of text from
            standard input, the name of a corpus or a `Source`, a list of `pathlib.Path`, `Source` and `Rows` (several
            files and corpora, which are read one after the other), a `datasets.Dataset`, a data frame, a dict of
            lists or a list of dicts, or anything that holds texts in an order, such as a list, a column or a
            generator, or tuples of them: anchor, positive and one or more negatives (a number at the end is the
            score, a word of inference the label). Rows that are open already are given back.
        columns: the text columns in role order (anchor, positive, negative); a score column may be among
            them. Without it, recognized names fill the roles: for the anchor sentence, text, anchor,
            premise, query, question, sentence1, sent0 ...; for the positive positive, hypothesis,
            entailment, answer, sentence2, sent1 ...; for the negative negative, hard_neg, contradiction,
            sent2 ... Case does not matter. If no name is recognized, the only column with text in it is taken,
            with a notice; what is not certain is refused. Other columns are listed in `Rows.ignored`.
        score: the score column. Without it: score, similarity, similarity_score, relatedness_score, label,
            gold_label, is_duplicate.
        delimiter: the character between the cells of a .csv, .tsv or .txt ("tab" too), if its ending does not say
            it. header: whether its first line names the columns, else they are column1 ... name: of the argument.

    Several texts of a role, in columns called negative_1, negative_2 ... or in lists, make as many rows: each positive
    and each negative is used, and the shorter of the two begins again (`simemb.corpus.several`).

    A blank line is left out, an empty text in a row is kept, and one notice each counts them after the first pass;
    `simemb.corpus.documents` keeps both in their place. A missing text (null) and a lone surrogate in JSON are
    refused, because no encoder can make sense of them.

    Raises:
        ArgumentError: the data are no data, such as a set or a number; says what to pass.
        DataError: the data do not exist, are empty, or cannot be used; says where and what is allowed.

    >>> rows = open_rows([("A dog runs.", "A dog is running.", 4.8)])
    >>> rows.columns, rows.score, list(rows.scored())
    (('sentence1', 'sentence2'), 'score', [('A dog runs.', 'A dog is running.', 4.8)])
    """
    if isinstance(data, Rows):
        return data
    layout = Layout(delimiter, header)
    if isinstance(data, str | os.PathLike):
        if str(data) == "-":
            return _open_standard_input(layout, columns=columns, score=score)
        place = places.find(data)
        if isinstance(place, Path):
            return _open_path(place, str(data), layout, columns=columns, score=score)
        data = place
    if isinstance(data, list | tuple) and data and all(isinstance(item, os.PathLike | Source | Rows) for item in data):
        parts = [open_rows(item, columns=columns, score=score, delimiter=delimiter, header=header) for item in data]
        return parts[0] if len(parts) == 1 else join(parts)
    if layout != PLAIN:
        raise DataError("--delimiter and --no-header say how a file of text is written, and these data are no file")
    if isinstance(data, Source):
        return _open_source(data, columns=columns, score=score)
    dataset = gathered(data, name)
    if isinstance(dataset, list):
        values = dataset
        return Rows(ListTable(values), "the list", lambda: list_digest(values), columns=columns, score=score)
    # The fingerprint has no public name, and hashing the content would read all of it.
    fingerprint = str(dataset._fingerprint)  # pyright: ignore[reportPrivateUsage]
    return Rows(DatasetTable(dataset), "the dataset", lambda: fingerprint, columns=columns, score=score)


def join(parts: Sequence[Rows]) -> Rows:
    """Several data, one after the other. Raises `DataError` if their columns differ."""
    table = JoinedTable(parts)
    rows = Rows(table, table.name, table.digest, columns=table.texts, score=table.score, warning=table.warning)
    rows.parts, rows.ignored, rows.several = tuple(part.name for part in parts), table.ignored, parts[0].several
    rows.named, rows.joined = parts[0].named, tuple(parts)
    return rows


def _open_path(path: Path, name: str, layout: Layout, *, columns: Sequence[str] | None, score: str | None) -> Rows:
    table = open_file(path, name, layout)
    check_layout(name, table, layout, columns)
    return Rows(table, name, lambda: files.sha256_of(path), columns=columns, score=score)


def _open_source(source: Source, *, columns: Sequence[str] | None, score: str | None) -> Rows:
    if source.generate is not None:
        values = sources.generated(source, open_rows)
        table, warning = ListTable(values), source.warning
        return Rows(table, source.name, lambda: list_digest(values), columns=columns, score=score, warning=warning)
    file = sources.locate(source)
    columns, score = columns or file.columns, score or file.score
    table, warning = open_file(file.path, source.name), source.warning
    return Rows(table, source.name, lambda: file.sha256, columns=columns, score=score, warning=warning)


def _open_standard_input(layout: Layout, *, columns: Sequence[str] | None, score: str | None) -> Rows:
    """The rows of standard input, which is kept in a temporary file as long as they or a copy of them live."""
    path = places.saved_standard_input()
    try:
        rows = _open_path(path, places.STANDARD_INPUT, layout, columns=columns, score=score)
    except DataError:
        path.unlink()
        raise
    weakref.finalize(rows.table, path.unlink, missing_ok=True)
    return rows
