"""Rows: named columns of text, read as a stream from any file, corpus, dataset or list a user has.

`simemb.corpus.formats` reads each file format, `simemb.corpus.in_memory` what is in memory already, and
`simemb.corpus.columns` chooses the column for each role.
"""

import hashlib
import math
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from simemb import files
from simemb.corpus import sources
from simemb.corpus.blanks import BlankFilter
from simemb.corpus.columns import choose
from simemb.corpus.formats import open_file
from simemb.corpus.in_memory import DatasetTable, ListTable, as_dataset, list_digest
from simemb.corpus.sources import Source
from simemb.corpus.table import Record, Table, kind_of
from simemb.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

    Data = str | os.PathLike[str] | Source | Sequence[str] | Sequence[tuple[str | float, ...]] | Dataset


class Rows:
    """Named columns of text that can be read any number of times, always the same.

    Attributes:
        name: what messages call the data.
        columns: the text columns in role order: anchor, positive, negative.
        score: the score or label column, or None.
        ignored: the columns that play no role.
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
        self._table, self._content = table, cache(content)
        self._without_blanks = BlankFilter(name, table.unit)
        self.name, self.warning = name, warning
        choice = choose(name, table, columns, score)
        self.columns, self.score, self.ignored = choice.text, choice.score, choice.ignored
        if next(self._records(self.columns), None) is None:
            raise DataError(f"{name} has no rows")

    def texts(self) -> Iterator[tuple[str, ...]]:
        """The texts of every row, one for each of `columns`.

        Raises:
            DataError: a row cannot be read, or a text is missing or not text; says which.
        """
        for number, cells in self._records(self.columns):
            yield self._texts(number, cells)

    def scored(self) -> Iterator[tuple[str, str, float]]:
        """Anchor, positive and score of every row.

        Raises:
            DataError: there are no two text columns or no score, or a score is not a finite number.
        """
        if self.score is None or len(self.columns) < 2:
            raise DataError(f"{self.name}: scored pairs need two text columns and a score (it has: {self._has()})")
        for number, (*pair, score) in self._records((*self.columns[:2], self.score)):
            anchor, positive = self._texts(number, pair)
            yield anchor, positive, self._score(number, score)

    def labeled(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The texts of every row, one for each of `columns`, and its label: the word or whole number in `score`.

        Raises:
            DataError: there is no label column, or a row has no label.
        """
        if self.score is None:
            raise DataError(f"{self.name}: labeled texts need a column label (it has: {self._has()})")
        for number, (*texts, label) in self._records((*self.columns, self.score)):
            yield self._texts(number, texts), self._label(number, label)

    def checksum(self) -> str:
        """The SHA-256 of the file, or of the values of a list."""
        return self._content()

    def digest(self) -> str:
        """The SHA-256 of the content and the chosen columns: equal digests mean equal rows.

        The first call reads the whole content; the result is remembered, since rows are always the same.
        """
        identity = repr((self._content(), self.columns, self.score))
        return hashlib.sha256(identity.encode()).hexdigest()

    def records(self, columns: Sequence[str]) -> Iterator[Record]:
        """Every record as the file has it: its number and the cells of any columns, None for a blank line."""
        return self._table.records(columns)

    @property
    def skipped(self) -> int:
        """How many blank lines the last complete pass left out."""
        return self._without_blanks.left_out

    @property
    def unit(self) -> str:
        """What the numbers of records count: "line" or "row"."""
        return self._table.unit

    @property
    def every_column(self) -> tuple[str, ...]:
        """All columns of the data, in their order."""
        return self._table.columns

    def _records(self, columns: Sequence[str]) -> Iterator[tuple[int, tuple[object, ...]]]:
        return self._without_blanks(self._table.records(columns))

    def _texts(self, number: int, cells: Sequence[object]) -> tuple[str, ...]:
        return tuple(self.text_of(number, column, value) for column, value in zip(self.columns, cells, strict=False))

    def text_of(self, number: int, column: str, value: object) -> str:
        """The cell of a record as text. Raises `DataError` if it is not text, or not text that has an encoding."""
        if not isinstance(value, str):
            raise DataError(f"{self._place(number, column)}: {kind_of(value):.60} where text is needed")
        if not value.isascii() and _has_surrogate(value):
            raise DataError(f"{self._place(number, column)}: a lone surrogate in {value!r:.60}")
        return value

    def _score(self, number: int, value: object) -> float:
        try:
            score = float(value) if isinstance(value, str | int | float | Decimal) else math.nan
        except ValueError:
            score = math.nan
        if isinstance(value, bool) or not math.isfinite(score):
            raise DataError(f"{self._place(number, self.score)}: {str(value)!r:.60} is not a finite number")
        return score

    def _label(self, number: int, value: object) -> str:
        if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
            value = int(value)
        label = str(value).strip() if isinstance(value, str | int) else ""
        if not label:
            kind = "nothing" if isinstance(value, str) else kind_of(value)
            raise DataError(f"{self._place(number, self.score)}: {kind:.60} where a label is needed")
        return label

    def _has(self) -> str:
        return ", ".join((*self.columns, *self.ignored, *filter(None, [self.score])))

    def _place(self, number: int, column: str | None) -> str:
        return f"{self.name}, {self._table.unit} {number}, column {column!r}"


def open_rows(data: "Data", *, columns: Sequence[str] | None = None, score: str | None = None) -> Rows:
    r"""Open data of any kind as rows of text; nothing is read before it is needed.

    Args:
        data: a path (.txt: one sentence a line; .csv: RFC 4180; .tsv: separated by tabs, quotes literal;
            .jsonl: one object a line; .parquet; the text formats also .gz), "-" for lines of text from
            standard input, the name of a corpus or a `Source`, a `datasets.Dataset`, or a list of texts or
            of tuples of texts (a number at the end of the tuples is the score).
        columns: the text columns in role order (anchor, positive, negative); a score column may be among
            them. Without it, recognized names fill the roles: for the anchor sentence, text, anchor,
            premise, query, question, sentence1, sent0 ...; for the positive positive, hypothesis,
            entailment, answer, sentence2, sent1 ...; for the negative negative, hard_neg, contradiction,
            sent2 ... If no name is recognized, one to three text columns are taken in order, with a notice.
            Case does not matter; other columns are ignored and listed in `Rows.ignored`.
        score: the score column. Without it: score, similarity, similarity_score, relatedness_score, label.

    A blank line is left out, an empty text in a row is kept, and one notice each counts them after the first pass;
    `simemb.corpus.documents` keeps both in their place. A missing text (null) and a lone surrogate in JSON are
    refused, because no encoder can make sense of them.

    Raises:
        DataError: the data do not exist, are empty, or cannot be used; says where and what is allowed.

    >>> rows = open_rows([("A dog runs.", "A dog is running.", 4.8)])
    >>> rows.columns, rows.score, list(rows.scored())
    (('sentence1', 'sentence2'), 'score', [('A dog runs.', 'A dog is running.', 4.8)])
    """
    if isinstance(data, str) and data == "-":
        return _open_standard_input(columns=columns, score=score)
    if isinstance(data, str | os.PathLike):
        place = _path_or_source(data)
        if isinstance(place, Path):
            return _open_path(place, str(data), columns=columns, score=score)
        data = place
    if isinstance(data, Source):
        return _open_source(data, columns=columns, score=score)
    if isinstance(data, list | tuple):
        values = cast(Sequence[object], data)
        table = ListTable(values)
        return Rows(table, "the list", lambda: list_digest(values), columns=columns, score=score)
    dataset = as_dataset(data)
    # The fingerprint has no public name, and hashing the content would read all of it.
    fingerprint = str(dataset._fingerprint)  # pyright: ignore[reportPrivateUsage]
    return Rows(DatasetTable(dataset), "the dataset", lambda: fingerprint, columns=columns, score=score)


def _path_or_source(data: str | os.PathLike[str]) -> Path | Source:
    """An existing file wins over a corpus, a corpus over a directory of the same name."""
    path = Path(data)
    if path.is_file():
        return path
    if str(data) in sources.corpora():
        return sources.get(str(data))
    if path.is_dir():
        raise DataError(f"{data} is a directory: name a file in it")
    if path.exists():
        return path
    siblings = [str(file) for file in path.parent.iterdir()] if path.parent.is_dir() else []
    names = [*siblings, *sources.corpora()]
    near = get_close_matches(str(path), names, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]!r}?" if near else f"it must be a file, - or a corpus ({_corpora()})"
    raise DataError(f"no file or corpus {str(data)!r}: {hint}")


def _corpora() -> str:
    return ", ".join(sources.corpora())


def _open_path(path: Path, name: str, *, columns: Sequence[str] | None, score: str | None) -> Rows:
    return Rows(open_file(path, name), name, lambda: files.sha256_of(path), columns=columns, score=score)


def _open_source(source: Source, *, columns: Sequence[str] | None, score: str | None) -> Rows:
    if source.generate is not None:
        values = _generate(source, source.generate)
        table, warning = ListTable(values), source.warning
        return Rows(table, source.name, lambda: list_digest(values), columns=columns, score=score, warning=warning)
    file = sources.locate(source)
    columns, score = columns or file.columns, score or file.score
    table, warning = open_file(file.path, source.name), source.warning
    return Rows(table, source.name, lambda: file.sha256, columns=columns, score=score, warning=warning)


def _generate(source: Source, generate: Callable[..., Sequence[object]]) -> Sequence[object]:
    """The rows of a corpus that is made in memory; an error in one of its parts names the corpus too."""
    try:
        return generate(*map(open_rows, source.parts))
    except DataError as error:
        raise DataError(f"corpus {source.name!r} is made of others: {error}") from None


def _open_standard_input(*, columns: Sequence[str] | None, score: str | None) -> Rows:
    """Standard input can be read only once, so it is kept in a temporary file as long as the rows live."""
    handle, name = tempfile.mkstemp(suffix=".txt", prefix="simemb-")
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    path = Path(name)
    try:
        rows = _open_path(path, "standard input", columns=columns, score=score)
    except DataError:
        path.unlink()
        raise
    weakref.finalize(rows, path.unlink, missing_ok=True)
    return rows


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
