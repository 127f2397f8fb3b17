"""Locks on outputs: a file or a directory has one writer at a time.

The lock of `runs/first` is an advisory `flock` on `runs/.first.simemb.lock`, which names the process that holds it. It
lies beside the output, so it stays when a directory is replaced and is never in a published model; it lies inside only
where the folder above cannot be written. The system drops the lock when the process ends, however it ends. The file
goes at the end of the block; after a kill the next writer takes it over. Whoever sees the file sees the lock: other
processes and containers, and machines that share the disk, over NFS too. Where there is no `flock` (Windows, some
network disks) nothing is locked.
"""

import errno
import os
import re
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from simemb.errors import BusyError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)

_TRIES = 100

NAME = re.compile(r"\.(?P<name>.+)\.simemb\.lock|\.simemb\.lock", re.DOTALL)
"""The name of a lock, with that of the output beside which it lies."""


@dataclass(frozen=True)
class _Held:
    """A lock that this process holds: its file, the open file, the thread, and the folders that were made for it."""

    file: Path
    descriptor: int
    thread: int
    made: tuple[Path, ...]


_held: dict[Path, _Held] = {}


@contextmanager
def lock(path: Path, *, wait: bool = False) -> Generator[bool, None, None]:
    """Hold the lock of an output; missing folders above it are made, and go again if nothing came into them.

    The thread that holds the lock of a folder may write everything inside: there the block yields False, and takes no
    further lock.

    wait: wait for the other writer, where it writes the same or is done at once. Otherwise raises `BusyError`.
    """
    place = resolved(path)
    if _holding(place) is not None:
        yield False
        return
    held = _take(path, place, wait=wait)
    _held[place] = held
    try:
        yield True
    finally:
        if _held.get(place) is held:  # a forked child holds nothing
            del _held[place]
            _release(held)


def resolved(path: Path) -> Path:
    """Where a path leads. Raises `OSError` for links in a circle, which Python has as a `RuntimeError`."""
    try:
        return path.resolve()
    except RuntimeError as error:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from error


def confirm(path: Path) -> None:
    """Ask again, before something is removed: raise `BusyError` if the lock of `path` is no longer this thread's."""
    held = _holding(resolved(path))
    if fcntl is not None and (held is None or not _is(held.file, held.descriptor)):
        raise BusyError(f"{path}: the lock on it was removed, so another may be writing there; nothing was replaced")


def _holding(place: Path) -> _Held | None:
    """The lock of this thread that covers a place: its own, or that of a folder above it."""
    above = (_held.get(folder) for folder in (place, *place.parents))
    return next((held for held in above if held is not None and held.thread == threading.get_ident()), None)


def _take(path: Path, place: Path, *, wait: bool) -> _Held:
    file, made = _file(place), list[Path]()
    try:
        descriptor = _locked(path, file, made, wait=wait)
    except BaseException:
        _remove(made)
        raise
    held = _Held(file, descriptor, threading.get_ident(), tuple(made))
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {os.uname().nodename}\n".encode(), 0)
    except BaseException:  # a full disk
        _release(held)
        raise
    return held


def _locked(path: Path, file: Path, made: list[Path], *, wait: bool) -> int:
    """The open lock file, once the lock on it is ours; the folders that are made for it are added to `made`."""
    tries = 0
    while True:
        made += _make(file.parent)
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            # Another writer has just removed a folder that it had made; or no file can be here, as in /proc.
            tries += 1
            if tries > _TRIES:
                raise
            continue
        try:
            _flock(path, descriptor, wait=wait)
            if _is(file, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder has just removed it


def _release(held: _Held) -> None:
    if _is(held.file, held.descriptor):
        with suppress(OSError):
            held.file.unlink()
    os.close(held.descriptor)
    _remove(held.made)


def _remove(made: Sequence[Path]) -> None:
    """Remove folders that were made for a lock, unless something came into them."""
    for folder in reversed(made):
        with suppress(OSError):
            folder.rmdir()


def _file(place: Path) -> Path:
    folder = next((parent for parent in place.parents if parent.exists()), place)
    inside = place.is_dir() and not (place.name and os.access(folder, os.W_OK))
    return place / ".simemb.lock" if inside else place.with_name(f".{place.name}.simemb.lock")


def _make(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns those that were missing, from the top."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()][::-1]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _flock(path: Path, descriptor: int, *, wait: bool) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        pid, _, host = os.pread(descriptor, 200, 0).decode(errors="replace").strip().partition(" ")
        where = "" if host == os.uname().nodename else f" on {host}"
        writer = f"process {pid}{where}" if pid else "another process"
        raise BusyError(f"{path} is being written by {writer}; choose another --output") from None
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def _is(file: Path, descriptor: int) -> bool:
    """Whether an open file is still the one of this name."""
    with suppress(FileNotFoundError):
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    return False


def _forget() -> None:
    """A forked child must not keep the locks of its parent alive."""
    for held in _held.values():
        os.close(held.descriptor)
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
