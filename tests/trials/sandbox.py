"""A piece of work in a forked child, with a limit on its time, its memory and the size of its files.

The parent has imported everything and computed nothing, so a child begins at once, in the same state each time; what
kills or hangs it is the work's own doing.
"""

import logging
import os
import resource
import select
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECONDS = 20
"""Seconds of the processor after which work counts as hanging; that a machine is busy is no fault of the work."""
PATIENCE = 30.0
"""Seconds by the clock in which work that hangs does not take even a hundredth of them."""
MEMORY = 2 << 30
"""Bytes of address space that work may take on top of what its parent has."""
FILE = 1 << 29
"""Bytes that a file may have."""


@dataclass(frozen=True)
class Ended:
    """How work came to its end.

    code: the exit code; negative, the signal that killed the child. out, err: what it wrote.
    """

    code: int
    out: str
    err: str
    hung: bool = False


def run(work: Callable[[], int], folder: Path) -> Ended:
    """Do the work in a child, in this folder; its result is the exit code."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        child = os.fork()
        if child == 0:
            _child(work, folder, out.fileno(), err.fileno())
        code, hung = _awaited(child)
        texts = [_content(file.fileno()) for file in (out, err)]
    return Ended(code, *texts, hung=hung or code == -signal.SIGXCPU)


def _child(work: Callable[[], int], folder: Path, out: int, err: int) -> None:
    code = 1
    try:
        os.setpgid(0, 0)
        for source, target in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
            os.dup2(source, target)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8") for number in (1, 2))  # as they began
        for handler in logging.getLogger("transformers").handlers:  # which began with the streams of the parent
            if isinstance(handler, logging.StreamHandler):
                handler.stream, handler.flush = sys.stderr, sys.stderr.flush
        os.chdir(folder)
        _limit()
        code = work()
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def _limit() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else 0
    memory = pages * resource.getpagesize() + MEMORY
    limits = {
        resource.RLIMIT_CPU: SECONDS,
        resource.RLIMIT_AS: memory if pages else resource.RLIM_INFINITY,
        resource.RLIMIT_FSIZE: FILE,
        resource.RLIMIT_CORE: 0,
    }
    for name, limit in limits.items():
        resource.setrlimit(name, (limit, resource.getrlimit(name)[1]))


def _awaited(child: int) -> tuple[int, bool]:
    """The exit code of a child, and whether it had to be stopped; whatever it has started ends with it."""
    handle = os.pidfd_open(child)
    try:
        spent, hung = 0.0, False
        while not hung and not select.select([handle], [], [], PATIENCE)[0]:
            earlier, spent = spent, _processor_time(child)
            hung = spent - earlier < PATIENCE / 100
        _kill(child)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), hung
    finally:
        os.close(handle)


def _processor_time(child: int) -> float:
    """The seconds of the processor that a child has taken."""
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _content(descriptor: int) -> str:
    return os.pread(descriptor, 1 << 20, 0).decode("utf-8", "replace")
