"""What the verbs that look at a whole corpus share: `dedupe`, `cluster` and `pairs`."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from simemb.commands.inputs import documents, load_finished
from simemb.commands.options import UNPREFIXED, FileLayout, SeveralDevices
from simemb.commands.parsing import UsageError
from simemb.encoder.precision import Precision

if TYPE_CHECKING:
    from simemb.search.index import Index


@dataclass(frozen=True)
class Corpus:
    """The options of INPUT: texts and the model that encodes them, or an index, which has vectors already."""

    model: str | None = None
    """A run directory, a model directory or a hub name; by default mini. Not for an index."""
    column: Annotated[str | None, tyro.conf.arg(aliases=["--columns"])] = None
    """The column of the texts; by default the first text column, and title before it."""
    ids: str | None = None
    """The column of the ids; by default _id or id where there is one. none: lines are numbered."""
    titles: str | None = None
    """The column of the titles, which go before the texts; by default title where there is one. none: no titles."""
    layout: Annotated[FileLayout, UNPREFIXED] = field(default_factory=FileLayout)
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default that of the model."""
    place: Annotated[SeveralDevices, UNPREFIXED] = field(default_factory=SeveralDevices)
    precision: Precision | None = None
    """float32; bf16 or fp16, half precision, where there is one; int8, on a CPU; or auto, half precision where its
    vectors agree. By default float32 on a CPU, and auto on a GPU."""


@contextmanager
def opened(source: str, options: Corpus, output: Path | None, keep: tuple[str, ...] = ()) -> Generator["Index"]:
    """The index of INPUT; one that is made of texts is gone after the block."""
    from simemb.encoder.streaming import spread
    from simemb.search import corpus_index

    if corpus_index.is_index(source):
        chosen = {"--model": options.model, "--column": options.column, "--ids": options.ids, "--keep": keep or None}
        if given := next((name for name, value in chosen.items() if value is not None), None):
            raise UsageError(f"{source} is an index, which has its vectors, ids and columns already: leave {given} out")
        with corpus_index.opened(source) as index:
            yield index
        return
    texts = documents(source, options.layout, options.column, ids=options.ids, titles=options.titles, kept=keep)
    encoder = load_finished(options.model or "mini", options.pooling, options.place, options.precision)
    with (
        spread(encoder, options.place.devices),
        corpus_index.opened(texts, encoder, output=output, shown=None) as index,
    ):
        yield index
