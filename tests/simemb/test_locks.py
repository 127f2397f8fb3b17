"""One writer at a time: among processes and threads, at once, until the process ends in whatever way."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from simemb.errors import BusyError
from simemb.locks import confirm, lock

HOLDER = """
import sys, time
from pathlib import Path
from simemb.locks import lock
with lock(Path(sys.argv[1])):
    print("holds", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that holds the lock of `output`."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "output")], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def test_a_lock_leaves_nothing_behind_not_even_folders(tmp_path: Path):
    with lock(tmp_path / "runs" / "deep" / "first"):
        assert [path.name for path in (tmp_path / "runs" / "deep").iterdir()] == [".first.simemb.lock"]
    assert list(tmp_path.iterdir()) == []
    with lock(tmp_path / "runs" / "deep" / "first"):
        (tmp_path / "runs" / "kept").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["runs", "kept"]


def test_the_second_process_is_refused_at_once_with_the_number_of_the_first(holder, tmp_path: Path):
    line = f"{tmp_path / 'output'} is being written by process {holder.pid}; choose another --output"
    started = time.monotonic()
    with pytest.raises(BusyError) as caught, lock(tmp_path / "output"):
        pass
    assert str(caught.value) == line
    assert time.monotonic() - started < 5
    (tmp_path / "link").symlink_to("output")
    with pytest.raises(BusyError), lock(tmp_path / "link"):  # the same place by another name
        pass
    with lock(tmp_path / "another"):
        pass


def test_a_lock_dies_with_its_process_and_its_file_with_the_next(holder, tmp_path: Path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / ".output.simemb.lock").exists()
    with lock(tmp_path / "output"):
        confirm(tmp_path / "output")
    assert list(tmp_path.iterdir()) == []


def test_who_may_wait_waits(holder, tmp_path: Path):
    threading.Timer(0.2, holder.kill).start()
    with lock(tmp_path / "output", wait=True):
        assert holder.wait() == -signal.SIGKILL


def test_a_thread_may_write_inside_what_it_holds_and_another_may_not(tmp_path: Path):
    refused: list[bool] = []

    def other() -> None:
        try:
            with lock(tmp_path / "output"):
                refused.append(False)
        except BusyError:
            refused.append(True)

    with lock(tmp_path / "output") as first:
        assert first
        for path in (tmp_path / "output", tmp_path / "output" / "best"):
            with lock(path) as again:
                assert not again
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert refused == [True]


def test_a_lock_that_was_removed_is_noticed_before_anything_is_removed(tmp_path: Path):
    with lock(tmp_path / "output"):
        (tmp_path / ".output.simemb.lock").unlink()
        with pytest.raises(BusyError, match="nothing was replaced"):
            confirm(tmp_path / "output")
    with pytest.raises(BusyError):  # nobody holds it
        confirm(tmp_path / "output")


def test_many_processes_at_once_take_turns(tmp_path: Path):
    program = """
import sys
from pathlib import Path
from simemb.locks import lock
counter = Path(sys.argv[1])
for _ in range(50):
    with lock(counter.with_name("output"), wait=True):
        counter.write_text(str(int(counter.read_text()) + 1))
"""
    counter = tmp_path / "counter"
    counter.write_text("0")
    started = [subprocess.Popen([sys.executable, "-c", program, str(counter)]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in started] == [0, 0, 0]
    assert counter.read_text() == "150"
    assert list(tmp_path.iterdir()) == [counter]


def test_a_place_where_no_file_can_be_is_an_error():
    with pytest.raises(FileNotFoundError), lock(Path("/proc/run")):
        pass


def test_a_forked_child_keeps_no_lock(tmp_path: Path):
    read, write = os.pipe()
    with lock(tmp_path / "output"):
        child = os.fork()
        if not child:
            os.read(read, 1)
            os._exit(0)
    try:
        with lock(tmp_path / "output"):
            pass
    finally:
        os.write(write, b"x")
        os.waitpid(child, 0)


def test_the_lock_lies_inside_where_the_folder_above_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "volume").mkdir()
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != tmp_path)  # root may write everywhere
    with lock(tmp_path / "volume"):
        assert [path.name for path in tmp_path.rglob("*")] == ["volume", ".simemb.lock"]
    assert list((tmp_path / "volume").iterdir()) == []


def test_links_in_a_circle_and_the_root_raise_what_the_system_says(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"), lock(tmp_path / "a"):
        pass
    with pytest.raises(OSError, match="too long"), lock(tmp_path / ("x" * 300)):
        pass


def test_a_disk_that_is_full_leaves_no_lock_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for call in ("open", "pwrite"):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, full)
            with pytest.raises(OSError, match="No space left"), lock(tmp_path / "runs" / "deep" / "first"):
                pass
        assert list(tmp_path.iterdir()) == []
        with lock(tmp_path / "runs" / "deep" / "first"):
            pass
