"""Files of the cache with their checksums: what is read is what was written under that name, or it is made anew.

`$SIMEMB_CACHE/checksums/X` has the checksum of `$SIMEMB_CACHE/X`, a CRC-32 over the name and the content: several
times as fast as SHA-256 or BLAKE2, so checking a file costs no more than reading it from a disk. It finds damage:
flipped bits, files cut short, files that were changed or renamed. It is no defense against somebody who may write in
the cache, who can write a checksum too.
"""

import logging
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from simemb import files

log = logging.getLogger("simemb")

FOLDER = "checksums"
_BLOCK = 1 << 20
"""Bytes that are read at once."""


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
