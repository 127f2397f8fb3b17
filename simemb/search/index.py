"""Search by meaning: an index of texts by the cosine of their embeddings, over FAISS.

Douze et al., 2024, https://arxiv.org/abs/2401.08281. The measure is always the inner product of L2-normalized vectors;
`simemb.search.segment` says how the vectors are arranged and stored, `simemb.search.cells` how they are found fast.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from simemb import devices, extras
from simemb.arguments import checked
from simemb.encoder.limits import check_dim
from simemb.encoder.models import Model, encoder_of
from simemb.encoder.prompts import announce
from simemb.errors import SearchError, unknown
from simemb.search import saved, storage
from simemb.search.origin import Origin
from simemb.search.rows import check_ids, id_of, read_rows
from simemb.search.searcher import Searcher
from simemb.search.segment_builder import build_segments
from simemb.search.segments import KINDS, Segments
from simemb.search.storage import MANIFEST, open_directory
from simemb.texts import check_values, values


class Index(Searcher):
    """Texts that can be searched by meaning; created by `Index.build` and `Index.load`.

    Args:
        origin: the encoder of the vectors.
        kind: "exact" (or "flat") compares a query with all vectors, "ivf" with those in the cells nearest to it. So do
            "ivfpq", "sq8" and "binary", by codes of D / 4, D and D / 8 bytes (see `simemb.search.cells`), and compare
            the best again by the vectors. "hnsw" follows a graph in each segment of 262,144 texts. "auto" is exact up
            to 100,000 texts, ivf above.
        effort: 1 or more: the cells that are looked into for a query, or the candidates that hnsw keeps. A higher
            effort finds more and takes longer; exact ignores it. It may be changed at any time.
        rescore: 1 or more: for each text that is asked for, so many that look best by codes are compared by the stored
            vectors. Kinds without codes ignore it. It may be changed at any time.
    """

    @checked
    def __init__(self, origin: Origin, *, kind: str = "auto", effort: int = 128, rescore: int = 10) -> None:
        if kind not in KINDS:
            raise SearchError(unknown("kind of index", kind, KINDS))
        super().__init__(origin, Segments(kind), effort, rescore)
        self.kind = kind
        self._numbered = 0
        self._ids: set[str] | None = None
        self._version: tuple[Path, str] | None = None

    @classmethod
    @checked
    def build(
        cls,
        encoder: Model,
        texts: Iterable[str],
        *,
        ids: Iterable[str | int] | None = None,
        metadata: Iterable[Mapping[str, Any]] | None = None,
        kind: str = "auto",
        effort: int = 128,
        rescore: int = 10,
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
        in memory. The number of texts need not be known: cells are made when the last text has been read.

        Args:
            encoder: turns texts into vectors; a directory or a hub name is loaded.
            texts: any number of strings, as for `Encoder.encode`.
            ids: a string or a whole number for each text, all different; stored as strings. They stay in memory to
                check that they differ, about 100 bytes each. Without them a text's id is its number from 0.
            metadata: a dict for each text, of column names and values: strings, numbers or truth values. A search
                returns them, and its `where` compares them.
            kind: how the vectors are arranged, as for the class.
            effort, rescore: how thoroughly they are searched, as for the class.
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
        index = cls(Origin.of(encoder, truncate_dim), kind=kind, effort=effort, rescore=rescore)
        index._encoder = encoder
        rows = read_rows(texts, ids, 0, metadata)
        if ids is not None:
            rows = check_ids(rows, set(), set())
        announce(encoder, "document", "query")
        segments = build_segments(rows, index._unit_vectors, chunk_size=chunk_size, progress=progress)
        if path is None:
            whole = Segments(kind, tuple(segments))
            index._take(whole.arranged(fresh=True), added=len(whole))
        else:
            with open_directory(Path(path), overwrite=overwrite) as directory:
                index._segments = Segments(kind, tuple(segment.store(directory) for segment in segments))
                index._numbered = len(index)
                index._store(directory, fresh=True)
        return index

    @checked
    def add(
        self,
        texts: Iterable[str],
        ids: Iterable[str | int] | None = None,
        *,
        metadata: Iterable[Mapping[str, Any]] | None = None,
    ) -> None:
        """Encode more texts and append them: all of them, or none if there is an error.

        They go into the cells that there are; an index with four times the texts that these were made for gets new
        cells when it is saved, and one that was never saved gets them at once. Without `ids` a text's id is its number
        among all that the index ever held. A stored index changes on disk only with `save`.

        Raises:
            SimembError: as for `build`; or an id is already in the index.
        """
        if self._ids is None:
            self._ids = set(self._segments.ids())
        new: set[str] = set()
        rows = check_ids(read_rows(texts, ids, self._numbered, metadata), self._ids, new)
        segments = self._segments.grown(list(build_segments(rows, self._unit_vectors)))
        self._take(segments, added=len(new))
        self._ids |= new

    @checked
    def update(
        self,
        texts: Iterable[str],
        ids: Iterable[str | int],
        *,
        metadata: Iterable[Mapping[str, Any]] | None = None,
    ) -> int:
        """Encode texts that take the place of those with the same ids; other ids are added. All of them, or none.

        The metadata of a text are replaced with it. A text that is replaced stands at the end, as if it had been
        deleted and added. A stored index changes on disk only with `save`.

        Returns:
            How many texts were replaced.

        Raises:
            SimembError: as for `build`.
        """
        new: set[str] = set()
        rows = check_ids(read_rows(texts, ids, 0, metadata), set(), new)
        added = list(build_segments(rows, self._unit_vectors))
        before = len(self)
        left = self._segments.without(pa.array(sorted(new), pa.large_string()))
        replaced = before - len(left)
        self._take(left.grown(added), added=len(new) - replaced)
        self._ids = None
        return replaced

    @checked
    def delete(self, ids: Iterable[str | int]) -> None:
        """Delete texts by their ids: all of them, or none if an id is not in the index.

        They are marked and found no more; a segment of which less than half is left is written without them. A stored
        index changes on disk only with `save`.

        Raises:
            SearchError: an id is not in the index, or is none.
        """
        check_values(ids, "ids", "a list of strings or whole numbers")
        names = sorted({id_of(name, number) for number, name in enumerate(values(ids), start=1)})
        if missing := self._segments.absent(names):
            raise SearchError(f"{len(missing)} of {len(names)} ids are not in the index; the first is {missing[0]!r}")
        self._take(self._segments.without(pa.array(names, pa.large_string())))
        self._ids = None

    def compact(self) -> None:
        """Drop the rows of deleted texts, make segments as few as can be, and train the cells anew.

        It takes what building takes, without the encoding, and the memory of all vectors. A stored index changes on
        disk only with `save`.
        """
        self._take(self._segments.compacted())

    @checked
    def save(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the index; segments that are already stored there are not written again.

        `index.json` is replaced last and atomically, so a failure before that leaves an older index intact, and who
        loads the index meanwhile gets the older or the newer one, whole.

        Raises:
            SearchError: the directory is not empty (without `overwrite`), holds no index, or cannot be written; or a
                save would undo what came into it since this index was loaded from it.
        """
        with open_directory(Path(directory), overwrite=overwrite, read=self._version) as folder:
            self._store(folder)

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
        content, segments, version = saved.read(folder, verify=verify)
        try:
            index = cls(content.encoder, kind=content.kind, effort=content.effort, rescore=content.rescore)
        except SearchError as error:
            raise SearchError(f"{folder / MANIFEST}: damaged ({error}), build the index again") from error
        index._beside = Origin.at(folder, content.beside) if content.beside else None
        index._version = folder, version
        index._segments = segments
        index._numbered = content.count if content.numbered is None else content.numbered
        if encoder is not None:
            index.encoder = encoder_of(encoder, device)
        index._device = device and devices.find(device)
        return index

    def _take(self, segments: Segments, *, added: int = 0) -> None:
        """Go on with these segments, of which so many texts are new; what no directory holds is arranged at once."""
        self._segments = segments if self._version else segments.arranged()
        self._numbered += added

    def _store(self, directory: Path, *, fresh: bool = False) -> None:
        settings = {"effort": self.effort, "rescore": self.rescore, "numbered": self._numbered}
        self._segments = saved.write(directory, self._segments, self.origin, **settings, fresh=fresh)
        self._version = directory, storage.version(directory)
