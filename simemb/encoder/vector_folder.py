"""A folder of shards as one stream: texts, ids and vectors in the order of the corpus, in constant memory."""

from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy as np

from simemb import libraries
from simemb.encoder.shard_plan import PLAN, Header, Plan, header_of, path_of, read_header, shards_in
from simemb.encoder.vector_files import Vectors
from simemb.encoder.vector_types import unpacked
from simemb.errors import DataError

ROWS = 4096
"""Rows in memory at once."""


def holds_shards(folder: Path) -> bool:
    """Whether a folder is one that `simemb encode` writes shards to."""
    return folder.is_dir() and ((folder / PLAN).is_file() or next(shards_in(folder), None) is not None)


class VectorFolder:
    """The shards of a corpus, all of one plan.

    Attributes:
        plan: what they have in common.
        paths: their files, in the order of the texts.

    Raises:
        DataError: a shard is missing or damaged, or the folder holds Parquet files of something else.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not holds_shards(folder):
            raise DataError(f"{folder}: no folder of vectors: simemb encode MODEL INPUT --output FOLDER makes one")
        strange = sorted(set(folder.glob("*.parquet")) - {path for path, _, _ in shards_in(folder)})
        if strange:
            raise DataError(f"{strange[0]}: no shard of these vectors: keep it in another folder")
        self.plan, self.paths = _whole(folder)

    def texts(self) -> Iterator[str]:
        """The texts, in order."""
        return self._strings("text")

    def ids(self) -> Iterator[str] | None:
        """The ids of the texts; None if they have none."""
        return self._strings("id") if self.plan.has_ids else None

    def vectors(self) -> Iterator[Vectors]:
        """The vectors in float32, some [rows, width] at a time."""
        plan = self.plan
        for column in self._columns("embedding"):
            numbers = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
            yield unpacked(numbers, plan.stored, plan.scales, plan.width)

    def rows(self) -> Iterator[tuple[str, str, Vectors]]:
        """The id, the text and the vector [width] of each text; without ids it is the number of the text, from 0."""
        ids = self.ids() or map(str, count())
        vectors = chain.from_iterable(self.vectors())
        return ((name, text, vector) for name, text, vector in zip(ids, self.texts(), vectors, strict=False))

    def _strings(self, name: str) -> Iterator[str]:
        for column in self._columns(name):
            yield from column.to_pylist()

    def _columns(self, name: str) -> Iterator[Any]:
        """Pieces of one column."""
        import pyarrow.parquet as pq

        for path in self.paths:
            with pq.ParquetFile(path) as file:
                batches = file.iter_batches(batch_size=ROWS, columns=[name])
                while (batch := _next(batches, path)) is not None:
                    yield batch.column(0)


def _next(batches: Iterator[Any], path: Path) -> Any:
    with libraries.reading(
        lambda reason: DataError(f"{path}: damaged ({reason}): remove it, and encode with --resume")
    ):
        return next(batches, None)


def _whole(folder: Path) -> tuple[Plan, list[Path]]:
    """The plan and the files of a folder in which no shard is missing."""
    found = list(shards_in(folder))
    headers = [read_header(path) for path, _, _ in found]
    if not headers:
        raise DataError(f"{folder}: no shard is there yet: simemb encode ... --resume makes them")
    plan = headers[0].plan
    for (path, shard, _), header in zip(found, headers, strict=True):
        _check(path, shard, header, plan)
    missing = [path.name for shard in range(plan.shards) if not (path := path_of(folder, shard, plan.shards)).exists()]
    if missing:
        names = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
        count = f"{len(missing)} of {plan.shards} shards are missing ({names})"
        raise DataError(f"{folder}: {count}: simemb encode ... --resume makes them")
    return plan, [path for path, _, _ in found]


def _check(path: Path, shard: int, header: Header, plan: Plan) -> None:
    if other := header_of(plan, shard).other_than(header):
        raise DataError(f"{path}: its vectors {other}: a folder has shards of one encoder and one corpus")


class Taken:
    """Vectors that come in pieces of any size, taken as many at a time as are asked for."""

    def __init__(self, pieces: Iterator[Vectors]) -> None:
        self._pieces, self._rest = pieces, list[Vectors]()

    def take(self, count: int) -> Vectors:
        """The next `count` vectors, or all that are left."""
        while sum(map(len, self._rest)) < count and (piece := next(self._pieces, None)) is not None:
            self._rest.append(piece)
        whole = _joined(self._rest)
        self._rest = [whole[count:]]
        return whole[:count]


def _joined(pieces: Sequence[Vectors]) -> Vectors:
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
