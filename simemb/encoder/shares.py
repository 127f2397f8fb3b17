"""Which shards of a corpus are this process's: those that were named, or its share of all in a launch.

A launch is torchrun's (RANK and WORLD_SIZE), a Slurm step's (SLURM_PROCID, SLURM_STEP_NUM_TASKS) or a Slurm array's
(SLURM_ARRAY_TASK_ID ...); steps within an array count on. Each process takes shards that follow one another, so that
it reads on where a shard ends.
"""

import os
from dataclasses import dataclass

from simemb.errors import DataError


@dataclass(frozen=True)
class Share:
    """Shards of `total`, and the rank of `world` processes that they are for; a process on its own is 0 of 1."""

    shards: tuple[int, ...]
    total: int
    rank: int = 0
    world: int = 1


def share(shards: int | None = None, shard: int | None = None) -> Share:
    """The shards of this process.

    shards: how many there are; by default one for each process. shard: the only one to take, from 0.

    Raises:
        DataError: a number out of its range.
    """
    if shards is not None and shards < 1:
        raise DataError(f"shards must be 1 or more, not {shards}")
    if shard is not None:
        if shards is None:
            raise DataError("shard is one of how many? shards says it")
        if not 0 <= shard < shards:
            raise DataError(f"shards are numbered from 0: {shard} is not in 0 to {shards - 1}")
        return Share((shard,), shards)
    rank, world = _place()
    total = world if shards is None else shards
    return Share(tuple(range(rank * total // world, (rank + 1) * total // world)), total, rank, world)


def parsed(word: str) -> tuple[int, int]:
    """The shard and how many there are. Raises `DataError` for what is not like 3/64.

    >>> parsed("3/64")
    (3, 64)
    """
    shard, slash, shards = word.partition("/")
    if not (slash and shard.isascii() and shard.isdecimal() and shards.isascii() and shards.isdecimal()):
        raise DataError(f"--shard {word}: give a shard and how many there are, as 0/64 (the first) to 63/64")
    return int(shard), int(shards)


def local_rank() -> int | None:
    """The number of this process on its machine, in a launch; it says which GPU is its own."""
    return next(filter(_is_known, map(_number, ("LOCAL_RANK", "SLURM_LOCALID"))), None) if _place()[1] > 1 else None


def _place() -> tuple[int, int]:
    """The rank of this process and how many there are. Raises `DataError` for a rank that cannot be."""
    rank, world = _number("RANK"), _number("WORLD_SIZE")
    if rank is None or world is None:
        rank, world = _number("SLURM_PROCID"), _number("SLURM_STEP_NUM_TASKS")
    if rank is None or world is None:
        rank, world = 0, 1
    task, tasks = _number("SLURM_ARRAY_TASK_ID"), _number("SLURM_ARRAY_TASK_COUNT")
    if task is not None and tasks is not None:
        first, step = _number("SLURM_ARRAY_TASK_MIN") or 0, _number("SLURM_ARRAY_TASK_STEP") or 1
        rank, world = rank + (task - first) // step * world, world * tasks
    if not 0 <= rank < world:
        raise DataError(f"the environment says that this is process {rank} of {world} (RANK, WORLD_SIZE, SLURM_...)")
    return rank, world


def _number(name: str) -> int | None:
    """A whole number of the environment; None where there is none."""
    word = os.environ.get(name, "")
    return int(word) if word.isdecimal() else None


def _is_known(number: int | None) -> bool:
    return number is not None
