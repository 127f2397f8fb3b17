"""Searching a table of LanceDB by texts, with the encoder that it names."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from simemb import extras, libraries
from simemb.arguments import checked
from simemb.encoder.models import Model, encoder_of
from simemb.encoder.prompts import prompted
from simemb.encoder.streaming import TextEncoder
from simemb.errors import SearchError
from simemb.json_files import parse_record
from simemb.records import shaped
from simemb.search import origin_encoder
from simemb.search.finite import finite_unit
from simemb.search.hits import Hit
from simemb.search.lance import KEY, OWN, is_table
from simemb.search.origin import Origin
from simemb.search.queries import several
from simemb.search.where import Where


class LanceTable:
    """A table that `build_table` made.

    Attributes:
        effort: the cells that are searched for each query.
        rescore: for each hit, so many candidates of product quantization are compared again by their vectors.
    """

    def __init__(self, path: Path, table: Any, origin: Origin, encoder: TextEncoder | None, device: str | None) -> None:
        self.path, self.origin, self.effort, self.rescore = path, origin, 128, 10
        self._table, self._encoder, self._device = table, encoder, device

    @classmethod
    @checked
    def load(cls, path: str | Path, *, encoder: Model | None = None, device: str | None = None) -> "LanceTable":
        """Open a table.

        encoder: the one that it was built with; by default it is loaded by its name, on a device, for the first query.

        Raises:
            SearchError: there is no table, it is not of simemb, or it is of another encoder.
        """
        extras.need("a table of LanceDB", extras.LANCEDB)
        lancedb: Any = import_module("lancedb")
        place = Path(path).resolve()
        if not is_table(place):
            raise SearchError(f"{path}: no table of LanceDB here: make one with `simemb index ... --to lancedb`")
        with libraries.reading(lambda reason: SearchError(f"{path}: LanceDB cannot open it: {reason}")):
            table = lancedb.connect(place.parent).open_table(place.stem)
            schema = table.schema
        metadata = schema.metadata or {}
        if KEY not in metadata or not {*OWN} <= {*schema.names}:
            raise SearchError(f"{path}: a table that simemb did not make: nothing in it says which encoder it is of")
        with libraries.reading(
            lambda reason: SearchError(f"{path}: its encoder is not said ({reason}): build it again")
        ):
            origin = shaped(parse_record(metadata[KEY].decode()), Origin)
        given = None if encoder is None else origin_encoder.matching(encoder_of(encoder, device), origin)
        return cls(place, table, origin, given, device if given is None else None)

    def __len__(self) -> int:
        return int(self._table.count_rows())

    @property
    def encoder(self) -> TextEncoder:
        """The encoder of the table, loaded by its name on first use."""
        if self._encoder is None:
            self._encoder, self.origin = origin_encoder.load(self.origin, None, self._device)
        return self._encoder

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the metadata."""
        return tuple(name for name in self._table.schema.names if name not in OWN)

    @checked
    def search_batch(self, queries: Any, k: int = 5, *, where: str | None = None) -> list[list[Hit]]:
        """The k nearest texts of each query, best first: as `Index.search_batch`, but that LanceDB reads `where`.

        Raises:
            SearchError: as `Index.search_batch`.
        """
        if k < 1:
            raise SearchError(f"k must be 1 or more, not {k}")
        condition = None if where is None else self._condition(where)
        source = several(queries)
        if not len(source):
            return []
        if not isinstance(source, np.ndarray):
            source = self.encoder.encode(source, normalize=False, progress=False, **prompted(self.encoder, "query"))
        kept = self.origin.kept
        if source.shape[1] not in (self.origin.dim, kept):
            raise SearchError(f"queries: vectors of dim {source.shape[1]} do not fit a table of dim {kept}")
        return [self._nearest(vector, k, condition) for vector in finite_unit(source[:, :kept], "queries")]

    def _condition(self, where: str) -> str:
        """The expression in SQL, in which texts stand between single quotes alone."""
        Where.read(where).check(("id", "text", *self.columns))
        return re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", _quoted, where)

    def _nearest(self, vector: np.ndarray, k: int, condition: str | None) -> list[Hit]:
        with libraries.reading(lambda reason: SearchError(f"{self.path}: LanceDB cannot search it: {reason}")):
            search = self._table.search(vector).distance_type("cosine").nprobes(self.effort).refine_factor(self.rescore)
            search = search.where(condition, prefilter=True) if condition else search
            found = search.limit(k).select(["id", "text", "_distance", *self.columns]).to_list()
        return [_hit(rank, row) for rank, row in enumerate(found, start=1)]


def _hit(rank: int, row: dict[str, Any]) -> Hit:
    metadata = {name: value for name, value in row.items() if name not in (*OWN, "_distance") and value is not None}
    return Hit(rank, row["id"], 1 - row["_distance"], row["text"], metadata)


def _quoted(found: re.Match[str]) -> str:
    """A text of an expression between single quotes."""
    mark, text = found[0][0], found[0][1:-1]
    return found[0] if mark == "'" else "'" + text.replace('""', '"').replace("'", "''") + "'"
