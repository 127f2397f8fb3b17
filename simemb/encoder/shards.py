"""Vectors of a corpus in shards: files that are whole or absent, written by any number of processes in any order.

Each process takes its shards (`simemb.encoder.shares`) of the plan that all follow (`simemb.encoder.shard_plan`). They
need no word with each other: a folder that all of them see is enough, and a process that ended goes on with `resume`.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import tee
from pathlib import Path
from typing import Any

from simemb import files
from simemb.arguments import checked
from simemb.corpus.collection import Collection, Columns, Data, Reader
from simemb.corpus.documents import Document
from simemb.encoder import vector_types
from simemb.encoder.limits import check_dim
from simemb.encoder.models import Model, encoder_of
from simemb.encoder.precision import Precision, kin, name_of
from simemb.encoder.prompts import resolve, used
from simemb.encoder.shard_plan import (
    FORMAT,
    PLAN,
    Plan,
    header_of,
    path_of,
    read_header,
    read_record,
    shards_in,
    write_record,
)
from simemb.encoder.shares import Share, share
from simemb.encoder.streaming import Devices, Encodes, Options, spread, stream
from simemb.encoder.vector_files import ParquetWriter, write_blocks
from simemb.encoder.vector_types import StoredAs
from simemb.errors import BusyError, DataError
from simemb.progress import track
from simemb.texts import Texts

log = logging.getLogger("simemb")

SAMPLE = 4096
"""Texts on which the scales of int8 are measured."""


@checked
def encode_shards(
    model: Model,
    data: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    shards: int | None = None,
    shard: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    dtype: StoredAs = "float32",
    column: str | None = None,
    ids: str | None = None,
    titles: str | None = None,
    delimiter: str | None = None,
    header: bool = True,
    normalize: bool = False,
    truncate_dim: int | None = None,
    prompt: str | None = None,
    prompt_name: str | None = None,
    batch_size: int | None = None,
    device: str | None = None,
    devices: Devices | None = None,
    precision: Precision | None = None,
) -> int:
    """Encode a corpus into a folder of Parquet files, as one of any number of processes; returns its vectors.

    Shard i of n holds the texts from i N // n to (i + 1) N // n - 1 of N, so all files, in order, are the corpus. Its
    columns are id (if the texts have ids), text and embedding (a list of fixed size). Killed at any moment and called
    again with `resume`, it leaves the same files. Memory is constant but for the ids of one shard, which must differ.

    Args:
        model: an encoder, a directory or a hub name.
        data: a file, a folder, a pattern (`corpus/*.parquet`) or a corpus, or a list of these.
        output: the folder; made if it is missing.
        shards: how many there are; by default one for each process of the launch.
        shard: the only one to write, from 0; by default this process's share (`simemb.encoder.shares`).
        resume: leave shards as they are that are there already.
        overwrite: write them again, also over those of another encoder or of other texts.
        dtype: float32, float16, int8 (times the scales that the metadata hold) or binary (the signs, 8 to a byte).
        column, ids, titles, delimiter, header: how the texts are read, see `simemb.corpus.documents.open_documents`.
        normalize, truncate_dim, prompt, prompt_name, batch_size, devices: see `Encoder.encode`.
        device, precision: of a model given by name, see `Encoder.load`.

    Raises:
        DataError: the data cannot be read; or the folder holds shards already, or those of something else.
        SimembError: as for `Encoder.load` and `Encoder.encode`.
    """
    vector_types.check(dtype)
    folder = Path(output)
    mine = share_of(folder, shards, shard, resume=resume, overwrite=overwrite)
    encoder = encoder_of(model, device, precision)
    check_dim(truncate_dim, encoder.dim)
    if not isinstance(encoder, Encodes):
        raise DataError(f"{encoder.name} is of another library, which does not write vectors to files")
    words = resolve(encoder.prompts, encoder.default_prompt, prompt, prompt_name)
    options = Options(normalize, truncate_dim, batch_size, False, words)
    columns = Columns(column, ids, titles, delimiter, header)
    work = Work(encoder, folder, mine, options, dtype, resume=resume, overwrite=overwrite)
    with spread(encoder, devices):
        plan, collection = work.settle(data, columns)
        return work.write(plan, Reader(collection))


def share_of(folder: Path, shards: int | None, shard: int | None, *, resume: bool, overwrite: bool) -> Share:
    """The shards of this process (`simemb.encoder.shares.share`); with `resume` there are as many as the folder has.

    Raises `DataError`, before any work, for a folder in which they must not or cannot be written.
    """
    if resume and overwrite:
        raise DataError("--resume keeps the shards that are there, and --overwrite writes them again: give one of them")
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: a file, where the folder of the shards should be")
    record = read_record(folder) if resume and shards is None else None
    mine = share(record.plan.shards if record else shards, shard)
    if overwrite:
        return mine
    others = [path for path, _, total in shards_in(folder) if total != mine.total]
    if others:
        raise DataError(f"{folder}: holds {others[0].name}, and not shards of {mine.total}: give another --output")
    there = [path for shard in mine.shards if (path := path_of(folder, shard, mine.total)).exists()]
    if there and not resume:
        raise DataError(f"{there[0]} exists: --resume goes on with what is missing, --overwrite writes it again")
    return mine


@dataclass(frozen=True)
class Work:
    """What a process does: its shards of a folder, with an encoder and the options of its vectors."""

    encoder: Any
    folder: Path
    mine: Share
    options: Options
    stored: StoredAs
    resume: bool = False
    overwrite: bool = False

    def settle(self, data: Data, columns: Columns) -> tuple[Plan, Collection]:
        """The plan of the folder, which is written if there is none, and the texts.

        Processes that begin together wait for the first: the others find what it has counted. Raises `DataError` if
        the folder has another plan, without `overwrite`.
        """
        try:
            with files.writing(self.folder / PLAN, wait=True):
                found = read_record(self.folder)
                collection = Collection(data, columns, known=found.parts if found else ())
                self._refuse_inside(collection)
                plan = self._plan(collection)
                other = plan.other_than(found.plan) if found else "no plan"
                if found and other is None:
                    plan = found.plan
                elif found and not self.overwrite:
                    raise DataError(f"{self.folder}: its vectors {other}: give another --output, or --overwrite")
                else:
                    if self.stored == "int8":
                        plan = replace(plan, scales=self._scales(collection))
                    write_record(self.folder, plan, collection.parts)
                if self.overwrite:
                    self._remove(plan, everything=other is not None)
        except OSError as error:
            raise DataError(f"{self.folder}: cannot be written: {error.strerror}") from error
        return plan, collection

    def write(self, plan: Plan, reader: Reader) -> int:
        """Write the shards of this process; returns how many vectors were written."""
        missing = [shard for shard in self.mine.shards if not self._is_there(plan, shard)]
        total = sum(stop - start for start, stop in map(plan.rows, missing))
        written = 0
        with track("encoding", total=total) as advance:
            for shard in missing:
                written += self._write_shard(plan, reader, shard, advance)
        return written

    def _refuse_inside(self, collection: Collection) -> None:
        """Raise `DataError` if the folder is among the files of the texts: its shards would be texts the next time."""
        place = self.folder.resolve()
        if any(Path(part.name).resolve().is_relative_to(place) for part in collection.parts if part.modified):
            raise DataError(f"{self.folder}: the texts are in this folder: give another --output")

    def _plan(self, collection: Collection) -> Plan:
        encoder, options = self.encoder, self.options
        name = str(Path(encoder.name).resolve()) if Path(encoder.name).is_dir() else encoder.name
        return Plan(
            format=FORMAT,
            encoder=name,
            fingerprint=kin(encoder),
            precision=name_of(encoder),
            dim=encoder.dim,
            truncate_dim=options.truncate_dim,
            normalize=options.normalize,
            prompt=options.prompt,
            prompts=used(encoder, "document", "query"),
            input=collection.digest(),
            count=collection.count,
            has_ids=collection.has_ids,
            shards=self.mine.total,
            stored=self.stored,
        )

    def _scales(self, collection: Collection) -> tuple[float, ...]:
        """The scales of int8, on a sample of the texts."""
        import numpy as np

        blocks = [vectors for _, vectors in stream(self.encoder, Texts(collection.sample(SAMPLE)), self.options)]
        return vector_types.scales_of(np.concatenate(blocks)) if blocks else (1.0,) * self.encoder.dim

    def _remove(self, plan: Plan, *, everything: bool) -> None:
        """Remove the shards of other plans: all of them if the plan is new, else those of another number."""
        for path, _, total in shards_in(self.folder):
            if everything or total != plan.shards:
                path.unlink()

    def _is_there(self, plan: Plan, shard: int) -> bool:
        """Whether a shard need not be written. Raises `DataError` if a file in its place is something else."""
        path = path_of(self.folder, shard, plan.shards)
        if self.overwrite or not path.exists():
            return False
        if other := header_of(plan, shard).other_than(read_header(path)):
            raise DataError(f"{path}: its vectors {other}: give another --output, or --overwrite")
        with suppress(BusyError), files.writing(path):
            pass  # what a writer left that was killed between the last two steps
        return True

    def _write_shard(self, plan: Plan, reader: Reader, shard: int, advance: Callable[[int], None]) -> int:
        """One shard. With `resume` another process that is writing it is left alone."""
        path, header = path_of(self.folder, shard, plan.shards), header_of(plan, shard)
        of_texts, of_ids = tee(reader.documents(header.start, header.stop))
        blocks = stream(self.encoder, Texts(_counted(of_texts, advance)), self.options)
        writer = partial(
            ParquetWriter,
            width=plan.width,
            has_ids=plan.has_ids,
            stored=self.stored,
            scales=plan.scales,
            metadata=header.metadata(),
        )
        ids = (str(document.id) for document in of_ids) if plan.has_ids else None
        try:
            return write_blocks(blocks, path, writer, overwrite=self.overwrite, ids=ids)
        except BusyError as busy:
            if not self.resume:
                raise
            log.warning("%s", busy)
            return 0


def _counted(documents: Iterator[Document], advance: Callable[[int], None]) -> Iterator[str]:
    for document in documents:
        advance(1)
        yield document.text
