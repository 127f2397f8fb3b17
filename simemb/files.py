"""Files: atomic writes, what killed writers leave, checksums, and the cache folder.

One rule for temporary names: what becomes `NAME` is written in the folder `.NAME.<32 hexadecimal digits>.partial`
beside it, and where a directory cannot be replaced in one step, the earlier one is `.NAME.<digits>.replaced` for an
instant. Every writer holds the lock of its output (`simemb.locks`) and removes what killed writers of the same output
left. Nothing of another name is ever removed, and readers remove nothing.
"""

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from errno import EINVAL, EISDIR
from pathlib import Path

from simemb import locks
from simemb.errors import BusyError, SimembError
from simemb.streams import FULL

_TEMPORARY = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{32}\.(?P<kind>partial|replaced)", re.DOTALL)
ROOM = 1 << 20
"""Bytes for which there must be room, or what failed to write met a full disk."""
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux' renameat2


@contextmanager
def writing(path: Path, *, wait: bool = False) -> Generator[Path, None, None]:
    """Hold the lock of an output, put right what killed writers left, and yield where it is: at the end of links.

    wait: as for `locks.lock`; without it a second writer gets a `BusyError` at once.
    """
    with locks.lock(path, wait=wait) as first:
        place = locks.resolved(path) if path.is_symlink() else path
        if first:
            tidy(place)
        yield place


@contextmanager
def new_file(path: Path) -> Generator[Path, None, None]:
    """Yield a temporary path beside `path`; if the block succeeds, it is renamed to `path`.

    Another writer of the same file is waited for: who writes for long holds the lock (`writing`) before.
    """
    with writing(path, wait=True) as place, scratch(place) as folder:
        partial = folder / place.name
        yield partial
        _finish(partial, folder.stat().st_mode)
        refuse_special(place)
        partial.replace(place)


@contextmanager
def new_directory(path: Path, *, check: Callable[[], None] | None = None) -> Generator[Path, None, None]:
    """Yield a temporary directory beside `path`; if the block succeeds, it replaces `path`.

    check: called right before; raises if what is there now must not be replaced.
    """
    with writing(path) as place, scratch(place) as partial:
        yield partial
        for file in partial.rglob("*"):
            if file.is_file():
                _finish(file, partial.stat().st_mode)
        if check is not None:
            check()
        replace_directory(place, partial)


@contextmanager
def scratch(path: Path) -> Generator[Path, None, None]:
    """A temporary directory beside `path`, which is gone after the block unless it was renamed.

    A library that could not write there may say so in words of its own, or not say why: if there is no room, the error
    is an `OSError` in the words of the system.
    """
    folder = _named(path, "partial")
    folder.mkdir(parents=True)
    try:
        yield folder
    except SimembError:
        raise
    except Exception as error:
        if number := _cause(error, folder):
            raise OSError(number, os.strerror(number), str(path)) from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _cause(error: Exception, folder: Path) -> int | None:
    """The number of the system's error behind the error of a library that wrote in a folder; None if there is none."""
    if isinstance(error, OSError):
        return error.errno if error.errno in FULL else None
    if said := re.search(r"\(os error (\d+)\)", str(error)):  # as safetensors has it
        return int(said[1])
    try:
        (folder / "room").write_bytes(bytes(ROOM))
    except OSError as full:  # as FAISS has not
        return full.errno
    return None


def replace_directory(path: Path, new: Path) -> None:
    """Put the directory `new` in the place of `path`; what was at `path` is removed.

    On Linux the two are exchanged in one step. Elsewhere `path` is missing between two renames: `tidy` puts it back
    after a crash.
    """
    if not path.exists():
        new.replace(path)
        return
    locks.confirm(path)
    old = new
    if not _exchange(new, path):
        old = _named(path, "replaced")
        path.replace(old)
        try:
            new.replace(path)
        except BaseException:
            old.replace(path)
            raise
    shutil.rmtree(old, ignore_errors=True)


def tidy(path: Path) -> None:
    """Remove what killed writers of `path` left beside it, and undo a replacement that was cut short.

    Only for the holder of the lock.
    """
    for stray in _strays(path):
        if stray.name.endswith(".replaced") and not path.exists():
            stray.replace(path)
        elif stray.is_dir():
            shutil.rmtree(stray, ignore_errors=True)
        else:
            stray.unlink(missing_ok=True)


def tidy_inside(folder: Path) -> None:
    """`tidy` for everything in a folder whose lock is held."""
    for path in {folder / match["name"] for match in map(_temporary, folder.iterdir()) if match}:
        tidy(path)


def sweep(folder: Path) -> None:
    """`tidy` for a folder of the cache that many write and read at once: what is being written now is left alone.

    Whoever finds a cached file writes none, so without this what a killed command left would stay.
    """
    names = set[str]()
    with suppress(OSError):  # no folder, or one that cannot be read: whoever writes there says so
        found = (_temporary(path) or locks.NAME.fullmatch(path.name) for path in folder.iterdir())
        names = {match["name"] for match in found if match and match["name"]}
    for name in names:
        with suppress(OSError, BusyError), writing(folder / name):
            pass


def replaced(path: Path) -> Path | None:
    """The earlier directory, where `path` is missing because its replacement was cut short; readers only say so."""
    asides = [] if path.exists() else [stray for stray in _strays(path) if stray.name.endswith(".replaced")]
    return asides[0] if asides else None


def is_temporary(path: Path) -> bool:
    """Whether a name is one that simemb gives only to what it has not finished, or to a lock."""
    return _temporary(path) is not None or locks.NAME.fullmatch(path.name) is not None


def probe(path: Path) -> None:
    """Raise the `OSError` that writing `path` would raise, before the work whose result it will hold."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch(path):
        pass
    if path.is_dir():
        raise IsADirectoryError(EISDIR, "it is a directory", str(path))


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with new_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def refuse_special(path: Path) -> None:
    """Raise `OSError` for what exists and is no regular file: who opens a pipe waits for a writer, for ever."""
    if path.exists() and not path.is_file():
        code = EISDIR if path.is_dir() else EINVAL
        raise OSError(code, "it is no regular file", str(path))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """The folder of what simemb can compute or download again: $SIMEMB_CACHE, or ~/.cache/simemb."""
    return Path(os.environ.get("SIMEMB_CACHE") or Path.home() / ".cache" / "simemb")


def _named(path: Path, kind: str) -> Path:
    """A name that no other writer uses, in this process or on another machine that shares the disk."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.{kind}")


def _temporary(path: Path) -> re.Match[str] | None:
    return _TEMPORARY.fullmatch(path.name)


def _strays(path: Path) -> list[Path]:
    """The temporary names of `path`."""
    beside = path.parent.iterdir() if path.parent.is_dir() else ()
    return [other for other in beside if (match := _temporary(other)) and match["name"] == path.name]


def _exchange(one: Path, other: Path) -> bool:
    """Swap two directories in one step, if the system and the disk can; otherwise False, and nothing has changed."""
    import ctypes

    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):  # not Linux
        return False
    return rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0


def _finish(path: Path, mode: int) -> None:
    """Give a file the permissions of its folder, which follow the umask, and write it to the disk."""
    path.chmod(mode & 0o666)  # safetensors makes its files 0600
    with path.open("rb+") as file:
        os.fsync(file.fileno())
