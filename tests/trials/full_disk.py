"""Let the disk fail under every writer, and see that nothing is lost: `python -m tests.trials.full_disk`.

A disk of memory that is filled to a few pages or inodes, or read-only (root alone may make one); calls that fail by
strace; a limit on the size of files. Each time one line says what is wrong and where, or the work goes on without a
cache; the earlier output is whole, nothing is left behind, and the same command succeeds where there is room again.
"""

import argparse
import errno
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tests.trials import processes
from tests.trials.kills import Bench, LossError, Reference
from tests.trials.processes import Ended
from tests.trials.tables import Table
from tests.trials.writers import Writer, named

PAGE = 4096
NEEDY = (
    *("open", "openat", "creat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "link", "symlink"),
    *("ftruncate", "fallocate", "write", "pwrite64", "writev", "fsync"),
)
"""The calls that need room."""
ROOM = 256 << 20
Trials = Iterator[tuple[str, str | None]]


@contextmanager
def disk(place: Path) -> Generator[bool, None, None]:
    """A disk of memory at `place`; yields whether there is one."""
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},nr_inodes=1000000", "tmpfs", str(place)]
    try:
        made = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        made = False
    try:
        yield made
    finally:
        if made:
            subprocess.run(["umount", "-l", str(place)], check=True)


def resize(place: Path, *options: str) -> None:
    """Mount a disk of memory again, with other options."""
    subprocess.run(["mount", "-o", ",".join(("remount", *options)), str(place)], check=True, capture_output=True)


def pages() -> Iterator[int]:
    """0, 1, 2, 3, 4, 6, 8, 12, 16, 24 ..."""
    yield from range(4)
    for power in count(2):
        yield from (1 << power, 3 << (power - 1))


# ---- what must hold ------------------------------------------------------------------------------------


def judged(
    bench: Bench, writer: Writer, reference: Reference, ended: Ended, code: int, again: Callable[[], None]
) -> str | None:
    """What was lost, if anything, when the system answered with the error `code`."""
    try:
        check_words(writer, ended, os.strerror(code))
        bench.check_whole(writer, reference)
        if not ended.code and writer.read(bench.home / writer.output) != reference.new:
            raise LossError("exit code 0 with another output")
        if strays := bench.listing() - reference.listing - bench.names(reference.pristine):
            raise LossError(f"left behind: {', '.join(sorted(strays)[:4])}")
        again()
        bench.check_again(writer, reference)
    except LossError as lost:
        return str(lost)
    return None


def check_words(writer: Writer, ended: Ended, reason: str) -> None:
    """Raise `LossError` unless one line says the reason and a path, and the exit code is 2, or 0 for a cache."""
    lines = [line for line in ended.output.splitlines() if reason.lower() in line.lower()]
    last = ended.output.strip().splitlines()[-1:] or [""]
    if "Traceback" in ended.output:
        raise LossError(f"a traceback: {last[0][-200:]}")
    if ended.code == 2:
        named = [line for line in lines if (line.startswith("simemb:") and "/" in line) or writer.output in line]
        if not named:
            raise LossError(f"no line with {reason!r} and a path: {last[0][-300:]}")
    elif ended.code:
        raise LossError(f"exit code {ended.code}: {last[0][-300:]}")


# ---- the trials ----------------------------------------------------------------------------------------


def small(bench: Bench, writer: Writer, option: str, unit: int) -> Trials:
    """A disk with a little more room than the earlier output takes, until the writer succeeds."""
    reference = bench.reference(writer)
    for more in pages() if unit > 1 else count(0, 2):
        resize(bench.home, f"size={ROOM}", "nr_inodes=1000000")
        bench.begin(reference.pristine)
        state = os.statvfs(bench.home)
        used = (state.f_blocks - state.f_bfree) * state.f_frsize if unit > 1 else _inodes(bench.home)
        resize(bench.home, f"{option}={used + more * unit}")
        ended = bench.work(writer.work)
        again = lambda: resize(bench.home, f"size={ROOM}", "nr_inodes=1000000")  # noqa: E731
        yield f"{option} + {more}", judged(bench, writer, reference, ended, errno.ENOSPC, again)
        if not ended.code and os.strerror(errno.ENOSPC) not in ended.output:
            return


def _inodes(home: Path) -> int:
    return 1 + sum(1 for _ in home.rglob("*"))


def read_only(bench: Bench, writer: Writer) -> Trials:
    """A disk that cannot be written at all."""
    reference = bench.reference(writer)
    bench.begin(reference.pristine)
    resize(bench.home, "ro")
    ended = bench.work(writer.work)
    yield "read-only", judged(bench, writer, reference, ended, errno.EROFS, lambda: resize(bench.home, "rw"))


def failing(bench: Bench, writer: Writer, name: str, step: int, only: int | None = None) -> Trials:
    """Each call that needs room fails once."""
    reference = bench.reference(writer)
    changes = [change for change in reference.changes if change.call in NEEDY]
    for number, change in enumerate(changes):
        if number % step == 0 if only is None else number == only:
            bench.begin(reference.pristine)
            ended = bench.work(writer.work, at=change, error=name)
            lost = judged(bench, writer, reference, ended, getattr(errno, name), lambda: None)
            yield f"{name} {number} of {len(changes)}: {change}", lost


def limited(bench: Bench, writer: Writer) -> Trials:
    """Files may not be larger than so many bytes, as under `ulimit -f`."""
    reference = bench.reference(writer)
    for size in (0, 100, 1000, 10_000):

        def work(inputs: Path, size: int = size) -> int:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            code = writer.work(inputs)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            return code

        bench.begin(reference.pristine)
        ended = bench.work(work)
        yield f"files of {size} bytes", judged(bench, writer, reference, ended, errno.EFBIG, lambda: None)


def main() -> int:
    """Run the trials that the command line asks for; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.trials.full_disk")
    parser.add_argument("--writer", default="", help="a regular expression for the names of writers; by default all")
    parser.add_argument("--kinds", nargs="+", default=["size", "inodes", "read-only", "limit", "ENOSPC", "EDQUOT"])
    parser.add_argument("--step", type=int, default=1, help="of the calls that fail, every n-th")
    parser.add_argument("--case", type=int, help="this call alone")
    options = parser.parse_args()
    table = Table("full disk", named(options.writer))
    with tempfile.TemporaryDirectory(prefix="simemb-disk-") as folder, disk(Path(folder) / "home") as made:
        if not made:
            print("no disk of memory can be mounted here: only calls that fail, and limits", flush=True)
        bench = Bench(Path(folder))
        for writer in table.writers():
            for kind in options.kinds:
                if kind in ("size", "inodes", "read-only") and not made:
                    continue
                if kind.startswith("E") and processes.STRACE is None:
                    continue
                table.add(writer, _trials(bench, writer, kind, options.step, options.case))
    return table.close()


def _trials(bench: Bench, writer: Writer, kind: str, step: int, case: int | None) -> Trials:
    if kind == "size":
        return small(bench, writer, "size", PAGE)
    if kind == "inodes":
        return small(bench, writer, "nr_inodes", 1)
    if kind == "read-only":
        return read_only(bench, writer)
    return limited(bench, writer) if kind == "limit" else failing(bench, writer, kind, step, case)


if __name__ == "__main__":
    sys.exit(main())
