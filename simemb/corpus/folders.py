"""The files that one name stands for: a file, the files of a folder, or those of a pattern as `corpus/*.parquet`."""

import glob
import logging
import os
from pathlib import Path

from simemb.arguments import home
from simemb.corpus.formats import ENDINGS
from simemb.errors import DataError

log = logging.getLogger("simemb")

SHOWN = 3
"""Files that are left out and named in the notice."""


def files_of(name: str | os.PathLike[str]) -> list[Path] | None:
    """The files of a folder or a pattern, by name; None for a name that is neither.

    Of a folder all files of the known formats are taken, at any depth, but none whose name or folder begins with a dot
    or `_`, as what other programs leave there (`_SUCCESS`). A notice names files of other formats. A pattern is one of
    the shell's, with `**` for folders at any depth; it must be quoted, or the shell takes it.

    Raises:
        DataError: there is no file of a known format.
    """
    place = Path(home(str(name)))
    if place.is_dir():
        found = sorted(path for path in place.rglob("*") if is_visible(path.relative_to(place)) and path.is_file())
    elif not place.exists() and glob.has_magic(str(place)):
        matches = glob.glob(str(place), recursive=True)  # noqa: PTH207  of an absolute path too
        found = sorted(path for path in map(Path, matches) if path.is_file())
    else:
        return None
    files = [path for path in found if is_known(path)]
    if not files:
        raise DataError(f"{name}: no file there of a known format ({' '.join(ENDINGS)}, and .gz)")
    if others := [path.name for path in found if not is_known(path)]:
        more = " ..." if len(others) > SHOWN else ""
        log.warning("%s: files of other formats are left out: %s%s", name, ", ".join(others[:SHOWN]), more)
    return files


def is_visible(path: Path) -> bool:
    """Whether no part of a path within a folder begins as what programs leave beside data."""
    return not any(part.startswith((".", "_")) for part in path.parts)


def is_known(path: Path) -> bool:
    """Whether the ending of a name says a known format."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    ending = suffixes[-2:-1] if suffixes[-1:] == [".gz"] else suffixes[-1:]
    return bool(ending) and ending[0] in ENDINGS
