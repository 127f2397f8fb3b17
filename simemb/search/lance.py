"""Tables of LanceDB, an embedded store: texts, ids, unit vectors, columns of metadata, and its index of the vectors.

A table is a directory `NAME.lance`, which LanceDB opens by the name in the folder that holds it, and `simemb search` by
its path. The metadata of its schema say which encoder it is of, as `index.json` does for an index.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from simemb import extras, files, libraries
from simemb.arguments import checked
from simemb.encoder.limits import check_dim
from simemb.encoder.models import Model, encoder_of
from simemb.encoder.prompts import announce, prompted
from simemb.encoder.streaming import TextEncoder
from simemb.errors import SearchError, unknown
from simemb.outputs import exists
from simemb.search.finite import finite_unit
from simemb.search.lance_columns import column_of, types_of
from simemb.search.origin import Origin
from simemb.search.rows import Row, check_ids, read_rows

ENDING = ".lance"
KEY = b"simemb"
"""The key of the encoder among the metadata of a table."""
KINDS = ("auto", "exact", "ivf", "ivfpq")
EXACT_LIMIT = 100_000
"""Up to this number of texts, "auto" makes no index: LanceDB compares a query with all vectors."""
LEAST = 256
"""Texts without which product quantization is not trained; and the least in a cell."""
OWN = ("id", "text", "vector")

Kind = Literal["auto", "exact", "ivf", "ivfpq"]


def is_table(path: Path) -> bool:
    """Whether a path is a table of LanceDB."""
    return path.suffix == ENDING and (path / "_versions").is_dir()


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Raise `SearchError` if no table can be written to `path`, or must not."""
    if path.suffix != ENDING or not path.stem:
        raise SearchError(f"{path}: a table of LanceDB is a directory whose name ends in {ENDING}, as texts{ENDING}")
    if path.exists() and not is_table(path):
        raise SearchError(f"{path}: is no table of LanceDB, and is left alone: give another name")
    if path.exists() and not overwrite:
        raise SearchError(exists(path, "a table"))


@checked
def build_table(
    encoder: Model,
    texts: Iterable[str],
    path: str | os.PathLike[str],
    *,
    ids: Iterable[str | int] | None = None,
    metadata: Iterable[Mapping[str, Any]] | None = None,
    kind: Kind = "auto",
    truncate_dim: int | None = None,
    overwrite: bool = False,
    chunk_size: int = 8192,
    progress: Callable[[int], None] | None = None,
    device: str | None = None,
) -> int:
    """Encode texts into a table of LanceDB, in constant memory but for the ids; returns their number.

    Its columns are id, text, vector (unit vectors, a list of fixed size) and those of the metadata. The table appears
    only when it is complete.

    Args:
        encoder: turns texts into vectors; a directory or a hub name is loaded.
        texts: any number of strings, as for `Encoder.encode`.
        path: a directory `NAME.lance`. `lancedb.connect(FOLDER).open_table("NAME")` opens it.
        ids: as for `Index.build`; by default the numbers of the texts from 0.
        metadata: a dict for each text. The type of a column follows from its first `chunk_size` values.
        kind: "exact" has no index; "ivf" (LanceDB's IVF_FLAT) and "ivfpq" (IVF_PQ) have up to 4 sqrt(texts) cells;
            "auto" is exact up to 100,000 texts and ivf above.
        truncate_dim, chunk_size, progress, device: as for `Index.build`.
        overwrite: replace a table that exists there.

    Raises:
        SearchError: an id occurs twice, a vector is not finite, metadata do not fit, or the table cannot be written.
        LibraryError: LanceDB is not installed.
    """
    extras.need("a table of LanceDB", extras.LANCEDB)
    if kind not in KINDS:
        raise SearchError(unknown("kind of index in LanceDB", kind, KINDS))
    place = Path(path)
    check_writable(place, overwrite=overwrite)
    encoder = encoder_of(encoder, device)
    check_dim(truncate_dim, encoder.dim)
    announce(encoder, "document", "query")
    origin = Origin.of(encoder, truncate_dim)
    rows = read_rows(texts, ids, 0, metadata)
    rows = rows if ids is None else check_ids(rows, set(), set())
    batches = _batches(encoder, origin, rows, chunk_size, progress)
    try:
        with files.new_directory(place, check=lambda: check_writable(place, overwrite=overwrite)) as partial:
            return _write(partial, place.name, batches, kind, origin)
    except OSError as error:
        raise SearchError(f"{place}: cannot be written: {error.strerror or error}") from error


def _write(folder: Path, name: str, batches: Iterator[Any], kind: str, origin: Origin) -> int:
    """Make a table in a folder of its own, then put its files in the place of this folder."""
    lancedb: Any = import_module("lancedb")
    first = next(batches, None)
    schema = _schema(origin, {}) if first is None else first.schema
    raised = list[BaseException]()
    reader = pa.RecordBatchReader.from_batches(schema, _watched(chain([first] if first else [], batches), raised))
    with libraries.reading(lambda reason: SearchError(f"{name}: LanceDB cannot write it: {reason}")):
        try:
            table = lancedb.connect(folder / "made").create_table(name.removesuffix(ENDING), data=reader)
        except BaseException:
            if raised:  # what the texts raised: LanceDB has its own words for it
                raise raised[0] from None
            raise
        count = table.count_rows()
        _arrange(table, kind, count)
    for path in (folder / "made" / name).iterdir():
        path.rename(folder / path.name)
    (folder / "made" / name).rmdir()
    (folder / "made").rmdir()
    return count


def _arrange(table: Any, kind: str, count: int) -> None:
    """Make the index of the vectors."""
    kinds: Any = import_module("lancedb.index")
    if kind == "exact" or (kind == "auto" and count <= EXACT_LIMIT) or not count:
        return
    cells = max(1, min(int(4 * count**0.5), count // LEAST))
    if kind == "ivfpq" and count >= LEAST:
        table.create_index("vector", config=kinds.IvfPq(distance_type="cosine", num_partitions=cells))
    else:
        table.create_index("vector", config=kinds.IvfFlat(distance_type="cosine", num_partitions=cells))


def _batches(
    encoder: TextEncoder, origin: Origin, rows: Iterator[Row], size: int, progress: Callable[[int], None] | None
) -> Iterator[Any]:
    """Record batches of the rows with their vectors."""
    schema: Any = None
    done = 0
    while chunk := list(islice(rows, size)):
        texts = [row.text for row in chunk]
        beside = [row.metadata for row in chunk]
        if schema is None:
            schema = _schema(origin, types_of(beside, OWN))
        vectors = encoder.encode(texts, normalize=False, progress=False, **prompted(encoder, "document"))
        vectors = finite_unit(vectors[:, : origin.kept], f"texts from row {done}")
        columns = [column_of(beside, field, done) for field in list(schema)[len(OWN) :]]
        yield _batch(schema, [row.id for row in chunk], texts, vectors, columns)
        done += len(chunk)
        if progress:
            progress(done)


def _batch(schema: Any, ids: Sequence[str], texts: Sequence[str], vectors: np.ndarray, columns: Sequence[Any]) -> Any:
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), type=schema.field("vector").type)
    return pa.RecordBatch.from_arrays(
        [pa.array(ids, pa.string()), pa.array(texts, pa.string()), flat, *columns], schema=schema
    )


def _schema(origin: Origin, beside: Mapping[str, Any]) -> Any:
    own = {"id": pa.string(), "text": pa.string(), "vector": pa.list_(pa.float32(), origin.kept)}
    return pa.schema(own | dict(beside)).with_metadata({KEY: json.dumps(asdict(origin), ensure_ascii=False)})


def _watched(batches: Iterator[Any], raised: list[BaseException]) -> Iterator[Any]:
    """The same batches; what they raise is put into a list."""
    try:
        yield from batches
    except BaseException as error:
        raised.append(error)
        raise
