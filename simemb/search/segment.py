"""A segment of an index: up to `FULL` unit vectors in FAISS structures, with their ids and texts in an Arrow table.

An index is a list of segments, so building needs the memory of one segment, however large the corpus is. A stored
segment is a few memory-mapped files that never change: what is deleted from it is a file of its own.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float32, Int64

from simemb import libraries
from simemb.errors import SearchError
from simemb.search.cells import CELL_KINDS, Cells, Found, Probes, search_cells, write_lists
from simemb.search.faiss_library import faiss
from simemb.search.rows import is_table, metadata_of
from simemb.search.storage import PIECES, File, write_file
from simemb.search.structures import flat, graph, open_vectors

_MAPPING = Lock()
"""Held while FAISS notes where each row of a segment in cells is."""
FULL = 262_144
"""Texts in a full segment: 400 MB of vectors at 384 dimensions, about three times that while it is built."""


@dataclass(frozen=True)
class Stored:
    """Where a segment is stored: the directory, and the file of each of its pieces (`PIECES`) that are there."""

    directory: Path
    files: dict[str, File]

    def without(self, *pieces: str) -> "Stored":
        """The same place for a segment of which these pieces are others."""
        return Stored(self.directory, {name: file for name, file in self.files.items() if name not in pieces})


@dataclass(frozen=True, eq=False)
class Segment:
    """Unit vectors and their ids, texts and metadata; never empty.

    Attributes:
        vectors: A FAISS index with inner product that holds the vectors as they are.
        texts: The columns `id` and `text`, then those of the metadata, in the order of the vectors.
        codes: A FAISS index of the vectors as codes, which is searched in place of `vectors`; None for kinds without.
        cells: The cells of `codes`, or of `vectors` if their kind is "ivf".
        deleted: Which rows are deleted; None: none.
        stored: The files it is mapped from; None for a segment in memory.
    """

    vectors: Any
    texts: Any
    codes: Any = None
    cells: Cells | None = None
    deleted: Bool[np.ndarray, " text"] | None = None
    stored: Stored | None = None

    @classmethod
    def of(
        cls, vectors: Float32[np.ndarray, "text dim"], texts: Any, kind: str = "exact", cells: Cells | None = None
    ) -> "Segment":
        """The vectors arranged as `kind`, one of "exact", "hnsw" or the kind of the cells."""
        if kind in CELL_KINDS and cells is not None:
            arranged = cells.arrange(vectors)
            return cls(arranged, texts, cells=cells) if kind == "ivf" else cls(flat(vectors), texts, arranged, cells)
        return cls(graph(vectors) if kind == "hnsw" else flat(vectors), texts)

    def arranged(self, kind: str, cells: Cells | None) -> "Segment":
        """The same rows arranged as `kind`; those that are deleted stay, so that the files of the texts do."""
        if self.kind == kind and (self.cells is None or self.cells.same(cells)):
            return self if self.cells is None else replace(self, cells=cells)
        if self.is_flat and kind not in ("hnsw", "ivf"):  # the matrix stays, with other codes or none beside it
            codes = cells.arrange(self.dense()) if cells is not None and kind in CELL_KINDS else None
            stored = self.stored and self.stored.without("codes")
            return replace(self, codes=codes, cells=None if codes is None else cells, stored=stored)
        new = Segment.of(self.dense(), self.texts, kind, cells)
        return replace(new, deleted=self.deleted, stored=self.stored and self.stored.without("codes", "vectors"))

    @property
    def count(self) -> int:
        """The number of rows, those that are deleted included."""
        return self.texts.num_rows

    @property
    def live(self) -> int:
        """The number of texts that can be found."""
        return self.count if self.deleted is None else self.count - int(self.deleted.sum())

    @property
    def live_ids(self) -> Any:
        """The ids of the texts that can be found."""
        return self.texts["id"] if self.deleted is None else self.texts["id"].filter(pa.array(~self.deleted))

    @property
    def kind(self) -> str:
        """How the vectors are arranged: "exact", "hnsw", or the kind of the cells."""
        if self.cells is not None:
            return self.cells.kind
        return "hnsw" if type(self.vectors).__name__ == "IndexHNSWFlat" else "exact"

    @property
    def is_flat(self) -> bool:
        """Whether the vectors are a plain matrix, beside which there may be codes."""
        return type(self.vectors).__name__.startswith("IndexFlat")

    def row(self, number: int) -> tuple[str, str]:
        """Id and text of a row in [0, count); the other rows are not read."""
        return self.texts["id"][number].as_py(), self.texts["text"][number].as_py()

    def metadata(self, number: int) -> dict[str, Any]:
        """The metadata of a row in [0, count); what is missing is left out."""
        return metadata_of(self.texts, number)

    def among(self, mask: Bool[np.ndarray, " text"] | None = None) -> Bool[np.ndarray, " text"] | None:
        """The rows that are not deleted, and in the mask; None: all."""
        if self.deleted is None or mask is None:
            return mask if self.deleted is None else ~self.deleted
        return mask & ~self.deleted

    def nearest(
        self,
        queries: Float32[np.ndarray, "query dim"],
        k: int,
        effort: int,
        *,
        probes: Probes | None = None,
        among: Bool[np.ndarray, " text"] | None = None,
    ) -> Found:
        """Scores and row numbers of the min(k, rows in `among`) nearest vectors of each query, best first.

        Scores are cosines, or with codes what these say of them. probes: of the queries, if there are cells.
        """
        hits = min(k, self.count if among is None else int(among.sum()))
        if not hits:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        selector = None if among is None else faiss().IDSelectorBitmap(np.packbits(among, bitorder="little"))
        if probes is not None and self.cells is not None:
            scores, rows = search_cells(self.vectors if self.codes is None else self.codes, probes, hits, selector)
        elif self.kind == "hnsw":
            parameters = faiss().SearchParametersHNSW(efSearch=min(effort, self.count), sel=selector)
            scores, rows = self.vectors.search(queries, hits, params=parameters)
        else:
            scores, rows = self._every(queries, hits, selector)
        incomplete = np.flatnonzero(rows[:, -1] < 0)
        if len(incomplete):  # the cells hold too few texts, or the graph is not connected
            scores[incomplete], rows[incomplete] = self._every(queries[incomplete], hits, selector)
        if not 0 <= rows.min() <= rows.max() < self.count:  # files whose checksums were not looked at
            raise SearchError("the vectors of the index do not fit its texts: it is damaged, build it again")
        return scores, rows

    def dense(self) -> Float32[np.ndarray, "text dim"]:
        """All vectors, those of deleted rows included; not to be written to. Mapped files are not read for it."""
        if self.is_flat or self.kind == "hnsw":
            matrix = self.vectors if self.is_flat else faiss().downcast_index(self.vectors.storage)
            return faiss().rev_swig_ptr(matrix.get_xb(), self.count * matrix.d).reshape(self.count, matrix.d)
        return self.vectors.reconstruct_n(0, self.count)

    def dense_rows(self, rows: Int64[np.ndarray, " row"]) -> Float32[np.ndarray, "row dim"]:
        """The vectors of some rows."""
        if self.kind != "ivf":
            return self.dense()[rows]
        with _MAPPING:
            if self.vectors.direct_map.no():
                self.vectors.make_direct_map()
        return self.vectors.reconstruct_batch(rows)

    def store(self, directory: Path) -> "Segment":
        """The same segment, memory-mapped from files in `directory`; what is there already is not written again."""
        files: dict[str, File] = {}
        for piece, write in self._writers().items():
            known = self.stored.files.get(piece) if self.stored else None
            if known and self.stored and self.stored.directory == directory:
                known.check(directory, verify=False)
                files[piece] = known
            else:
                # Mapped lists would be written as a reference to the mapped file.
                source = self.stored.directory / known.name if known and self.stored else None
                files[piece] = write_file(directory, PIECES[piece], _copy_of(source) if source else write)
        place = Stored(directory, files)
        return self if place == self.stored else Segment.load(place, self.cells, verify=False)

    @classmethod
    def load(cls, stored: Stored, cells: Cells | None, *, verify: bool) -> "Segment":
        """Map a stored segment into memory.

        Raises:
            SearchError: a file is missing, damaged or unreadable, or the files are not of one segment.
        """
        paths = {piece: file.check(stored.directory, verify=verify) for piece, file in stored.files.items()}
        codes = deleted = None
        with libraries.reading(lambda reason: SearchError(f"{stored.directory}: cannot read the index: {reason}")):
            vectors, of_cells = open_vectors(paths["vectors"], cells)
            if "codes" in paths and cells is not None:
                codes = cells.open_lists(paths["codes"])
            texts = pa.ipc.open_file(pa.memory_map(str(paths["texts"]))).read_all()
            if "deleted" in paths:
                deleted = pa.ipc.open_file(paths["deleted"].read_bytes()).read_all()
        counts = {index.ntotal for index in (vectors, codes) if index is not None}
        if counts != {texts.num_rows} or not is_table(texts):
            raise SearchError(
                f"{paths['texts']}: does not belong to {paths['vectors'].name}: damaged, build the index again"
            )
        mask = None if deleted is None else _mask(deleted, texts.num_rows, paths["deleted"])
        return cls(vectors, texts, codes, cells if of_cells or codes is not None else None, mask, stored)

    def record(self) -> dict[str, object]:
        """What `index.json` says about a stored segment."""
        assert self.stored is not None
        files = {piece: asdict(file) for piece, file in self.stored.files.items()}
        links = {"links": self.vectors.hnsw.nb_neighbors(1)} if self.kind == "hnsw" else {}
        return {"kind": self.kind, "count": self.count, **links, **files}

    def _every(self, queries: Float32[np.ndarray, "query dim"], hits: int, selector: Any) -> Found:
        """A comparison with every vector."""
        if self.kind == "ivf":
            parameters = faiss().SearchParametersIVF(nprobe=self.vectors.nlist, sel=selector)
            return self.vectors.search(queries, hits, params=parameters)
        matrix = self.vectors if self.is_flat else faiss().downcast_index(self.vectors.storage)
        return matrix.search(queries, hits, params=selector and faiss().SearchParameters(sel=selector))

    def _writers(self) -> dict[str, Callable[[Path], None]]:
        """What writes each piece that this segment has."""
        writers: dict[str, Callable[[Path], None]] = {
            "vectors": write_lists(self.vectors) if self.kind == "ivf" else self._write_vectors,
            "texts": self._write_texts,
        }
        if self.codes is not None:
            writers["codes"] = write_lists(self.codes)
        if self.deleted is not None:
            writers["deleted"] = self._write_deleted
        return writers

    def _write_vectors(self, path: Path) -> None:
        faiss().write_index(self.vectors, str(path))

    def _write_texts(self, path: Path) -> None:
        with pa.ipc.new_file(str(path), self.texts.schema) as writer:
            writer.write_table(self.texts.combine_chunks(), max_chunksize=8192)

    def _write_deleted(self, path: Path) -> None:
        assert self.deleted is not None
        table = pa.table({"row": pa.array(np.flatnonzero(self.deleted), pa.int64())})
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)


def _mask(deleted: Any, count: int, path: Path) -> Bool[np.ndarray, " text"]:
    """The rows that a table names, as a mask; `SearchError` if it names others."""
    if deleted.schema != pa.schema([("row", pa.int64())]) or deleted["row"].null_count:
        raise SearchError(f"{path}: does not hold numbers of rows: damaged, build the index again")
    rows: Int64[np.ndarray, " row"] = deleted["row"].to_numpy()
    if len(rows) and not 0 <= rows.min() <= rows.max() < count:
        raise SearchError(f"{path}: names rows that are not there: damaged, build the index again")
    mask = np.zeros(count, bool)
    mask[rows] = True
    return mask


def _copy_of(source: Path) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        shutil.copyfile(source, path)

    return write
