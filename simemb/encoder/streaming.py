"""Streams of texts to vectors: `encode` and `encode_to_file`, which all encoders share, and the encoders' protocols.

Texts are read in chunks, sorted by length within a chunk, and computed in batches (`simemb.encoder.batching`), here or
by a crew of processes (`simemb.encoder.crew`).
"""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np

from simemb.arguments import checked
from simemb.devices import CPU
from simemb.encoder import batching
from simemb.encoder.crew import Crew, crew_of
from simemb.encoder.limits import check_dim
from simemb.encoder.prompted import Prompted
from simemb.encoder.prompts import resolve
from simemb.encoder.unit_vectors import refuse_infinite, unit
from simemb.encoder.unknown_tokens import UnknownTokens
from simemb.encoder.vector_files import Vectors, write_blocks, writer_for
from simemb.errors import DataError, DeviceError
from simemb.progress import track
from simemb.texts import Texts, check_values, whole

log = logging.getLogger("simemb")

QUIET = 2000
"""Below this number of texts there is no progress bar by default."""

Devices = str | Sequence[str | int]
"""The devices of several processes: "all", a list as ["cuda:0", "cuda:1"], [0, 1] or ["cpu", "cpu"], or its items
between commas."""

EmbedEach = Callable[[Iterable[Sequence[Any]], str], Iterator[tuple[int, Vectors]]]
"""Vectors of each batch of tokens after a prompt, with the number of the batch."""
Precision = Literal["float32", "int8"]


@dataclass(frozen=True)
class Options:
    """The keywords of `Encoder.encode`."""

    normalize: bool = False
    truncate_dim: int | None = None
    batch_size: int | None = None
    progress: bool | None = None
    prompt: str = ""
    devices: Devices | None = None

    def __post_init__(self) -> None:
        for name in ("truncate_dim", "batch_size"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise DataError(f"{name} must be at least 1, not {value}")


@runtime_checkable
class TextEncoder(Protocol):
    """An encoder as suites and indexes use it, whichever library computes its vectors."""

    @property
    def name(self) -> str:
        """A path or a hub name."""
        ...

    @property
    def dim(self) -> int:
        """Length of its vectors."""
        ...

    def fingerprint(self) -> str:
        """A hexadecimal digest of everything that its vectors depend on."""
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
    """What `Encodes` needs of its class: the length of the vectors, and texts to tokens to vectors."""

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        ...

    prompts: Mapping[str, str]
    """Its prompts by name."""
    default_prompt: str | None
    """The name of the prompt that is taken if none is asked for."""

    def tokenize(self, texts: Sequence[str], prompt: str = "") -> tuple[list[Any], int]:
        """Tokens of each text after the prompt, and the number of truncated texts."""
        ...

    def embed(self, sentences: Sequence[Any], prompt: str = "") -> Vectors:
        """Vectors of one batch of texts that were tokenized with this prompt."""
        ...


class Encodes(Prompted):
    """Mixin: `encode` and `encode_to_file` for every class that tokenizes and embeds (`Embeds`)."""

    crew: Crew | None = None
    """The processes that compute in its place, within `spread`."""

    @property
    def places(self) -> tuple[str, ...]:
        """The devices on which it encodes."""
        return self.crew.devices if self.crew else (str(getattr(self, "device", CPU)),)

    @checked
    @contextmanager
    def spread(self, devices: Devices) -> Generator[Self, None, None]:
        """Inside this context every text is encoded by processes of their own, one for each device.

        devices: "all" (every GPU), a list as ["cuda:0", "cuda:1"], [0, 1] or ["cpu", "cpu"], or its items between
        commas. Processes on the CPU share its threads. They compute the batches that one process would make, so the
        vectors are the same up to rounding. Each holds a copy of the encoder, as it is now. Raises `DeviceError` for a
        device that is not there, and where a process fails.
        """
        if self.crew is not None:
            raise DeviceError(f"the encoder is spread already, over {', '.join(self.places)}")
        with crew_of(self, devices) as self.crew:
            try:
                yield self
            finally:
                self.crew = None

    @checked
    def encode(
        self: Embeds,
        texts: str | Iterable[str],
        *,
        normalize: bool = False,
        truncate_dim: int | None = None,
        batch_size: int | None = None,
        progress: bool | None = None,
        prompt: str | None = None,
        prompt_name: str | None = None,
        devices: Devices | None = None,
    ) -> Vectors:
        """Float32 vectors [texts, dim] in the order of the texts, or [dim] for a single string.

        texts: one string, or strings in an order, of any number: a list, an iterator, a column of `datasets`, pandas or
        pyarrow, an array of NumPy. normalize: scale each vector to length 1. truncate_dim: keep only the first
        dimensions (before normalizing), at most `dim`. batch_size: the most texts in a batch; by default only the
        tokens in a batch are limited. progress: show a bar with rate and time left; by default in a terminal, for
        `QUIET` texts or more. Texts longer than `max_length` tokens are truncated, and one warning counts them; another
        says that the vocabulary does not know the texts (`simemb.encoder.unknown_tokens`). prompt: a text to put before
        each text; prompt_name: one of the model's own prompts, by its name; by default the model's default prompt, if
        it has one. devices: processes for this call alone (see `spread`). Raises `ArgumentError` for what does not hold
        texts in an order (a data frame, a dict, a set), and `DataError` for a text that is missing or no string.
        """
        options = Options(normalize, truncate_dim, batch_size, progress, _prompt(self, prompt, prompt_name), devices)
        several = Texts([texts] if isinstance(texts, str) else texts)
        width = _width(self, options)
        blocks = [vectors for _, vectors in stream(self, several, options)]
        vectors = np.concatenate(blocks) if blocks else np.zeros((0, width), np.float32)
        return vectors[0] if isinstance(texts, str) else vectors

    @checked
    def encode_to_file(
        self: Embeds,
        texts: Iterable[str],
        path: str | Path,
        *,
        overwrite: bool = False,
        ids: Iterable[str] | None = None,
        normalize: bool = False,
        truncate_dim: int | None = None,
        batch_size: int | None = None,
        progress: bool | None = None,
        prompt: str | None = None,
        prompt_name: str | None = None,
        devices: Devices | None = None,
    ) -> int:
        """Like `encode`, but streaming: any number of texts in constant memory; returns the number of texts.

        path: .npy (float32 [texts, dim], read with `numpy.load(path, mmap_mode="r")`) or .parquet (columns text and
        embedding). overwrite: replace an existing file. ids: one for each text, kept in .parquet as the column id. The
        file appears only when it is complete. Raises `DataError` if it exists (without `overwrite`) or cannot be
        written, `BusyError` if another process is writing it.
        """
        options = Options(normalize, truncate_dim, batch_size, progress, _prompt(self, prompt, prompt_name), devices)
        path, several = Path(path), Texts(texts)
        if ids is not None:
            check_values(ids, "ids", "a list of strings, one for each text")
        writer, width = writer_for(path), _width(self, options)
        blocks = stream(self, several, options)
        return write_blocks(blocks, path, lambda partial: writer(partial, width), overwrite=overwrite, ids=ids)


def stream(encoder: Embeds, texts: Texts, options: Options) -> Iterator[tuple[list[str], Vectors]]:
    """Chunks of texts with their vectors, in order."""
    count = truncated = broken = 0
    unknown = UnknownTokens(encoder)
    with _bar(texts.total, options) as advance, _embedding(encoder, options) as embed_each:
        for chunk in batching.chunks(texts):
            clean = [whole(text) for text in chunk]
            broken += sum(one != other for one, other in zip(clean, chunk, strict=True))
            tokens, truncated_here = (
                encoder.tokenize(clean, options.prompt) if options.prompt else encoder.tokenize(clean)
            )
            unknown.add(clean, tokens)
            vectors = np.empty((len(chunk), encoder.dim), np.float32)
            budget = getattr(encoder, "batch_tokens", batching.TOKENS)
            batches = list(batching.batches([len(sentence) for sentence in tokens], budget, options.batch_size))
            for number, embedded in embed_each(([tokens[row] for row in rows] for rows in batches), options.prompt):
                vectors[batches[number]] = embedded
                advance(len(embedded))
            refuse_infinite(vectors, chunk, getattr(encoder, "name", "the encoder"))
            count, truncated = count + len(chunk), truncated + truncated_here
            yield chunk, _finish(vectors, options)
    if broken:
        log.warning("%d of %d texts hold half of a surrogate pair: U+FFFD is read in its place", broken, count)
    if truncated:
        limit = getattr(encoder, "max_length", "the model's limit of")
        log.warning("%d of %d texts were longer than %s tokens and were cut", truncated, count, limit)


def spread(encoder: Any, devices: Devices | None) -> AbstractContextManager[Any]:
    """The encoder within `Encodes.spread`, or as it is if there are no devices. Raises `DeviceError`."""
    if devices is None:
        return nullcontext(encoder)
    if not isinstance(encoder, Encodes):
        raise DeviceError(f"{encoder.name} is of another library, which has no processes on several devices")
    return encoder.spread(devices)


@contextmanager
def _embedding(encoder: Any, options: Options) -> Generator[EmbedEach, None, None]:
    """The function that computes batches: that of a crew, or one that computes them here."""
    with spread(encoder, options.devices):
        crew: Crew | None = getattr(encoder, "crew", None)
        yield crew.embed_each if crew else partial(_embed_each, encoder)


def _embed_each(encoder: Embeds, batches: Iterable[Sequence[Any]], prompt: str) -> Iterator[tuple[int, Vectors]]:
    return enumerate(encoder.embed(batch, prompt) for batch in batches)


def _prompt(encoder: Embeds, prompt: str | None, name: str | None) -> str:
    return resolve(encoder.prompts, encoder.default_prompt, prompt, name)


def _bar(total: int | None, options: Options) -> AbstractContextManager[Callable[[int], None]]:
    if options.progress is None and total is not None and total < QUIET:
        return track("encoding", shown=False)
    return track("encoding", total=total, shown=options.progress)


def _width(encoder: Embeds, options: Options) -> int:
    """The length of the vectors that were asked for. Raises `DataError` if the encoder's are shorter."""
    check_dim(options.truncate_dim, encoder.dim)
    return options.truncate_dim or encoder.dim


def _finish(vectors: Vectors, options: Options) -> Vectors:
    if options.truncate_dim is not None:
        vectors = np.ascontiguousarray(vectors[:, : options.truncate_dim])
    if options.normalize:
        vectors = unit(vectors)
    return vectors
