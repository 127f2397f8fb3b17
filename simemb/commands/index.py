"""Build a search index from texts.

simemb index MODEL INPUT --output DIR
"""

import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro
from tyro.conf import Positional

from simemb import extras
from simemb.commands.inputs import documents, load_finished
from simemb.commands.options import UNPREFIXED, FileLayout, SeveralDevices
from simemb.commands.parsing import UsageError, parse
from simemb.encoder.precision import Precision
from simemb.errors import unknown
from simemb.progress import track

if TYPE_CHECKING:
    from simemb.corpus.documents import Documents

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class BuildIndex:
    """Build a search index: the vectors of texts, with the texts beside them."""

    model: Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """A run directory, a model directory, a hub name, or `mini`, which ships with simemb. Without INPUT, a folder of
    vectors that `simemb encode` made: they are not computed again."""
    output: Path
    """The directory of the index; of LanceDB the table, as texts.lance."""
    input: Positional[Annotated[str | None, tyro.conf.arg(metavar="INPUT")]] = None
    """A file, a corpus name, or - for standard input; larger than memory is fine."""
    to: Literal["faiss", "lancedb"] = "faiss"
    """faiss: an index of simemb. lancedb: a table of LanceDB, with the other columns of INPUT beside the texts."""
    column: Annotated[str | None, tyro.conf.arg(aliases=["--columns"])] = None
    """The column to index; by default the first text column, and title before it."""
    ids: str | None = None
    """The column of the ids that search shows; by default _id or id where there is one. none: lines are numbered."""
    titles: str | None = None
    """The column of the titles, which go before the texts; by default title where there is one. none: no titles."""
    keep: tuple[str, ...] = ()
    """Columns to keep beside the texts, for `simemb search --where`; all: every one that plays no other role."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    kind: Literal["auto", "exact", "flat", "hnsw", "ivf", "ivfpq", "sq8", "binary"] = "auto"
    """exact (or flat) looks at every vector, ivf at those in the cells nearest to the query; auto takes exact up to
    100,000 texts and ivf above. ivfpq, sq8 and binary look at codes of a 16th, a 4th and a 32nd of the vectors' size,
    then at the vectors of the best. hnsw follows a graph."""
    truncate_dim: int | None = None
    """Keep this many of the first dimensions; `search` does the same by itself."""
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default that of the model."""
    place: Annotated[SeveralDevices, UNPREFIXED] = field(default_factory=SeveralDevices)
    precision: Precision | None = None
    """float32; bf16 or fp16, half precision, where there is one; int8, on a CPU; or auto, half precision where its
    vectors agree. By default float32 on a CPU, and auto on a GPU."""
    overwrite: bool = False
    """Replace an existing index."""


def run(words: list[str]) -> None:
    """`simemb index MODEL INPUT --output DIR`."""
    options = parse(BuildIndex, words, prog="simemb index")
    _check(options)
    with track("indexing") as advance:
        build = _build_table if options.to == "lancedb" else _build_index
        count = build(options, _Progress(advance))
    log.info('%s: %d texts; next: simemb search %s "..."', options.output, count, quote(str(options.output)))


def _check(options: BuildIndex) -> None:
    """Refuse what cannot be done, before anything is read or loaded."""
    from simemb.search import lance, storage

    extras.need("simemb index", extras.LANCEDB if options.to == "lancedb" else extras.INDEXES)
    if options.input is None:
        _check_vectors(options)
    if options.to == "lancedb":
        lance.check_writable(options.output, overwrite=options.overwrite)
        if options.kind not in lance.KINDS:
            raise UsageError(unknown("value of --kind with --to lancedb", options.kind, lance.KINDS))
    else:
        storage.check_writable(options.output, overwrite=options.overwrite)


def _check_vectors(options: BuildIndex) -> None:
    """Refuse options about texts and an encoder where vectors are there already."""
    from simemb.encoder.vector_folder import holds_shards

    if not holds_shards(Path(options.model)):
        folder = f"a folder of vectors that simemb encode made, which {options.model} is not"
        raise UsageError(f"missing: INPUT, the texts; or give {folder}")
    names = ("column", "ids", "titles", "keep", "pooling", "precision")
    given = [name for name in names if getattr(options, name) not in (None, ())]
    if given:
        raise UsageError(f"--{given[0]} is for encoding, and {options.model} holds vectors that are encoded already")


def _common(options: BuildIndex) -> dict[str, Any]:
    """The arguments that every way to build takes."""
    return {"kind": options.kind, "truncate_dim": options.truncate_dim, "overwrite": options.overwrite}


def _build_index(options: BuildIndex, progress: "_Progress") -> int:
    from simemb.search.encoded import index_vectors
    from simemb.search.index import Index

    common = _common(options)
    if options.input is None:
        return len(index_vectors(options.model, options.output, progress=progress, **common))
    with _source(options) as (encoder, opened):
        texts, ids, metadata = opened.streams_kept()
        built = Index.build(
            encoder, texts, ids=ids, metadata=metadata, path=options.output, progress=progress, **common
        )
        return len(built)


def _build_table(options: BuildIndex, progress: "_Progress") -> int:
    from simemb.search.encoded import table_of_vectors
    from simemb.search.lance import build_table

    common = _common(options)
    if options.input is None:
        return table_of_vectors(options.model, options.output, progress=progress, **common)
    with _source(options) as (encoder, opened):
        texts, ids, metadata = opened.streams_kept()
        return build_table(encoder, texts, options.output, ids=ids, metadata=metadata, progress=progress, **common)


@contextmanager
def _source(options: BuildIndex) -> Generator[tuple[Any, "Documents"]]:
    """The encoder, on its devices, and the texts."""
    from simemb.encoder.limits import check_dim
    from simemb.encoder.streaming import spread

    assert options.input is not None
    names: dict[str, Any] = {"ids": options.ids, "titles": options.titles}
    kept = options.keep or (("all",) if options.to == "lancedb" else ())
    opened = documents(options.input, options.layout, options.column, **names, kept=kept)
    encoder = load_finished(options.model, options.pooling, options.place, options.precision)
    check_dim(options.truncate_dim, encoder.dim, "--truncate-dim")
    with spread(encoder, options.place.devices):
        yield encoder, opened


@dataclass
class _Progress:
    """A bar that is told how many texts are done in all."""

    advance: Callable[[int], None]
    done: int = 0

    def __call__(self, total: int) -> None:
        self.advance(total - self.done)
        self.done = total
