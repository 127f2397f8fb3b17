"""Build a search index from texts.

simemb index MODEL INPUT --output DIR
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from simemb import extras
from simemb.commands.inputs import documents, load_finished
from simemb.commands.options import UNPREFIXED, FileLayout, SeveralDevices
from simemb.commands.parsing import parse
from simemb.encoder.precision import Precision

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class BuildIndex:
    """Build a search index: the vectors of texts, with the texts beside them."""

    model: Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """A run directory, a model directory, a hub name, or `mini`, which ships with simemb."""
    input: Positional[Annotated[str, tyro.conf.arg(metavar="INPUT")]]
    """A file, a corpus name, or - for standard input; larger than memory is fine."""
    output: Path
    """The directory of the index."""
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
    options = parse(BuildIndex, words, prog="simemb index", needs=extras.INDEXES)
    from simemb.encoder.limits import check_dim
    from simemb.encoder.streaming import spread
    from simemb.progress import track
    from simemb.search.index import Index
    from simemb.search.storage import check_writable

    check_writable(options.output, overwrite=options.overwrite)
    opened = documents(
        options.input, options.layout, options.column, ids=options.ids, titles=options.titles, kept=options.keep
    )
    texts, ids, metadata = opened.streams_kept()
    encoder = load_finished(options.model, options.pooling, options.place, options.precision)
    check_dim(options.truncate_dim, encoder.dim, "--truncate-dim")
    with spread(encoder, options.place.devices), track("indexing") as advance:
        done = 0

        def progress(total: int) -> None:
            nonlocal done
            advance(total - done)
            done = total

        built = Index.build(
            encoder,
            texts,
            ids=ids,
            metadata=metadata,
            kind=options.kind,
            truncate_dim=options.truncate_dim,
            path=options.output,
            overwrite=options.overwrite,
            progress=progress,
        )
    log.info('%s: %d texts; next: simemb search %s "..."', options.output, len(built), quote(str(options.output)))
