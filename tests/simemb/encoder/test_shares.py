"""Which shards are whose: every shard once, whatever launches the processes."""

from collections.abc import Mapping

import pytest

from simemb.encoder import shares
from simemb.errors import DataError

NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_NTASKS")
ARRAY = ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_STEP")


def launched(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, object]) -> None:
    for name in (*NAMES, *ARRAY):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))


def torchrun(rank: int, world: int) -> dict[str, object]:
    return {"RANK": rank, "WORLD_SIZE": world, "LOCAL_RANK": rank % 2}


def srun(rank: int, world: int) -> dict[str, object]:
    return {"SLURM_PROCID": rank, "SLURM_STEP_NUM_TASKS": world, "SLURM_LOCALID": rank % 2}


def array(rank: int, world: int) -> dict[str, object]:
    return dict(zip(ARRAY, (10 + 5 * rank, world, 10, 5), strict=True))


def steps_in_an_array(rank: int, world: int) -> dict[str, object]:
    return srun(rank % 2, 2) | array(rank // 2, world // 2)


@pytest.mark.parametrize("launch", [torchrun, srun, array, steps_in_an_array])
@pytest.mark.parametrize("total", [None, 1, 5, 8, 64])
def test_every_shard_is_of_one_process(launch, total: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    for rank in range(8):
        launched(monkeypatch, launch(rank, 8))
        mine = shares.share(total)
        assert (mine.rank, mine.world, mine.total) == (rank, 8, total or 8)
        assert len(mine.shards) in ((total or 8) // 8, (total or 8) // 8 + 1)
        found += mine.shards
    assert found == list(range(total or 8))


def test_a_process_on_its_own_takes_all_and_a_named_shard_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    launched(monkeypatch, {"SLURM_NTASKS": 4, "SLURM_PROCID": 0})  # a batch script that is no step
    assert shares.share(3).shards == (0, 1, 2)
    assert shares.local_rank() is None
    launched(monkeypatch, torchrun(1, 2))
    assert shares.share(4, 0).shards == (0,)
    assert shares.local_rank() == 1


@pytest.mark.parametrize(
    ("shards", "shard", "line"),
    [
        (0, None, "shards must be 1 or more, not 0"),
        (4, 4, "shards are numbered from 0: 4 is not in 0 to 3"),
        (None, 1, "shard is one of how many"),
    ],
)
def test_numbers_out_of_range_are_refused(shards: int | None, shard: int | None, line: str) -> None:
    with pytest.raises(DataError, match=line):
        shares.share(shards, shard)


@pytest.mark.parametrize("word", ["3", "3/", "/4", "a/4", "3/4/5", "-1/4", "³/4"])
def test_what_is_no_shard_is_refused(word: str) -> None:
    with pytest.raises(DataError, match="give a shard and how many there are"):
        shares.parsed(word)


def test_a_rank_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    launched(monkeypatch, torchrun(2, 2))
    with pytest.raises(DataError, match="process 2 of 2"):
        shares.share(4)
