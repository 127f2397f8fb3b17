"""Files of the cache with their checksums: what is read is what was written under that name, or it is made anew.

`$SIMEMB_CACHE/checksums/X` has the checksum of `$SIMEMB_CACHE/X`, a CRC-32 over the name and the content: several
times as fast as SHA-256 or BLAKE2, so checking a file costs no more than reading it from a disk. It finds damage:
flipped bits, files cut short, files that were changed or renamed. It is no defense against somebody who may write in
the cache, who can write a checksum too.
"""

import logging
import tempfile
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from simemb import files
from simemb.errors import DataError

log = logging.getLogger("simemb")

Content = TypeVar("Content")

FOLDER = "checksums"
_BLOCK = 1 << 20
"""Bytes that are read at once."""


def cached(
    path: Path,
    *,
    make: Callable[[Path], object],
    read: Callable[[Path], Content],
    fits: Callable[[Content], bool] = lambda _: True,
) -> Content:
    """What `read` maps of a file of the cache; if it is not there, or is not what was written, `make` writes it first.

    Who needs the same file at the same time waits for the one that makes it. A cache that cannot be written is said
    once and done without: the file is made in the system's folder of temporary files, and has no name any more once it
    is mapped.

    fits: whether what is in the cache is what it has to be.

    Raises:
        DataError: neither the cache nor the folder of temporary files can be written.
    """
    files.sweep(path.parent)
    if (known := _intact(path, read, fits)) is not None:
        return known
    try:
        with files.writing(path, wait=True):
            # Another process may have made it meanwhile.
            if (known := _intact(path, read, fits, notice=False)) is not None:
                return known
            with new_cached_file(path) as partial:
                make(partial)
        return read(path)
    except OSError as error:
        problem = error.strerror or str(error)
    content = _without_a_name(path, make, read, problem)
    _tell_unwritable(path.parent, problem)
    return content


def _intact(
    path: Path, read: Callable[[Path], Content], fits: Callable[[Content], bool], *, notice: bool = True
) -> Content | None:
    try:
        content = read(path) if is_intact(path, notice=notice) else None
    except (OSError, ValueError, EOFError):
        return None
    return content if content is not None and fits(content) else None


def _without_a_name(
    path: Path, make: Callable[[Path], object], read: Callable[[Path], Content], problem: str
) -> Content:
    """The content of a file that is gone as soon as it is mapped."""
    folder = Path(tempfile.gettempdir())
    try:
        with files.scratch(folder / path.name) as scratch:
            make(scratch / path.name)
            return read(scratch / path.name)
    except OSError as error:
        said = f"the cache {path.parent} cannot be written ({problem}), nor can {folder} ({error.strerror or error})"
        raise DataError(f"{said}; make room, or set SIMEMB_CACHE or TMPDIR") from None


@lru_cache
def _tell_unwritable(folder: Path, problem: str) -> None:
    log.warning("the cache %s cannot be written (%s): it is done without", folder, problem)


@contextmanager
def new_cached_file(path: Path) -> Generator[Path, None, None]:
    """As `files.new_file`, for a file in the cache: its checksum is written with it."""
    with files.new_file(path) as partial:
        yield partial
        # First the checksum: between the two renames a file is at worst made anew, and never believed.
        files.write_text(checksum_path(path), _checksum(path, partial))


def is_intact(path: Path, *, notice: bool = True) -> bool:
    """Whether a file of the cache is there and is what was written; a notice says so if it is there and is not."""
    try:
        if not path.exists():
            return False
        files.refuse_special(checksum_path(path))
        intact = path.is_file() and checksum_path(path).read_text(encoding="utf-8") == _checksum(path, path)
    except (OSError, ValueError):
        intact = False
    if notice and not intact:
        _tell(path)
    return intact


def _tell(path: Path) -> None:
    """Say why a file is made anew; a cache of an earlier release has no checksums, which one notice tells for all."""
    if checksum_path(path).exists():
        log.warning("%s: its checksum is not that of what was written (damaged?): it is made anew", path)
    else:
        _tell_unmarked(files.cache_folder())


@lru_cache
def _tell_unmarked(folder: Path) -> None:
    log.warning(
        "%s: a file has no checksum, as in earlier releases: it is made anew, and so is every other such file", folder
    )


def checksum_path(path: Path) -> Path:
    """Where the checksum of a file or a folder of the cache is."""
    return files.cache_folder() / FOLDER / path.relative_to(files.cache_folder())


def _checksum(path: Path, content: Path) -> str:
    """The checksum of a file that is, or will be, at `path`."""
    checksum = zlib.crc32(path.relative_to(files.cache_folder()).as_posix().encode())
    with content.open("rb") as file:
        while block := file.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return f"{content.stat().st_size} {checksum:08x}\n"
