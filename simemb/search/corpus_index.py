"""The index that `dedupe`, `cluster` and `pairs` work on: one that is there, or one made of texts for the moment."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from simemb import extras
from simemb.corpus.documents import Documents, open_documents
from simemb.encoder.models import Model, encoder_of
from simemb.errors import SearchError
from simemb.files import scratch
from simemb.progress import counted, track
from simemb.search.index import Index
from simemb.search.segments import Segments
from simemb.search.storage import MANIFEST


@dataclass(frozen=True)
class Item:
    """A text of a corpus: its id (without ids its number from 0), the text, and what is kept beside it."""

    id: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


_NONE = Item("", "")


def items(segments: Segments, rows: np.ndarray) -> list[Item]:
    """The texts in these rows of all segments, in any order."""
    found: list[Item] = [_NONE] * len(rows)
    places = segments.places(rows)
    for place, part in enumerate(segments.parts):
        asked = np.flatnonzero(places == place)
        if len(asked):
            own = part.texts.take(rows[asked] - segments.starts[place]).to_pylist()
            for number, cells in zip(asked.tolist(), own, strict=True):
                kept = {name: cell for name, cell in cells.items() if cell is not None and name not in ("id", "text")}
                found[number] = Item(cells["id"], cells["text"], kept)
    return found


def is_index(data: Any) -> bool:
    """Whether data are the directory of an index."""
    return isinstance(data, str | os.PathLike) and (Path(data) / MANIFEST).is_file()


@contextmanager
def opened(
    data: Any,
    encoder: Model | None = None,
    *,
    purpose: str = "Index",
    output: Path | None = None,
    shown: bool | None = False,
) -> Generator[Index, None, None]:
    """An index, the one of a directory, or one of `Documents` or of anything that they are made of.

    encoder: of an index that is made, `mini` by default. purpose: what needs it, for messages. output: beside which it
    is made, so that it need not fit in memory. shown: as for `simemb.progress.track`.

    Raises:
        SearchError: an encoder is given for an index that has one of its own.
    """
    extras.need(purpose, extras.INDEXES)
    if isinstance(data, Index) or is_index(data):
        if encoder is not None:
            raise SearchError("an index has vectors already: leave the encoder out")
        yield data if isinstance(data, Index) else Index.load(data)
        return
    documents = data if isinstance(data, Documents) else open_documents(data)
    texts, ids, metadata = documents.streams_kept()
    model = encoder_of("mini" if encoder is None else encoder)
    with nullcontext() if output is None else scratch(output) as folder:
        path = None if folder is None else folder / "index"
        with track("indexing", shown=shown) as advance:
            index = Index.build(model, counted(texts, advance), ids=ids, metadata=metadata, path=path)
        yield index
