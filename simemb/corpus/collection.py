"""Collections: the documents of one or many files in a row, of which any range can be read.

Processes that share the work on a corpus agree on the number of every document through this order: files by name, and
in a file the order of its records.
"""

import glob
import hashlib
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import accumulate, islice
from pathlib import Path

from simemb.arguments import home
from simemb.corpus.documents import Document, Documents, open_documents
from simemb.corpus.folders import files_of
from simemb.corpus.remote import Copies, facts_of, files_at, is_uri
from simemb.errors import DataError

Data = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
"""A file, a folder, a pattern or a corpus, by its name; or several of them."""


@dataclass(frozen=True)
class Columns:
    """How the documents of each file are read; see `simemb.corpus.documents.open_documents`."""

    column: str | None = None
    ids: str | None = None
    titles: str | None = None
    delimiter: str | None = None
    header: bool = True


@dataclass(frozen=True)
class Part:
    """One file of a collection: its name, size in bytes, time of change (ns), SHA-256 and number of documents.

    A corpus that is made in memory has neither size nor time.
    """

    name: str
    bytes: int
    modified: int
    sha256: str
    count: int


class Collection:
    """The documents of a file, of a folder, of a pattern, of a corpus, of a URI (s3://...), or of a list of these.

    Every file is read once for its SHA-256 and, where its format does not say it, for its number of documents. A file
    whose size and time of change are those of a part that is known already is not.

    Attributes:
        name: what messages call it.
        parts: its files, in the order of the documents.
        has_ids: whether the documents have ids; they have in all files, or in none.
    """

    def __init__(
        self,
        data: Data,
        columns: Columns | None = None,
        *,
        known: Sequence[Part] = (),
    ) -> None:
        """known: parts of an earlier look at the same files.

        Raises:
            DataError: there is no such data, or a file cannot be read; standard input, which can be read once.
        """
        several = [data] if isinstance(data, str | os.PathLike) else list(data)
        if not several or "-" in several:
            raise DataError(
                f"data must name files, not {'standard input' if several else 'nothing'}: they are read again"
            )
        self._data = [file for item in several for file in _files(item)]
        self._copies = Copies()
        self.name = str(several[0]) if len(several) == 1 else f"{several[0]} and {len(several) - 1} more"
        self._columns, self._known = columns or Columns(), {part.name: part for part in known}
        self.first = self._open(0)
        self.has_ids = self.first.id is not None
        self.parts = tuple(self._part(place) for place in range(len(self._data)))
        self._starts = [0, *accumulate(part.count for part in self.parts)]

    @property
    def count(self) -> int:
        """How many documents there are."""
        return self._starts[-1]

    def digest(self) -> str:
        """A SHA-256: equal digests mean equal documents in the same order."""
        content = [(part.sha256, part.count) for part in self.parts]
        return hashlib.sha256(repr((content, astuple(self._columns))).encode()).hexdigest()

    def documents(self, start: int = 0) -> Iterator[Document]:
        """The documents from a position on, counted from 0.

        Raises:
            DataError: a record cannot be read, or has no text or no id; says which.
        """
        place = bisect_right(self._starts, start) - 1
        for part in range(place, len(self.parts)):
            documents = self._open(part)
            yield from documents.part(max(0, start - self._starts[part]), self.parts[part].count)

    def sample(self, size: int) -> list[str]:
        """About `size` texts: the first ones of every part, each in proportion to its documents."""
        shares = [-(-size * part.count // max(1, self.count)) for part in self.parts]
        return [
            document.text
            for place, share in enumerate(shares)
            if share
            for document in self._open(place).part(0, min(share, self.parts[place].count))
        ][:size]

    def _open(self, place: int) -> Documents:
        data = self._data[place]
        source = self._copies.copy_of(str(data)) if is_uri(data) else data
        documents = open_documents(source, **vars(self._columns))
        if place and (documents.id is not None) != self.has_ids:
            there, here = ("ids", "none") if self.has_ids else ("no ids", "some")
            raise DataError(f"{self.first.name} has {there} and {documents.name} {here}: --ids none leaves them out")
        return documents

    def _part(self, place: int) -> Part:
        data = self._data[place]
        size, modified = _facts(data)
        known = self._known.get(str(data))
        if known is not None and modified and (known.bytes, known.modified) == (size, modified):
            return known
        documents = self._open(place) if place else self.first
        return Part(str(data), size, modified, documents.checksum(), documents.count())


def absolute(data: Data) -> Data:
    """The same data for a process in another folder: files, folders and patterns by their absolute paths."""
    if not isinstance(data, str | os.PathLike):
        return [str(absolute(item)) for item in data]
    place = Path(home(os.fspath(data)))
    is_local = place.exists() or glob.has_magic(str(place))
    return str(place.absolute()) if is_local and not is_uri(data) else data


def _files(item: str | os.PathLike[str]) -> Sequence[str | os.PathLike[str]]:
    """The files of one of the data; itself, if it is a file or a corpus."""
    return files_at(str(item)) if is_uri(item) else files_of(item) or [item]


def _facts(data: str | os.PathLike[str]) -> tuple[int, int]:
    """The size of a file in bytes and the time of its change in ns; 0 and 0 of what is no file."""
    if is_uri(data):
        return facts_of(str(data))
    file = Path(home(os.fspath(data)))
    return (file.stat().st_size, file.stat().st_mtime_ns) if file.is_file() else (0, 0)


class Reader:
    """Ranges of a collection; one that begins where the last one ended is read on, and nothing is skipped again."""

    def __init__(self, collection: Collection) -> None:
        self._collection, self._at = collection, -1
        self._stream: Iterator[Document] = iter(())

    def documents(self, start: int, stop: int) -> Iterator[Document]:
        """The documents of positions `start` to `stop` - 1.

        Raises:
            DataError: as `Collection.documents`; or an id comes twice in this range, or the file has changed.
        """
        if start < self._at or self._at < 0 or (start > self._at and self._collection.first.seekable):
            self._stream, self._at = self._collection.documents(start), start
        for _ in islice(self._stream, start - self._at):
            self._at += 1
        seen = set[str]()
        for document in islice(self._stream, stop - start):
            if document.id is not None and document.id in seen:
                raise DataError(
                    f"{self._collection.name}: the id {document.id!r} occurs twice; --ids none leaves them out"
                )
            seen |= {document.id} if document.id is not None else set()
            self._at += 1
            yield document
        if self._at != stop:
            raise DataError(
                f"{self._collection.name}: ends after {self._at} of {self._collection.count} texts: changed?"
            )
