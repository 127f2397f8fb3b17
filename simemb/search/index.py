"""Search by meaning: an index of texts by the cosine of their embeddings, over FAISS (Douze et al., 2024).

Always the inner product of L2-normalized vectors, https://arxiv.org/abs/2401.08281; `simemb.search.segment` says how
the vectors are arranged and stored.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from jaxtyping import Shaped

from simemb.errors import SearchError, SimembError, unknown
from simemb.search.segment import (
    EXACT_LIMIT,
    FULL,
    KINDS,
    Part,
    Stored,
    arrange,
    finite_unit,
    numbered,
    table,
    unique,
)
from simemb.search.storage import (
    FORMAT,
    MANIFEST,
    File,
    Origin,
    read_manifest,
    write_manifest,
    writing,
)

if TYPE_CHECKING:
    from simemb.encoder.streaming import TextEncoder


@dataclass(frozen=True)
class Hit:
    """A text found: rank from 1, its id, the cosine of query and text in [-1, 1], and the text."""

    rank: int
    id: str
    score: float
    text: str


class Index:
    """Texts that can be searched by meaning; made by `Index.build` and `Index.load`.

    Args:
        origin: the encoder that the vectors are from.
        kind: "exact", "ivf", "hnsw" or "auto" (exact up to 100,000 texts, ivf above; see `part.arrange`).
        effort: 1 or more: cells that ivf looks into and candidates that hnsw keeps, for each query and
            262,144 texts. More finds more and takes longer; exact has no use for it. It may be changed at
            any time.
    """

    def __init__(self, origin: Origin, *, kind: str = "auto", effort: int = 128) -> None:
        if kind not in KINDS:
            raise SearchError(unknown("kind of index", kind, KINDS))
        if effort < 1:
            raise SearchError(f"effort must be 1 or more, not {effort}")
        self.origin = origin
        self.kind = kind
        self.effort = effort
        self._parts: list[Part] = []
        self._encoder: TextEncoder | None = None
        self._taken: set[str] | None = None

    @classmethod
    def build(
        cls,
        encoder: "TextEncoder",
        texts: Iterable[str],
        *,
        ids: Iterable[str | int] | None = None,
        kind: str = "auto",
        effort: int = 128,
        path: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        chunk_size: int = 8192,
        progress: Callable[[int], None] | None = None,
    ) -> "Index":
        """Encode texts and arrange their vectors.

        Texts are taken from the iterator `chunk_size` at a time. With `path`, each full part (262,144 texts)
        goes to disk at once, so that neither the texts nor the vectors have to fit in memory, and the index
        is saved there; their number need not be known, since `kind` is decided part by part.

        Args:
            encoder: what turns texts into vectors.
            texts: any number of strings.
            ids: one for each text, all different (kept in memory, about 100 bytes each, to see that); kept as
                strings. Without them a text's id is its number from 0.
            kind: how the vectors are arranged, as for the class.
            effort: how thoroughly they are searched, as for the class.
            path: directory of the index. Without it the index stays in memory.
            overwrite: replace an index that is already there.
            chunk_size: texts encoded in one call, 1 or more.
            progress: told the number of texts done after each chunk.

        Raises:
            SearchError: a text that is not a string, an id given twice, a vector that is not finite, a
                directory that cannot be used.
        """
        index = cls(Origin.of(encoder), kind=kind, effort=effort)
        index._encoder = encoder
        rows = numbered(texts, ids, 0)
        parts = index._encoded(rows if ids is None else unique(rows, set(), set()), chunk_size, progress)
        if path is None:
            index._parts = list(parts)
        else:
            with writing(Path(path), overwrite=overwrite) as directory:
                index._parts = index._publish(directory, parts)
        return index

    def add(self, texts: Iterable[str], ids: Iterable[str | int] | None = None) -> None:
        """Encode more texts and put them behind the others: all of them, or none if there is an error.

        They stay exact until there are 100,000 of them, then they are arranged as `kind`. Without `ids` a
        text's id is its number in the whole index. A stored index changes on disk with `save` only.

        Raises:
            SearchError: as for `build`; or an id that is taken.
        """
        if self._taken is None:
            self._taken = {name for part in self._parts for name in part.texts["id"].to_pylist()}
        fresh: set[str] = set()
        rows = unique(numbered(texts, ids, len(self)), self._taken, fresh)
        for part in list(self._encoded(rows, 8192, None, growing=True)):
            last = self._parts[-1] if self._parts else None
            if last and last.kind == part.kind == "exact" and last.count + part.count <= FULL:
                self._parts[-1] = last.joined(part, self.kind)
            else:
                self._parts.append(part)
        self._taken |= fresh

    def search(self, query: str | Shaped[np.ndarray, " dim"], k: int = 5) -> list[Hit]:
        """The k texts nearest to a text or a vector, best first; all there are if these are fewer.

        Raises:
            SearchError: k below 1, a vector of another dimension, or an encoder that is not the index's.
        """
        return self.search_batch([query] if isinstance(query, str) else np.asarray(query)[None], k)[0]

    def search_batch(self, queries: Sequence[str] | Shaped[np.ndarray, "query dim"], k: int = 5) -> list[list[Hit]]:
        """`search` for several texts, or for the rows of an array, at once."""
        if k < 1:
            raise SearchError(f"k must be 1 or more, not {k}")
        if len(queries) == 0:
            return []
        if not isinstance(queries, np.ndarray):
            queries = [text for _, text in numbered(queries, None, 0)]
        vectors = self._unit(queries, "queries")
        found = [part.nearest(vectors, k, self.effort) for part in self._parts]
        return [self._merged([(scores[row], rows[row]) for scores, rows in found], k) for row in range(len(vectors))]

    def save(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the index; the parts that are stored there already stay as they are.

        `index.json` is replaced last, in one step: whatever happens before leaves an old index whole.

        Raises:
            SearchError: the directory is in use (without `overwrite`), is no index, or cannot be written.
        """
        with writing(Path(directory), overwrite=overwrite) as folder:
            parts = self._publish(folder, self._parts)
        self._parts = parts

    @classmethod
    def load(
        cls,
        directory: str | os.PathLike[str],
        *,
        encoder: "TextEncoder | None" = None,
        verify: bool = True,
    ) -> "Index":
        """Map a saved index into memory.

        Args:
            directory: where it was saved.
            encoder: the one it was built with. Without it, the first text that is searched loads it by the
                name in `index.json`.
            verify: read all files once and compare their checksums; else their sizes only.

        Raises:
            SearchError: no index, a damaged one, one of a newer format, or one of another encoder.
        """
        folder = Path(directory).resolve()
        content = read_manifest(folder)
        try:
            index = cls(Origin(**content["encoder"]), kind=content["kind"], effort=content["effort"])
            stored = [Stored(folder, File(**p["vectors"]), File(**p["texts"])) for p in content["parts"]]
            total = int(content["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise SearchError(f"{folder / MANIFEST}: damaged ({error!r}), build the index again") from error
        index._parts = [Part.load(part, verify=verify) for part in stored]
        if len(index) != total or any(part.vectors.d != index.origin.dim for part in index._parts):
            raise SearchError(f"{folder / MANIFEST}: does not fit the files beside it: build the index again")
        if encoder is not None:
            index.encoder = encoder
        return index

    def __len__(self) -> int:
        return sum(part.count for part in self._parts)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts, in the order of the texts."""
        return tuple(self._parts)

    @property
    def encoder(self) -> "TextEncoder":
        """The encoder of the index, loaded by its name when first needed; only the right one can be set."""
        if self._encoder is None:
            from simemb.encoder.encoder import Encoder

            try:
                self.encoder = Encoder.load(self.origin.name)
            except SimembError as error:
                raise SearchError(f"the encoder of the index cannot be used: {error}") from error
        assert self._encoder is not None
        return self._encoder

    @encoder.setter
    def encoder(self, encoder: "TextEncoder") -> None:
        given = Origin.of(encoder)
        if (given.dim, given.fingerprint) != (self.origin.dim, self.origin.fingerprint):
            raise SearchError(f"the index is of {self.origin}, not of {given}: use that one or build it again")
        self._encoder = encoder

    def _encoded(
        self,
        rows: Iterator[tuple[str, str]],
        chunk_size: int,
        progress: Callable[[int], None] | None,
        *,
        growing: bool = False,
    ) -> Iterator[Part]:
        """Full parts, and a last one that may be smaller (exact up to `EXACT_LIMIT` when growing)."""
        if chunk_size < 1:
            raise SearchError(f"chunk_size must be 1 or more, not {chunk_size}")
        vectors: list[np.ndarray] = []
        tables: list[Any] = []
        done = 0
        while chunk := list(islice(rows, chunk_size)):
            tables.append(table(chunk, done))
            vectors.append(self._unit([text for _, text in chunk], f"texts from row {done}"))
            done += len(chunk)
            if progress:
                progress(done)
            if sum(map(len, vectors)) >= FULL:
                yield self._part(vectors, tables, growing=growing)
        if vectors:
            yield self._part(vectors, tables, growing=growing)

    def _part(self, vectors: list[np.ndarray], tables: list[Any], *, growing: bool) -> Part:
        dense, texts = np.concatenate(vectors), pa.concat_tables(tables)
        # Emptied here, so that what the part is made of does not stay in memory beside it.
        vectors.clear()
        tables.clear()
        kind = "exact" if growing and len(dense) <= EXACT_LIMIT else self.kind
        return Part(arrange(dense, kind), texts)

    def _unit(self, given: Sequence[str] | np.ndarray, what: str) -> np.ndarray:
        """Unit vectors of texts, or of vectors, of the dimension of the index."""
        encode = not isinstance(given, np.ndarray)
        vectors = self.encoder.encode(given, normalize=False, progress=False) if encode else given
        if vectors.ndim != 2 or vectors.shape[1] != self.origin.dim:
            shape = " x ".join(map(str, vectors.shape))
            raise SearchError(f"{what}: vectors of shape {shape} do not fit an index of dim {self.origin.dim}")
        return finite_unit(vectors, what)

    def _merged(self, found: list[tuple[np.ndarray, np.ndarray]], k: int) -> list[Hit]:
        """The best k of what the parts found for one query; on a tie the earlier text."""
        candidates = [
            (-float(score), part, int(row))
            for part, (scores, rows) in enumerate(found)
            for score, row in zip(scores, rows, strict=True)
        ]
        hits: list[Hit] = []
        for rank, (distance, part, row) in enumerate(sorted(candidates)[:k], start=1):
            name, text = self._parts[part].row(row)
            hits.append(Hit(rank, name, -distance, text))
        return hits

    def _publish(self, directory: Path, parts: Iterable[Part]) -> list[Part]:
        """Store the parts, then write `index.json`, which makes them an index."""
        stored = [part.store(directory) for part in parts]
        content = {
            "format": FORMAT,
            "metric": "inner product of unit vectors",
            "encoder": asdict(self.origin),
            "kind": self.kind,
            "effort": self.effort,
            "count": sum(part.count for part in stored),
            "parts": [part.record() for part in stored],
        }
        write_manifest(directory, content)
        return stored
