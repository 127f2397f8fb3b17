"""What a server holds: encoders, indexes, limits, and what it counts."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from simemb.encoder.vector_files import Vectors
from simemb.errors import SearchError, SimembError, in_one_line
from simemb.search.hits import Hit
from simemb.search.index import Index
from simemb.search.where import Where
from simemb.service.corpus_map import CorpusMap, draw
from simemb.service.engine import Engine
from simemb.service.limits import Admission, Limits
from simemb.service.metrics import Metrics
from simemb.service.refusals import FAILED, INVALID, Refusal
from simemb.service.schemas import MOST_HITS
from simemb.streams import one_line


@dataclass(frozen=True)
class Shelf:
    """An index, with the engine that computes queries for it."""

    name: str
    index: Index
    engine: Engine


class Service:
    """The state of a server.

    encoder: of the embeddings. name: what clients call it. indexes: those that are searched, by name; each is searched
    with `encoder` if it was built with it, otherwise with its own. key: what clients must send; empty: nothing.
    hosts: names besides localhost by which clients may call a server without a key.

    Attributes:
        cut_off: Requests that a stop did not leave the time for.
    """

    def __init__(
        self,
        encoder: Any,
        *,
        name: str,
        indexes: Mapping[str, Index] | None = None,
        limits: Limits | None = None,
        truncate: bool = True,
        key: str = "",
        hosts: Sequence[str] = (),
    ):
        self.limits = limits or Limits()
        self.admission = Admission(self.limits)
        self.metrics = Metrics()
        self.cut_off = 0
        self.key, self.hosts, self.truncate = key, tuple(hosts), truncate
        self.engine = self._engine(encoder, one_line(name))
        self.engines: dict[str, Engine] = {self.engine.name: self.engine}
        self.shelves = {name: self._shelf(name, index) for name, index in (indexes or {}).items()}
        self._maps: dict[str, asyncio.Task[CorpusMap]] = {}
        self._searcher = ThreadPoolExecutor(1, "simemb-search")

    def _engine(self, encoder: Any, name: str) -> Engine:
        limits = self.limits
        return Engine(encoder, name=name, truncate=self.truncate, max_tokens=limits.max_tokens, metrics=self.metrics)

    def _shelf(self, name: str, index: Index) -> Shelf:
        """The index with its engine, which may be that of others. Raises `SearchError` if its encoder is not there."""
        for engine in self.engines.values():
            if engine.encoder is index.encoder:
                return Shelf(name, index, engine)
        own = one_line(index.origin.name)
        own = f"{own}, of {name}" if own in self.engines else own
        self.engines[own] = self._engine(index.encoder, own)
        return Shelf(name, index, self.engines[own])

    async def query_vectors(self, shelf: Shelf, queries: Sequence[str]) -> Vectors:
        """The vectors of texts as queries of an index."""
        return (await shelf.engine.compute(list(queries), prompt=shelf.engine.prompt("query"))).vectors

    async def search(
        self, shelf: Shelf, vectors: Vectors, k: int, *, contains: str | None = None, where: str | None = None
    ) -> list[list[Hit]]:
        """The hits of each query; `contains` keeps, of the `MOST_HITS` nearest, the texts that have it in them.

        where: see `simemb.search.where`; raises `Refusal` for what is no expression on the columns of the index.
        """
        word = (contains or "").casefold()
        try:
            if where is not None:
                Where.read(where).check(("id", "text", *shelf.index.columns))
        except SearchError as error:
            raise Refusal(INVALID, in_one_line(error), "where") from error
        try:
            wanted = partial(shelf.index.search_batch, vectors, MOST_HITS if word else k, where=where)
            found = await asyncio.get_running_loop().run_in_executor(self._searcher, wanted)
        except SimembError as error:
            raise Refusal(FAILED, in_one_line(error)) from error
        return [[hit for hit in hits if word in hit.text.casefold()][:k] for hits in found]

    async def map_of(self, shelf: Shelf) -> CorpusMap:
        """The map of an index, drawn once."""
        if shelf.name not in self._maps:
            self._maps[shelf.name] = asyncio.create_task(draw(shelf.index, partial(self._documents, shelf)))
        try:
            return await asyncio.shield(self._maps[shelf.name])
        except Refusal:  # the next one may be luckier
            self._maps.pop(shelf.name, None)
            raise

    async def _documents(self, shelf: Shelf, texts: Sequence[str]) -> Vectors:
        engine = shelf.engine
        return (await engine.compute(list(texts), prompt=engine.prompt("document"), truncate=True)).vectors

    def close(self) -> None:
        """Finish what waits, and end all threads."""
        for engine in self.engines.values():
            engine.batcher.close()
        self._searcher.shutdown()
