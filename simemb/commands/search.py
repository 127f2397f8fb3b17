"""Find the nearest texts of an index.

simemb search INDEX "a question"
"""

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import Positional

from simemb import extras, streams
from simemb.commands.inputs import load_finished
from simemb.commands.options import UNPREFIXED, AtLeastOne, OneDevice
from simemb.commands.parsing import parse

if TYPE_CHECKING:
    from simemb.search.index import Index
    from simemb.search.lance_search import LanceTable

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Search:
    """Find the nearest texts of an index."""

    index: Positional[Annotated[Path, tyro.conf.arg(metavar="INDEX")]]
    """The directory of the index, or a table of LanceDB that simemb made (texts.lance)."""
    queries: Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="QUERY [QUERY ...]"), AtLeastOne("QUERY")]]
    """One or more texts; - reads them from standard input, one a line."""
    k: Annotated[int, tyro.conf.arg(aliases=["-k"])] = 5
    """How many texts to show."""
    where: str | None = None
    """Only texts that satisfy an expression on the columns of `index --keep`, ids and texts: "lang = 'de' and (year >=
    2020 or not source in ('web', 'mail'))"."""
    effort: int | None = None
    """The cells that are looked into for a query, or the candidates that hnsw keeps: more finds more, and takes longer.
    By default that of the index (128)."""
    rescore: int | None = None
    """For each text that is shown, so many that look best by codes are compared by their vectors; by default that of
    the index (10). For ivfpq, sq8 and binary."""
    json: bool = False
    """Print one JSON line a hit instead of a table."""
    model: str | None = None
    """The encoder; by default the one whose name the index remembers."""
    pooling: str | None = None
    """The pooling that the index was built with, if it was chosen explicitly."""
    place: Annotated[OneDevice, UNPREFIXED] = field(default_factory=OneDevice)


def run(words: list[str]) -> None:
    """`simemb search INDEX QUERY [QUERY ...]`."""
    options = parse(Search, words, prog="simemb search")
    from simemb.report import listing

    loaded = _loaded(options)
    loaded.effort = loaded.effort if options.effort is None else options.effort
    loaded.rescore = loaded.rescore if options.rescore is None else options.rescore
    queries = [query for word in options.queries for query in (_standard_input() if word == "-" else [word])]
    if options.k > len(loaded):
        log.info("%s has %d texts: all are shown, not %d", options.index, len(loaded), options.k)
    for query, hits in zip(queries, loaded.search_batch(queries, options.k, where=options.where), strict=True):
        if options.json:
            for hit in hits:
                record = {"query": query, "rank": hit.rank, "score": hit.score, "id": hit.id, "text": hit.text}
                kept = {"metadata": hit.metadata} if loaded.columns else {}
                streams.show(json.dumps({**record, **kept}, ensure_ascii=False) + "\n")
        else:
            listing.print_hits(query, hits)


def _loaded(options: Search) -> "Index | LanceTable":
    """The index, or the table of LanceDB."""
    from simemb.search.lance import is_table

    in_lance = is_table(options.index)
    extras.need("simemb search", extras.LANCEDB if in_lance else extras.INDEXES)
    from simemb.search.index import Index
    from simemb.search.lance_search import LanceTable

    encoder = load_finished(options.model, options.pooling, options.place) if options.model else None
    device = None if options.model else options.place.device
    kind = LanceTable if in_lance else Index
    return kind.load(options.index, encoder=encoder, device=device)


def _standard_input() -> list[str]:
    """The lines of standard input, or the texts of its JSON lines; blank ones are left out with a notice.

    A line is a query whatever stands in it, so no layout is suspected, unlike in data.
    """
    from simemb.corpus.formats import open_file
    from simemb.corpus.places import STANDARD_INPUT, saved_standard_input
    from simemb.corpus.rows import Rows

    path = saved_standard_input()
    try:
        rows = Rows(open_file(path, STANDARD_INPUT), STANDARD_INPUT, lambda: path.name)
        return [query for query, *_ in rows.texts()]
    finally:
        path.unlink()
