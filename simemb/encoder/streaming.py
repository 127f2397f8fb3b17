"""Texts in, vectors out: the streaming shared by every encoder.

Texts are read in chunks, sorted by length inside a chunk, and computed in batches that hold a constant
number of tokens, so that time and memory per batch do not depend on how long the texts are.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, runtime_checkable

import numpy as np

from simemb.encoder.unit_vectors import unit
from simemb.errors import DataError
from simemb.files import new_file
from simemb.progress import track

log = logging.getLogger("simemb")

CHUNK = 8192
"""Texts that are in memory at once."""
TOKENS = 4096
"""Tokens in one batch: enough to keep the processor busy, few enough to stay in its caches."""
QUIET = 2000
"""No progress bar below so many texts."""

Precision = Literal["float32", "int8"]

Vectors = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Options:
    """The keywords of `Encoder.encode`."""

    normalize: bool = False
    truncate_dim: int | None = None
    batch_size: int | None = None
    progress: bool | None = None

    def __post_init__(self) -> None:
        for name in ("truncate_dim", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise DataError(f"{name} must be at least 1, not {value}")


@runtime_checkable
class TextEncoder(Protocol):
    """What suites and indexes need of an encoder, ours or another library's."""

    @property
    def name(self) -> str:
        """How a person would name it: a path or a hub name."""
        ...

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        ...

    def fingerprint(self) -> str:
        """A hex digest of everything that its vectors depend on."""
        ...

    def encode(
        self,
        texts: str | Iterable[str],
        *,
        normalize: bool = False,
        truncate_dim: int | None = None,
        batch_size: int | None = None,
        progress: bool | None = None,
    ) -> Vectors:
        """Float32 vectors [texts, dim], or [dim] for a single string."""
        ...


@runtime_checkable
class Embeds(Protocol):
    """What the streaming needs of an encoder: its width, its tokenizer, and vectors of token ids."""

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        ...

    def tokenize(self, texts: Sequence[str]) -> tuple[list[Any], int]:
        """Tokens of each text, and how many texts were cut."""
        ...

    def embed(self, sentences: Sequence[Any]) -> Vectors:
        """Vectors of one batch of tokenised texts."""
        ...


def encode(encoder: Embeds, texts: str | Iterable[str], options: Options) -> Vectors:
    """All vectors in memory; see `Encoder.encode`."""
    if isinstance(texts, str):
        return encode(encoder, [texts], options)[0]
    blocks = [vectors for _, vectors in _stream(encoder, texts, options)]
    return np.concatenate(blocks) if blocks else np.zeros((0, _width(encoder, options)), np.float32)


def encode_to_file(encoder: Embeds, texts: Iterable[str], path: Path, options: Options) -> int:
    """Vectors straight to a .npy or .parquet file; see `Encoder.encode_to_file`."""
    writers: dict[str, Callable[[Path, int], _Writer]] = {".npy": _NpyWriter, ".parquet": _ParquetWriter}
    if path.suffix not in writers:
        raise DataError(f"{path}: vectors are written to {' or '.join(writers)}, not to {path.suffix or 'a folder'!r}")
    rows = 0
    try:
        with new_file(path) as partial, writers[path.suffix](partial, _width(encoder, options)) as writer:
            for chunk, vectors in _stream(encoder, texts, options):
                writer.append(chunk, vectors)
                rows += len(chunk)
    except OSError as error:
        # the whole error, since it may name the file that the texts come from
        raise DataError(f"{path}: cannot be written: {error}") from error
    return rows


def _stream(encoder: Embeds, texts: Iterable[str], options: Options) -> Iterator[tuple[list[str], Vectors]]:
    """Chunks of texts with their vectors, in order."""
    total = len(texts) if hasattr(texts, "__len__") else None  # type: ignore[arg-type]
    seen = cut = 0
    with _bar(total, options) as advance:
        for chunk in _chunks(texts):
            tokens, cut_here = encoder.tokenize([_clean(text, seen + row) for row, text in enumerate(chunk)])
            vectors = np.empty((len(chunk), encoder.dim), np.float32)
            budget = getattr(encoder, "batch_tokens", TOKENS)
            for rows in _batches([len(sentence) for sentence in tokens], budget, options.batch_size):
                vectors[rows] = encoder.embed([tokens[row] for row in rows])
                advance(len(rows))
            seen, cut = seen + len(chunk), cut + cut_here
            yield chunk, _finish(vectors, options)
    if cut:
        limit = getattr(encoder, "max_length", "the model's limit of")
        log.warning("%d of %d texts were longer than %s tokens and were cut", cut, seen, limit)


def _bar(total: int | None, options: Options) -> AbstractContextManager[Callable[[int], None]]:
    if options.progress is None and total is not None and total < QUIET:
        return track("encoding", shown=False)
    return track("encoding", total=total, shown=options.progress)


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(texts)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _clean(text: object, row: int) -> str:
    """The text itself; half of a surrogate pair, which no tokenizer takes, becomes U+FFFD."""
    if not isinstance(text, str):
        raise DataError(f"text {row + 1} is {text!r} ({type(text).__name__}), not a string")
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def _batches(lengths: list[int], budget: int, batch_size: int | None) -> Iterator[list[int]]:
    """Rows sorted by length, in groups of at most `budget` tokens and `batch_size` rows."""
    group: list[int] = []
    tokens = 0
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if group and (tokens + lengths[row] > budget or len(group) == batch_size):
            yield group
            group, tokens = [], 0
        group.append(row)
        tokens += lengths[row]
    if group:
        yield group


def _width(encoder: Embeds, options: Options) -> int:
    return min(encoder.dim, options.truncate_dim or encoder.dim)


def _finish(vectors: Vectors, options: Options) -> Vectors:
    if options.truncate_dim is not None:
        vectors = np.ascontiguousarray(vectors[:, : options.truncate_dim])
    if options.normalize:
        vectors = unit(vectors)
    return vectors


@runtime_checkable
class _Writer(Protocol):
    def __enter__(self) -> "_Writer": ...
    def __exit__(self, *error: object) -> None: ...
    def append(self, texts: list[str], vectors: Vectors) -> None: ...


class _NpyWriter:
    """A .npy file that grows: the header is written over with the final shape at the end."""

    def __init__(self, path: Path, width: int):
        self.file: BinaryIO = path.open("wb")
        self.width = width
        self.rows = 0

    def __enter__(self) -> "_NpyWriter":
        self._header()
        return self

    def __exit__(self, *error: object) -> None:
        self.file.seek(0)
        self._header()
        self.file.close()

    def _header(self) -> None:
        # numpy pads the header for 21 digits of rows, so that it keeps its length whatever their number
        shape = (self.rows, self.width)
        np.lib.format.write_array_header_1_0(self.file, {"descr": "<f4", "fortran_order": False, "shape": shape})

    def append(self, texts: list[str], vectors: Vectors) -> None:  # noqa: ARG002
        self.file.write(vectors.astype("<f4", copy=False).data)
        self.rows += len(vectors)


class _ParquetWriter:
    """Columns text (string) and embedding (fixed-size list of float32)."""

    def __init__(self, path: Path, width: int):
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.type = pa.list_(pa.float32(), width)
        self.schema = pa.schema({"text": pa.string(), "embedding": self.type})
        self.writer = pq.ParquetWriter(path, self.schema)

    def __enter__(self) -> "_ParquetWriter":
        return self

    def __exit__(self, *error: object) -> None:
        self.writer.close()

    def append(self, texts: list[str], vectors: Vectors) -> None:
        import pyarrow as pa

        flat = pa.array(vectors.ravel())
        embedding = pa.FixedSizeListArray.from_arrays(flat, type=self.type)
        clean = [text.encode("utf-8", "replace").decode() for text in texts]
        self.writer.write_table(pa.table([pa.array(clean, pa.string()), embedding], schema=self.schema))
