"""Search by meaning: an index of texts by the cosine of their embeddings, over FAISS.

Douze et al., 2024, https://arxiv.org/abs/2401.08281. The measure is always the inner product of L2-normalized vectors;
`simemb.search.segment` says how the vectors are arranged and stored.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from simemb import devices, extras
from simemb.arguments import checked
from simemb.encoder.limits import check_dim
from simemb.encoder.models import Model, encoder_of
from simemb.encoder.prompts import Role, announce, prompted
from simemb.encoder.streaming import TextEncoder
from simemb.errors import SearchError, unknown
from simemb.search import origin_encoder, storage
from simemb.search.finite import finite_unit
from simemb.search.hits import Hit, merged
from simemb.search.queries import Queries, several, single
from simemb.search.rows import check_ids, read_rows
from simemb.search.segment import FULL, KINDS, Segment, Stored
from simemb.search.segment_builder import build_segments
from simemb.search.storage import FORMAT, MANIFEST, Origin, open_directory, read_manifest, write_manifest


class Index:
    """Texts that can be searched by meaning; created by `Index.build` and `Index.load`.

    Args:
        origin: the encoder of the vectors.
        kind: "exact", "ivf", "hnsw" or "auto" (exact up to 100,000 texts, ivf above; see
            `simemb.search.segment.arrange`).
        effort: 1 or more: the cells that ivf searches and the candidates that hnsw keeps, for each query and segment
            of 262,144 texts. A higher effort finds more and takes longer; exact ignores it. It may be changed at any
            time.
    """

    @checked
    def __init__(self, origin: Origin, *, kind: str = "auto", effort: int = 128) -> None:
        if kind not in KINDS:
            raise SearchError(unknown("kind of index", kind, KINDS))
        self.origin = origin
        self.kind = kind
        self.effort = effort
        self._segments: list[Segment] = []
        self._encoder: TextEncoder | None = None
        self._device: str | None = None
        self._ids: set[str] | None = None
        self._beside: Path | None = None
        self._version: tuple[Path, str] | None = None

    @classmethod
    @checked
    def build(
        cls,
        encoder: Model,
        texts: Iterable[str],
        *,
        ids: Iterable[str | int] | None = None,
        kind: str = "auto",
        effort: int = 128,
        truncate_dim: int | None = None,
        path: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        chunk_size: int = 8192,
        progress: Callable[[int], None] | None = None,
        device: str | None = None,
    ) -> "Index":
        """Encode texts and arrange their vectors.

        Texts are read from the iterator `chunk_size` at a time. With `path` the index is saved there, and each full
        segment (262,144 texts) is written as soon as it is complete, so neither the texts nor the vectors have to fit
        in memory. The number of texts need not be known, since `kind` is resolved for each segment.

        Args:
            encoder: turns texts into vectors; a directory or a hub name is loaded.
            texts: any number of strings, as for `Encoder.encode`.
            ids: a string or a whole number for each text, all different; stored as strings. They stay in memory to
                check that they differ, about 100 bytes each. Without them a text's id is its number from 0.
            kind: how the vectors are arranged, as for the class.
            effort: how thoroughly they are searched, as for the class.
            truncate_dim: keep only the first dimensions of vectors; a search cuts those of its queries by itself.
            path: directory of the index. Without it the index stays in memory.
            overwrite: replace an index that exists there.
            chunk_size: texts encoded in one call, 1 or more.
            progress: called with the number of texts done after each chunk.
            device: for an encoder given by name, as in `Encoder.load`.

        Raises:
            ArgumentError: `texts` or `ids` does not hold values in an order (a data frame, a dict, a set).
            DataError: a text is not a string, or the vectors are shorter than `truncate_dim`.
            SearchError: an id occurs twice, a vector is not finite, or the directory cannot be used.
            LibraryError: FAISS is not installed.
        """
        extras.need("Index", extras.INDEXES)
        encoder = encoder_of(encoder, device)
        check_dim(truncate_dim, encoder.dim)
        index = cls(Origin.of(encoder, truncate_dim), kind=kind, effort=effort)
        index._encoder = encoder
        rows = read_rows(texts, ids, 0)
        if ids is not None:
            rows = check_ids(rows, set(), set())
        announce(encoder, "document", "query")
        segments = build_segments(rows, index._unit_vectors, kind, chunk_size=chunk_size, progress=progress)
        if path is None:
            index._segments = list(segments)
        else:
            with open_directory(Path(path), overwrite=overwrite) as directory:
                index._segments = index._store(directory, segments)
        return index

    @checked
    def add(self, texts: Iterable[str], ids: Iterable[str | int] | None = None) -> None:
        """Encode more texts and append them: all of them, or none if there is an error.

        Appended texts stay exact until there are 100,000 of them, then they are arranged as `kind`. Without `ids` a
        text's id is its number in the whole index. A stored index changes on disk only with `save`.

        Raises:
            SimembError: as for `build`; or an id is already in the index.
        """
        if self._ids is None:
            self._ids = {name for segment in self._segments for name in segment.texts["id"].to_pylist()}
        new: set[str] = set()
        rows = check_ids(read_rows(texts, ids, len(self)), self._ids, new)
        segments = [*self._segments]
        for segment in list(build_segments(rows, self._unit_vectors, self.kind, growing=True)):
            last = segments[-1] if segments else None
            if last and last.kind == segment.kind == "exact" and last.count + segment.count <= FULL:
                segment = segments.pop().extend(segment, self.kind)
            segments.append(segment)
        self._segments = segments
        self._ids |= new

    @checked
    def search(self, query: Any, k: int = 5) -> list[Hit]:
        """The k texts nearest to a text or a vector [dim], best first; all texts if the index has fewer than k.

        Raises:
            ArgumentError: the query is neither one text nor one vector.
            SearchError: k is below 1, the vector has another dimension, or the encoder of the index cannot be loaded.
        """
        return self._nearest(single(query), k)[0]

    @checked
    def search_batch(self, queries: Any, k: int = 5) -> list[list[Hit]]:
        """`search` for several queries at once: texts, as for `Encoder.encode`, or vectors [query, dim]."""
        return self._nearest(several(queries), k)

    def _nearest(self, queries: Queries, k: int) -> list[list[Hit]]:
        if k < 1:
            raise SearchError(f"k must be 1 or more, not {k}")
        if len(queries) == 0:
            return []
        vectors = self._unit_vectors(queries, "queries", "query")
        results = [segment.nearest(vectors, k, self.effort) for segment in self._segments]
        return [
            merged(self._segments, [(scores[row], rows[row]) for scores, rows in results], k)
            for row in range(len(vectors))
        ]

    @checked
    def save(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the index; segments that are already stored there are not written again.

        `index.json` is replaced last and atomically, so a failure before that leaves an older index intact.

        Raises:
            SearchError: the directory is not empty (without `overwrite`), holds no index, or cannot be written; or a
                save would undo what came into it since this index was loaded from it.
        """
        with open_directory(Path(directory), overwrite=overwrite, read=self._version) as folder:
            self._segments = self._store(folder, self._segments)

    @classmethod
    @checked
    def load(
        cls,
        directory: str | os.PathLike[str],
        *,
        encoder: Model | None = None,
        verify: bool = True,
        device: str | None = None,
    ) -> "Index":
        """Map a saved index into memory.

        Args:
            directory: where it was saved.
            encoder: the encoder that it was built with, or its name. Without it, the first search for a text loads the
                encoder by the name in `index.json`.
            verify: read all files once and compare their checksums; otherwise compare only their sizes.
            device: of an encoder that is loaded by its name, as in `Encoder.load`.

        Raises:
            SearchError: there is no index, or it is damaged, of another format, or of another encoder.
        """
        extras.need("Index", extras.INDEXES)
        folder = Path(directory).resolve()
        read, content = storage.version(folder), read_manifest(folder)
        try:
            index = cls(content.encoder, kind=content.kind, effort=content.effort)
        except SearchError as error:
            raise SearchError(f"{folder / MANIFEST}: damaged ({error}), build the index again") from error
        index._beside = Origin.at(folder, content.beside) if content.beside else None
        index._version = folder, read
        stored = [Stored(folder, part.vectors, part.texts) for part in content.parts]
        index._segments = [Segment.load(each, verify=verify) for each in stored]
        if len(index) != content.count or any(segment.vectors.d != index.origin.kept for segment in index._segments):
            raise SearchError(f"{folder / MANIFEST}: does not fit the files beside it: build the index again")
        if encoder is not None:
            index.encoder = encoder_of(encoder, device)
        index._device = device and devices.find(device)
        return index

    def __len__(self) -> int:
        return sum(segment.count for segment in self._segments)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments, in the order of the texts."""
        return tuple(self._segments)

    @property
    def effort(self) -> int:
        """How thoroughly the index is searched; setting it below 1 raises `SearchError`."""
        return self._effort

    @effort.setter
    @checked
    def effort(self, effort: int) -> None:
        if effort < 1:
            raise SearchError(f"effort must be 1 or more, not {effort}")
        self._effort = effort

    @property
    def encoder(self) -> TextEncoder:
        """The encoder of the index, loaded by its name on first use; setting another encoder raises `SearchError`."""
        if self._encoder is None:
            self._encoder, self.origin = origin_encoder.load(self.origin, self._beside, self._device)
        return self._encoder

    @encoder.setter
    @checked
    def encoder(self, encoder: TextEncoder) -> None:
        self._encoder = origin_encoder.matching(encoder, self.origin)

    def _unit_vectors(self, source: Sequence[str] | np.ndarray, what: str, role: Role = "document") -> np.ndarray:
        """Unit vectors of texts or of vectors, cut as the index is; `SearchError` if their dimension is another."""
        if isinstance(source, np.ndarray):
            vectors = source
        else:
            prompt = prompted(self.encoder, role)
            vectors = self.encoder.encode(source, normalize=False, progress=False, **prompt)
        if vectors.ndim != 2 or vectors.shape[1] not in (self.origin.dim, self.origin.kept):
            shape = " x ".join(map(str, vectors.shape))
            raise SearchError(f"{what}: vectors of shape {shape} do not fit an index of dim {self.origin.kept}")
        return finite_unit(vectors[:, : self.origin.kept], what)

    def _store(self, directory: Path, segments: Iterable[Segment]) -> list[Segment]:
        """Write the segments, then `index.json`, which makes them an index."""
        stored = [segment.store(directory) for segment in segments]
        content = {
            "format": FORMAT,
            "metric": "inner product of unit vectors",
            "encoder": asdict(self.origin),
            "beside": self.origin.beside(directory),
            "kind": self.kind,
            "effort": self.effort,
            "count": sum(segment.count for segment in stored),
            "parts": [segment.record() for segment in stored],
        }
        write_manifest(directory, content)
        self._version = directory, storage.version(directory)
        return stored
