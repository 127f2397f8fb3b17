"""Shards on a Ray cluster of this machine: the same files, also where an actor is killed."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simemb import encode_shards
from simemb.encoder.ray_engine import Job, encode_on_ray
from simemb.errors import DataError

ray: Any = pytest.importorskip("ray", reason='needs Ray: pip install "simemb[ray]"')

pytestmark = [pytest.mark.slow, pytest.mark.timeout(500), pytest.mark.filterwarnings("ignore")]
TEXTS = [f"the man sees a dog and the {row} apple" for row in range(60_000)]


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Any:
    ray.init(num_cpus=3, log_to_driver=False, include_dashboard=False)
    yield
    ray.shutdown()


def actors() -> list[psutil.Process]:
    """The processes of actors that this test has started."""
    ours = psutil.Process().children(recursive=True)
    return [process for process in ours if "MapWorker" in " ".join(process.cmdline())]


def kill_one(folder: Path, killed: list[int]) -> None:
    """Kill an actor once it has written something."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        if len(list(folder.glob("*.parquet"))) >= 2 and (found := actors()):
            killed.append(found[0].pid)
            os.kill(found[0].pid, signal.SIGKILL)
            return
        time.sleep(0.01)


def test_a_killed_actor_costs_a_shard_and_the_files_are_the_same(tiny_base: Path, tmp_path: Path) -> None:
    place = tmp_path / "texts.parquet"
    pq.write_table(pa.table({"text": TEXTS}), place, row_group_size=5000)
    killed: list[int] = []
    killer = threading.Thread(target=kill_one, args=(tmp_path / "ray", killed))
    killer.start()
    job = Job(str(tiny_base), str(place), tmp_path / "ray")
    written, shards = encode_on_ray(job, shards=12, workers=2)
    killer.join()
    assert len(killed) == 1
    assert shards == 12
    assert written <= len(TEXTS)
    encode_shards(tiny_base, place, tmp_path / "here", shards=12)
    files = {path.name: path.read_bytes() for path in (tmp_path / "ray").glob("*.parquet")}
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "here").glob("*.parquet")}
    assert sorted(path.name for path in (tmp_path / "ray").iterdir()) == sorted([*files, "plan.json"])
    # Resumed, nothing is left to do; and what an actor raises is one line.
    assert encode_on_ray(job, workers=2, resume=True) == (0, 12)
    with pytest.raises(DataError, match=r"00000-of-00012\.parquet exists: --resume goes on"):
        encode_on_ray(job, shards=12)
    with pytest.raises(DataError, match=r"no file or corpus 'nowhere\.txt'"):
        encode_on_ray(Job(str(tiny_base), "nowhere.txt", tmp_path / "other"), shards=1, workers=1)
