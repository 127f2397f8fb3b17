"""The cells of an index: one k-means partition of all its vectors, and the codes by which vectors stand in them.

A query is compared with the centers once, and in every segment only the cells nearest to it are looked into. The
centers are trained on a sample of the whole index and shared by its segments, so the work of a query follows from the
number of texts and not from the number of segments.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Int64

from simemb import libraries
from simemb.errors import SearchError
from simemb.search.faiss_library import faiss
from simemb.search.storage import File, write_file

CELL_KINDS = ("ivf", "ivfpq", "sq8", "binary")
CODES_FROM = 1_000
"""Codes are learnt from this number of texts on; smaller indexes compare all vectors."""
LARGEST = 65_536
"""The most cells: beyond, training costs more than it saves."""
POINTS = 40
"""Vectors of the sample for each cell; FAISS warns below 39."""
SAMPLE = 1 << 20
"""The most vectors in the sample: 1.6 GB at 384 dimensions."""
GROWTH = 4
"""Cells are trained anew once an index has this many times the texts that they were made for."""
_CODEC = {"IndexIVFFlat": "", "IndexIVFPQ": "pq", "IndexIVFScalarQuantizer": "sq", "IndexIVFRaBitQ": "rabitq"}
"""The part of each structure of FAISS that is learnt, beside the centers."""

Found = tuple[Float32[np.ndarray, "query hit"], Int64[np.ndarray, "query hit"]]


@dataclass(frozen=True, eq=False)
class Probes:
    """The cells that each query looks into, nearest first, their cosines to it, and the queries as codes see them."""

    queries: Float32[np.ndarray, "query dim"]
    cells: Int64[np.ndarray, "query probe"]
    cosines: Float32[np.ndarray, "query probe"]


@dataclass(frozen=True, eq=False)
class Cells:
    """Centers and codes that all segments share.

    Attributes:
        kind: "ivf" (vectors as they are), "ivfpq" (product quantization, a byte for about 4 dimensions; Jegou et al.,
            2011, https://inria.hal.science/inria-00514462), "sq8" (a byte for each dimension) or "binary" (a bit for
            each dimension after a random rotation, RaBitQ; Gao and Long, 2024, https://arxiv.org/abs/2405.12497).
        made_for: How many texts the index had when the cells were trained.
        trained: An empty FAISS index with centers and codes.
        rotation: What turns vectors before they become codes; None: nothing.
        stored: The directory and the file that hold them; None in memory.
    """

    kind: str
    made_for: int
    trained: Any
    rotation: Any = None
    stored: tuple[Path, File] | None = None

    @classmethod
    def train(cls, kind: str, sample: Float32[np.ndarray, "text dim"], count: int) -> "Cells":
        """Cells for an index of `count` texts: spherical k-means with seed 0; equal samples give equal cells."""
        rotation = None
        if kind == "binary":
            rotation = faiss().RandomRotationMatrix(sample.shape[1], sample.shape[1])
            rotation.init(0)
            sample = rotation.apply(sample)
        trained = _structure(kind, faiss().IndexFlatIP(sample.shape[1]), min(number_of(count), len(sample)))
        for clustering in (trained.cp, *([trained.pq.cp] if kind == "ivfpq" else [])):
            clustering.seed, clustering.niter = 0, 10
            clustering.min_points_per_centroid, clustering.max_points_per_centroid = 1, POINTS
        trained.train(sample)
        return cls(kind, count, trained, rotation)

    @property
    def count(self) -> int:
        """The number of cells."""
        return self.trained.nlist

    def same(self, other: "Cells | None") -> bool:
        """Whether these are the same centers and codes, stored or not."""
        return other is not None and other.trained is self.trained

    def probes(self, queries: Float32[np.ndarray, "query dim"], effort: int) -> Probes:
        """The `effort` cells nearest to each query, or all."""
        queries = np.ascontiguousarray(self._turned(queries))
        cosines, cells = self.trained.quantizer.search(queries, min(effort, self.count))
        return Probes(queries, cells, cosines)

    def arrange(self, vectors: Float32[np.ndarray, "text dim"]) -> Any:
        """A FAISS index of these vectors in these cells; row n is vector n."""
        index = self._empty()
        index.add(np.ascontiguousarray(self._turned(vectors)))
        return index

    def open_lists(self, path: Path) -> Any:
        """The FAISS index whose lists `write_lists` wrote, mapped into memory; an error of FAISS for another file."""
        index = self._empty()
        lists = faiss().read_InvertedLists(faiss().FileIOReader(str(path)), faiss().IO_FLAG_MMAP)
        lists.prefetch_nthread = 0  # FAISS would start threads for every search
        index.replace_invlists(lists, True)
        lists.this.disown()
        index.ntotal = index.invlists.compute_ntotal()
        return index

    def store(self, directory: Path) -> "Cells":
        """The same cells in a file of `directory`."""
        if self.stored and self.stored[0] == directory:
            self.stored[1].check(directory, verify=False)
            return self
        whole = self.trained
        if self.rotation is not None:
            whole = faiss().IndexPreTransform(self.rotation, self.trained)

        def write(path: Path) -> None:
            faiss().write_index(whole, str(path))

        return replace(self, stored=(directory, write_file(directory, "cells-{}.faiss", write)))

    @classmethod
    def load(cls, directory: Path, file: File, made_for: int, *, verify: bool) -> "Cells":
        """Cells that were stored. Raises `SearchError` if the file is missing, damaged or another one."""
        path = file.check(directory, verify=verify)
        rotation = None
        with libraries.reading(lambda reason: SearchError(f"{path}: cannot read the index: {reason}")):
            trained = faiss().read_index(str(path))
            if type(trained).__name__ == "IndexPreTransform":
                chain, whole = trained.chain, trained
                rotation = faiss().downcast_VectorTransform(chain.at(0)) if chain.size() == 1 else None
                trained = faiss().downcast_index(whole.index)
                trained.referenced_objects = [whole]  # which owns both
        kinds = dict(zip(_CODEC, CELL_KINDS, strict=True))
        if (
            type(trained).__name__ not in kinds
            or not trained.is_trained
            or trained.metric_type != faiss().METRIC_INNER_PRODUCT
            or trained.quantizer.ntotal != trained.nlist
            or trained.quantizer.d != trained.d
        ):
            raise SearchError(f"{path}: does not hold the cells of an index: damaged, build the index again")
        kind = kinds[type(trained).__name__]
        if (kind == "binary") != (rotation is not None and rotation.d_in == rotation.d_out == trained.d):
            raise SearchError(f"{path}: does not hold the cells of an index: damaged, build the index again")
        return cls(kind, made_for, trained, rotation, (directory, file))

    def _turned(self, vectors: Float32[np.ndarray, "text dim"]) -> Float32[np.ndarray, "text dim"]:
        if self.rotation is None:
            return vectors
        return self.rotation.apply(np.ascontiguousarray(vectors))

    def _empty(self) -> Any:
        index = _structure(self.kind, self.trained.quantizer, self.count)
        if codec := _CODEC[type(self.trained).__name__]:
            setattr(index, codec, getattr(self.trained, codec))
        index.is_trained = True
        index.referenced_objects = [self.trained]  # which owns the centers
        return index


def number_of(count: int) -> int:
    """The number of cells for `count` texts: 4 sqrt(count), with 39 texts or more in each, up to `LARGEST`."""
    return max(1, min(int(4 * count**0.5), count // 39, LARGEST))


def share_of(count: int) -> float:
    """The share of `count` vectors that training looks at: `POINTS` for each cell and code, at most `SAMPLE`."""
    return min(1.0, max(number_of(count), 256) * POINTS / max(count, 1), SAMPLE / max(count, 1))


def search_cells(index: Any, probes: Probes, k: int, selector: Any = None) -> Found:
    """Scores and rows of the k best vectors in the cells of `probes`; row -1 where they hold fewer.

    It is `search_preassigned` of FAISS, whose Python wrapper takes no parameters.
    """
    scores = np.empty((len(probes.queries), k), np.float32)
    rows = np.empty((len(probes.queries), k), np.int64)
    parameters = faiss().SearchParametersIVF(sel=selector, nprobe=probes.cells.shape[1])
    arrays = (probes.cells, probes.cosines, scores, rows)
    pointers = [faiss().swig_ptr(array) for array in arrays]
    index.search_preassigned_c(len(probes.queries), faiss().swig_ptr(probes.queries), k, *pointers, False, parameters)
    return scores, rows


def write_lists(index: Any) -> Callable[[Path], None]:
    """What writes the lists of an index that `Cells.arrange` made."""

    def write(path: Path) -> None:
        faiss().write_InvertedLists(index.invlists, faiss().FileIOWriter(str(path)))

    return write


def _structure(kind: str, centers: Any, cells: int) -> Any:
    """An empty index of FAISS with these centers."""
    shape = centers, centers.d, cells
    measure = faiss().METRIC_INNER_PRODUCT
    if kind == "ivf":
        return faiss().IndexIVFFlat(*shape, measure)
    if kind == "ivfpq":
        return faiss().IndexIVFPQ(*shape, code_bytes(centers.d), 8, measure)
    if kind == "sq8":
        return faiss().IndexIVFScalarQuantizer(*shape, faiss().ScalarQuantizer.QT_8bit, measure)
    return faiss().IndexIVFRaBitQ(*shape, measure)


def code_bytes(dim: int) -> int:
    """The bytes of a vector in "ivfpq": the divisor of `dim` nearest to dim / 4, by ratio.

    >>> code_bytes(384), code_bytes(30), code_bytes(31)
    (96, 6, 31)
    """
    divisors = [number for number in range(1, dim + 1) if dim % number == 0]
    return min(divisors, key=lambda number: abs(math.log(number * 4 / dim)))
