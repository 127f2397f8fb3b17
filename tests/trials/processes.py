"""A writer in a process of its own: to its end, watched, killed before a change of the disk, or on a disk that fails.

Processes are forked from one that has imported everything and computed nothing, since Python and torch take seconds to
start. strace watches them where it is at hand, so that what libraries in C++ and Rust write is seen too; where it is
not, Python's audit events are counted.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from simemb.errors import SimembError

STRACE = shutil.which("strace")

NAMING = (
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "creat"),
    *("link", "linkat", "symlink", "symlinkat", "ftruncate", "truncate"),
)
WRITING = ("write", "pwrite64", "writev", "fsync", "fdatasync", "fallocate")
_AUDITED = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
_CALL = re.compile(r"(?P<process>\d+) +(?P<call>\w+)\((?P<arguments>.*)")


@dataclass(frozen=True)
class Change:
    """A system call of a writer (or an audit event of Python): the `number`-th of its kind in its thread."""

    call: str
    number: int
    arguments: str = ""

    def __str__(self) -> str:
        return f"{self.call} {self.number} ({self.arguments[:90]})"


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code, or less than 0 for a signal; its output, and the changes that were seen."""

    code: int
    output: str
    changes: tuple[Change, ...] = ()

    @property
    def killed(self) -> bool:
        """Whether it was."""
        return self.code == -signal.SIGKILL


def warm(modules: list[str]) -> None:
    """Import what processes import, so that they need not."""
    for name in modules:
        try:
            import_module(name)
        except Exception:  # one that cannot be imported alone
            continue


def run(
    work: Callable[[], int],
    home: Path,
    *,
    watch: bool = False,
    at: Change | None = None,
    error: str = "",
    after: float | None = None,
    prepare: Callable[[], None] = lambda: None,
) -> Ended:
    """Run `work` in `home`.

    watch: see all changes. at: killed before that change; with `error` (ENOSPC ...) the call fails instead. after:
    killed after that many seconds. prepare: called in the process, before the work.
    """
    trace, modules = (home.with_name(f"{home.name}.{name}") for name in ("trace", "modules"))
    reading, go = os.pipe()
    said, output = os.pipe()
    child = os.fork()
    if not child:
        os.close(go)
        _work(work, home, output, modules, reading, [watch, at], prepare)
    os.close(reading)
    os.close(output)
    lines: list[str] = []
    listener = threading.Thread(target=_listen, args=(said, lines))
    listener.start()
    tracer = _attach(child, trace, at, error) if STRACE and (watch or at) else None
    os.write(go, b"go")
    os.close(go)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if tracer is not None:
        tracer.wait()
    listener.join()
    changes = (_traced(trace, home) if STRACE else _counted(trace)) if watch else ()
    return Ended(code, "".join(lines), changes)


def _listen(said: int, lines: list[str]) -> None:
    with os.fdopen(said, errors="replace") as output:
        lines.extend(output)


def imported(home: Path) -> list[str]:
    """The modules of the last process that came to its end."""
    return home.with_name(f"{home.name}.modules").read_text().split()


def _work(
    work: Callable[[], int],
    home: Path,
    output: int,
    modules: Path,
    reading: int,
    audit: list[object],
    prepare: Callable[[], None],
) -> None:
    """The whole of a child; never returns."""
    code = 70
    try:
        os.chdir(home)
        os.dup2(output, 1)
        os.dup2(output, 2)
        # Those of this process may have been files, which can be sought in.
        sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
        os.read(reading, 2)
        prepare()
        if not STRACE and any(audit):
            _audit(home, audit[1])
        code = work()
        sys.stdout.flush()
        if not any(audit):
            modules.write_text("\n".join(sys.modules))
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else 1
    except SimembError as error:  # of a call of the library: told as the command line tells it
        code = 2
        sys.stderr.write(f"simemb: {error}\n")
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


# ---- strace --------------------------------------------------------------------------------------------


def _attach(child: int, trace: Path, at: Change | None, error: str) -> subprocess.Popen[bytes]:
    calls = ",".join((*NAMING, "openat", "open", *WRITING)) if at is None else at.call
    words = [str(STRACE), "-f", "-qq", "-s", "200", "-p", str(child), "-o", str(trace), "-e", f"trace={calls}"]
    if at is not None:
        what = f"error={error}" if error else "signal=SIGKILL"
        words += ["-e", f"inject={at.call}:{what}:when={at.number}"]
    else:
        words.insert(1, "-y")
    tracer = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while "TracerPid:\t0\n" in Path(f"/proc/{child}/status").read_text() and tracer.poll() is None:
        time.sleep(0.002)
    return tracer


def _traced(trace: Path, home: Path) -> tuple[Change, ...]:
    """The calls that change something in the home, each numbered among those of its kind in its thread."""
    counts: Counter[tuple[str, str]] = Counter()
    changes: dict[tuple[str, int], Change] = {}
    for line in trace.read_text(errors="replace").splitlines():
        match = _CALL.match(line)
        if match is None or "resumed>" in line[:40]:
            continue
        call, arguments = match["call"], match["arguments"]
        counts[match["process"], call] += 1
        number = counts[match["process"], call]
        if _is_change(call, arguments, home):
            changes.setdefault((call, number), Change(call, number, arguments))
    return tuple(changes.values())


def _is_change(call: str, arguments: str, home: Path) -> bool:
    """Whether a call changes something in the home: by a path of it, a relative path, or an open file of it."""
    if (call in ("open", "openat") and "O_CREAT" not in arguments) or re.search(r"\)\s+= -1 ", arguments):
        return False
    relative = call not in WRITING and re.search(r'"[^/"]', arguments)
    return bool(relative) or f"{home}/" in arguments


# ---- without strace ------------------------------------------------------------------------------------


def _audit(home: Path, at: object) -> None:
    """Count Python's own changes of names, and write them down, or be killed before one."""
    from simemb import files

    trace = home.with_name(f"{home.name}.trace")
    descriptor = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    counts: Counter[str] = Counter()

    def count(event: str, arguments: object) -> None:
        counts[event] += 1
        if isinstance(at, Change) and (at.call, at.number) == (event, counts[event]):
            os.kill(os.getpid(), signal.SIGKILL)
        os.write(descriptor, f"{event} {counts[event]} {arguments!r}\n".replace("\\n", " ").encode())

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
        if event in _AUDITED or writes:
            count(event, arguments)

    exchange = files._exchange  # pyright: ignore[reportPrivateUsage]

    def exchanging(one: Path, other: Path) -> bool:
        count("exchange", (one, other))
        return exchange(one, other)

    files._exchange = exchanging  # pyright: ignore[reportPrivateUsage]
    sys.addaudithook(hook)


def _counted(trace: Path) -> tuple[Change, ...]:
    lines = (line.split(" ", 2) for line in trace.read_text(errors="replace").splitlines())
    return tuple(Change(call, int(number), arguments) for call, number, arguments in lines)
