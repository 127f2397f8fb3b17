"""Shards on Ray: an actor for each device of a cluster encodes shard after shard, and Ray replaces an actor that dies.

Ray Data hands out the numbers of the shards; an actor reads the texts of its shard and writes the file, as a process of
`encode_shards` does. So the files are the same, and what was written stays, whatever is killed.
"""

import logging
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from simemb import extras
from simemb.corpus.collection import Columns, Data, Reader, absolute
from simemb.encoder.encoder import Encoder
from simemb.encoder.precision import Precision
from simemb.encoder.prompts import Role, prompt_for, resolve
from simemb.encoder.shard_plan import Plan, path_of, read_record
from simemb.encoder.shards import Work, share_of
from simemb.encoder.shares import Share
from simemb.encoder.streaming import Options
from simemb.encoder.vector_types import StoredAs
from simemb.errors import DataError, DeviceError, SimembError
from simemb.libraries import reason

log = logging.getLogger("simemb")

SHARDS = 4
"""Shards for each worker, by default: what a worker loses when it dies is part of one."""


@dataclass(frozen=True)
class Job:
    """All that an actor must know; see `encode_shards`. The model is a name that every machine can load."""

    model: str
    data: Data
    output: Path
    columns: Columns = field(default_factory=Columns)
    options: Options = field(default_factory=lambda: Options(progress=False))
    prompt: str | None = None
    prompt_name: str | None = None
    role: Role = "text"
    stored: StoredAs = "float32"
    pooling: str | None = None
    precision: Precision | None = None
    overwrite: bool = False

    def work(self, shards: int, *, overwrite: bool) -> Work:
        """The work of a process that takes all shards."""
        encoder = Encoder.load(self.model, pooling=self.pooling, precision=self.precision)
        words = resolve(encoder.prompts, encoder.default_prompt, self.prompt, self.prompt_name)
        if self.prompt is None and self.prompt_name is None:
            words = prompt_for(encoder, self.role)
        options, mine = replace(self.options, prompt=words), Share(tuple(range(shards)), shards)
        return Work(encoder, self.output, mine, options, self.stored, resume=not overwrite, overwrite=overwrite)


class Actor:
    """A process on one device, which writes the shards that Ray gives it."""

    def __init__(self, job: Job, shards: int) -> None:
        self._work = job.work(shards, overwrite=job.overwrite)
        self._plan, collection = replace(self._work, overwrite=False).settle(job.data, job.columns)
        self._reader = Reader(collection)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Write the shards of a batch; gives the number of vectors of each."""
        written: list[int] = []
        for shard in map(int, batch["shard"]):
            work = replace(self._work, mine=Share((shard,), self._plan.shards))
            written.append(work.write(self._plan, self._reader))
        return {"shard": batch["shard"], "vectors": written}


def encode_on_ray(
    job: Job, *, shards: int | None = None, workers: int | None = None, resume: bool = False
) -> tuple[int, int]:
    """Encode a corpus into shards on a Ray cluster; returns the number of vectors written, and of shards in all.

    It is the cluster of RAY_ADDRESS or of the job that this program is in, else one of this machine alone.

    Args:
        job: what is encoded, and how. `output` is a folder that every machine sees.
        shards: how many there are; by default four for each worker.
        workers: how many actors; by default one for each GPU of the cluster, or for each CPU where it has no GPU.
        resume: leave shards as they are that are there already.

    Raises:
        DataError: as `encode_shards`.
        LibraryError: Ray is not installed.
    """
    extras.need("engine ray", extras.RAY)
    if workers is not None and workers < 1:
        raise DataError(f"workers must be 1 or more, not {workers}")
    job = replace(job, output=job.output.resolve(), data=absolute(job.data))
    record = read_record(job.output) if resume and shards is None else None
    shards = record.plan.shards if record else shards
    if shards is not None:
        share_of(job.output, shards, None, resume=resume, overwrite=job.overwrite)
    with _cluster() as (gpus, cpus), _told():
        workers = workers or gpus or cpus
        mine = share_of(job.output, shards or SHARDS * workers, None, resume=resume, overwrite=job.overwrite)
        claim: dict[str, float] = {"num_gpus": min(1.0, gpus / workers)} if gpus else {"num_cpus": 1}
        plan = _on_an_actor(job, mine.total, claim)
        there = [shard for shard in mine.shards if path_of(job.output, shard, plan.shards).exists()]
        missing = [shard for shard in mine.shards if job.overwrite or shard not in there]
        log.info("%d of %d shards, on up to %d workers", len(missing), plan.shards, workers)
        return _written(job, plan, missing, min(workers, len(missing)), claim), plan.shards


@contextmanager
def _cluster() -> Generator[tuple[int, int]]:
    """The GPUs and CPUs of the cluster. One that was started for this block ends with it."""
    ray: Any = import_module("ray")
    ours = not ray.is_initialized()
    if ours:
        ray.init(log_to_driver=False, logging_level=logging.ERROR)
    try:
        found: dict[str, float] = ray.cluster_resources()
        yield int(found.get("GPU", 0)), max(1, int(found.get("CPU", 1)))
    finally:
        if ours:
            ray.shutdown()


@contextmanager
def _told() -> Generator[None]:
    """Raise what an actor raised, without Ray's pages about it."""
    try:
        yield
    except Exception as error:
        raised: BaseException | None = error
        while raised is not None:
            cause = getattr(raised, "cause", None)
            if isinstance(cause, SimembError):
                raise type(cause)(*cause.args) from None
            raised = cause or raised.__cause__
        if type(error).__module__.startswith("ray."):
            raise DeviceError(f"Ray: {reason(error)}; --resume goes on with the shards that are missing") from error
        raise


def _on_an_actor(job: Job, shards: int, claim: Mapping[str, float]) -> Plan:
    """Write the plan on a device like those of the actors, so that its precision is theirs."""
    ray: Any = import_module("ray")

    def settle() -> Plan:
        plan, _ = job.work(shards, overwrite=job.overwrite).settle(job.data, job.columns)
        return plan

    return ray.get(ray.remote(settle).options(**claim).remote())


def _written(job: Job, plan: Plan, missing: list[int], workers: int, claim: dict[str, float]) -> int:
    """Write shards; returns the number of vectors."""
    if not missing:
        return 0
    data: Any = import_module("ray.data")
    data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    numbers = data.from_items([{"shard": shard} for shard in missing], override_num_blocks=len(missing))
    done = numbers.map_batches(
        Actor,
        fn_constructor_args=(job, plan.shards),
        batch_size=1,
        compute=data.ActorPoolStrategy(size=workers),
        **claim,
    )
    return sum(int(row["vectors"]) for row in done.take_all())
