"""The token cache: every text of some rows tokenized once, in an Arrow file that is memory-mapped.

Its key is the content of the rows and of the tokenizer, so runs share it, and nobody has to clear it.
"""

import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow
import pyarrow.ipc
from numpy.typing import NDArray

from simemb.cached_files import cached
from simemb.corpus.rows import Rows
from simemb.encoder.tokenizer import content, tokenize
from simemb.errors import DataError
from simemb.files import cache_folder
from simemb.method.text_augmentations import TextAugmentation
from simemb.progress import track

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FORMAT_VERSION = 1

Chunk = list[tuple[str, ...]]
Result = TypeVar("Result")

# What is in memory while a table is built: rows of short texts, or few rows of long ones.
CHUNK_ROWS = 4096
CHUNK_CHARACTERS = 1_000_000

# A fast tokenizer keeps its truncation as state, so two threads cannot share one; and the second builder
# of the same table finds it ready.
_building = threading.Lock()


@dataclass(frozen=True)
class Reading:
    """How a table reads a column of the rows: with a prompt before its texts, and with changes of these."""

    column: int
    prompt: str = ""
    changes: tuple[TextAugmentation, ...] = ()

    def __call__(self, text: str) -> str:
        """What is tokenized of a text."""
        for change in self.changes:
            text = change(text)
        return self.prompt + text

    @property
    def key(self) -> list[Any]:
        """What tells it from other readings in the key of the cache."""
        return [self.column, self.prompt, *(f"{change!r} {change.version}" for change in self.changes)]


class TokenTable:
    """Token ids of every text, memory-mapped: any row costs the same, and none is copied.

    Attributes:
        path: the Arrow file; where the cache cannot be written it is gone by now, and only mapped.
        columns: the text columns, as in the rows it was made of.
        truncated: how many texts were longer than the maximal length.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        reader = pyarrow.ipc.open_file(pyarrow.memory_map(str(path)))
        self.columns = tuple(reader.schema.names)
        self.truncated = 0
        # One entry a chunk; the views of a column are its offsets and its ids.
        counts: list[int] = []
        self._views: list[list[tuple[NDArray[np.int32], NDArray[np.int32]]]] = [[] for _ in self.columns]
        for number in range(reader.num_record_batches):
            batch, metadata = reader.get_batch_with_custom_metadata(number)
            self.truncated += int(metadata[b"truncated"])
            counts.append(batch.num_rows)
            for views, array in zip(self._views, batch.columns, strict=True):
                views.append((array.offsets.to_numpy(), array.values.to_numpy()))
        self._starts = np.cumsum([0, *counts], dtype=np.int64)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __reduce__(self) -> tuple[type["TokenTable"], tuple[Path]]:
        return TokenTable, (self.path,)  # a worker process maps the file again

    def ids(self, column: int, rows: Sequence[int] | NDArray[np.int64]) -> list[NDArray[np.int32]]:
        """The token ids of one column for some rows, each a read-only view of the file.

        Args:
            column: place in `columns`.
            rows: numbers in [0, len(self)), in any order.

        Raises:
            IndexError: a row is out of range.
        """
        requested = np.asarray(rows, dtype=np.int64)
        if requested.size and (requested.min() < 0 or requested.max() >= len(self)):
            raise IndexError(f"row out of range: {len(self)} rows, asked for {requested.min()} to {requested.max()}")
        chunks = np.searchsorted(self._starts, requested, side="right") - 1
        places = requested - self._starts[chunks]
        views = self._views[column]
        ids: list[NDArray[np.int32]] = []
        for chunk, place in zip(chunks.tolist(), places.tolist(), strict=True):
            offsets, values = views[chunk]
            ids.append(values[offsets[place] : offsets[place + 1]])
        return ids


def token_table(
    rows: Rows,
    tokenizer: "PreTrainedTokenizerBase",
    *,
    max_length: int,
    readings: Sequence[Reading] = (),
    progress: bool = False,
) -> TokenTable:
    """Tokenize every text of `rows`, unless the table is in the cache already ($SIMEMB_CACHE/tokens).

    Special tokens are added, and a text longer than `max_length` is truncated; one that gives no token
    becomes the unknown token. The rows are read as a stream, in constant memory, and the file appears complete
    or not at all; runs that start together wait for the one that makes it. A damaged file is made again, and a cache
    that cannot be written is done without (`simemb.cached_files.cached`).

    Args:
        rows: the texts.
        tokenizer: any tokenizer of transformers.
        max_length: the most tokens of a text, special tokens included.
        readings: the columns of the table; by default the columns of the rows as they are.
        progress: show a bar.

    Raises:
        DataError: a row cannot be used, `max_length` leaves no room for text, or there is no place to write.
    """
    special = tokenizer.num_special_tokens_to_add()
    if max_length <= special:
        adds = f"this tokenizer adds {special} special tokens to every text"
        raise DataError(f"max_length {max_length} leaves no room for text: {adds}; use {special + 1} or more")
    path = cache_folder() / "tokens" / f"{_key(rows, tokenizer, max_length, readings)}.arrow"
    columns = list(readings) or [Reading(column) for column in range(len(rows.columns))]
    with _building:
        make = partial(
            _build, rows=rows, tokenizer=tokenizer, max_length=max_length, columns=columns, progress=progress
        )
        return cached(path, make=make, read=TokenTable)


def _key(rows: Rows, tokenizer: "PreTrainedTokenizerBase", max_length: int, readings: Sequence[Reading]) -> str:
    parts: list[Any] = [FORMAT_VERSION, rows.digest(), content(tokenizer), max_length]
    parts += [[reading.key for reading in readings]] if readings else []
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _build(
    path: Path,
    rows: Rows,
    tokenizer: "PreTrainedTokenizerBase",
    max_length: int,
    columns: Sequence[Reading],
    *,
    progress: bool,
) -> None:
    """columns: those of the table."""
    names = ["".join((each.prompt, rows.columns[each.column], *map(repr, each.changes))) for each in columns]
    schema = pyarrow.schema([(name, pyarrow.list_(pyarrow.int32())) for name in names])

    def tokenized(chunk: Chunk) -> tuple[list[Any], int]:
        of_columns = [
            tokenize([reading(row[reading.column]) for row in chunk], tokenizer, max_length) for reading in columns
        ]
        return [_list_array(ids) for ids, _ in of_columns], sum(count for _, count in of_columns)

    with (
        track(f"tokenizing {rows.name}", unit="rows", shown=progress) as advance,
        pyarrow.OSFile(str(path), "wb") as sink,
        pyarrow.ipc.new_file(sink, schema) as writer,
    ):
        for arrays, truncated in _prefetch(tokenized, _chunks(rows)):
            batch = pyarrow.record_batch(arrays, schema=schema)
            writer.write_batch(batch, custom_metadata={"truncated": str(truncated)})
            advance(batch.num_rows)


def _prefetch(work: Callable[[Chunk], Result], chunks: Iterator[Chunk]) -> Iterator[Result]:
    """`work(chunk)` for each chunk, computed in a thread while this one reads the next chunk and writes the last."""
    with ThreadPoolExecutor(1) as thread:
        futures: deque[Future[Result]] = deque()
        for chunk in chunks:
            futures.append(thread.submit(work, chunk))
            if len(futures) == 3:  # one computing, one ready to compute, one to write
                yield futures.popleft().result()
        for future in futures:
            yield future.result()


def _chunks(rows: Rows) -> Iterator[Chunk]:
    chunk: Chunk = []
    characters = 0
    for texts in rows.texts():
        chunk.append(texts)
        characters += sum(map(len, texts))
        if len(chunk) == CHUNK_ROWS or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _list_array(ids: list[list[int]]) -> Any:
    offsets = np.zeros(len(ids) + 1, dtype=np.int32)
    np.cumsum([len(row) for row in ids], out=offsets[1:])
    values = np.fromiter(chain.from_iterable(ids), np.int32, count=int(offsets[-1]))
    return pyarrow.ListArray.from_arrays(offsets, values)
