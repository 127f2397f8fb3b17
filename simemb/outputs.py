"""Outputs: what exists is not replaced unless somebody asks for it.

One rule for every file and directory that simemb writes, from the command line (`--overwrite`) and from Python
(`overwrite=True`), asked before the work begins and again when the output takes its place. A pipe, a device or
`/dev/stdout` is written into and replaces nothing. `simemb.files` says how an output becomes whole in one step.
"""

import os
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from simemb import files
from simemb.errors import DataError

_DESCRIPTORS = {"stdin": 0, "stdout": 1, "stderr": 2}
_DESCRIPTOR = re.compile(r"/dev/(std(?:in|out|err))|(?:/dev|/proc/self)/fd/(\d+)")


def exists(path: Path, what: str) -> str:
    """The refusal in one line: `what` is there, and what to do."""
    return f"{path} exists ({what}): --overwrite (in Python overwrite=True) replaces it, or give another name"


def check_file(path: Path, *, overwrite: bool) -> None:
    """Refuse, before the work, a file that exists (without `overwrite`) or cannot be written.

    Raises `DataError`, or `BusyError` if another process is writing it.
    """
    if str(path) == "-":
        raise DataError("-: is no name of a file; /dev/stdout is standard output")
    if _is_stream(path):
        return
    try:
        with files.writing(path) as place:
            _refuse(path, overwrite=overwrite)
            files.probe(place)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


@contextmanager
def new_file(path: Path, *, overwrite: bool) -> Generator[Path, None, None]:
    """Hold the lock of `path` and yield a temporary path, which becomes `path` if the block succeeds.

    Raises `DataError` if `path` exists (without `overwrite`), `BusyError` as `check_file`, and `OSError`.
    """
    if _is_stream(path):
        with TemporaryDirectory() as folder:
            partial = Path(folder) / path.name
            yield partial
            with partial.open("rb") as whole, _open_stream(path) as stream:
                shutil.copyfileobj(whole, stream)
        return
    with files.writing(path):
        _refuse(path, overwrite=overwrite)
        with files.new_file(path) as partial:
            yield partial
            _refuse(path, overwrite=overwrite)


def write_text(path: Path, text: str, *, overwrite: bool) -> None:
    """Write a text file. Raises `DataError` if it exists (without `overwrite`) or cannot be written."""
    try:
        with new_file(path, overwrite=overwrite) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


def _refuse(path: Path, *, overwrite: bool) -> None:
    if path.is_dir():
        raise DataError(f"{path}: is a directory; the output is a file, so give it a name")
    if path.exists() and not overwrite:
        raise DataError(exists(path, f"a file of {path.stat().st_size:,} bytes"))


def _is_stream(path: Path) -> bool:
    """Whether writing to `path` replaces nothing."""
    known = path.exists() and not path.is_file() and not path.is_dir()
    return known or _DESCRIPTOR.fullmatch(str(path)) is not None


def _open_stream(path: Path) -> BinaryIO:
    """The stream; a descriptor of this process is shared and not opened anew, which would go back to its start."""
    match = _DESCRIPTOR.fullmatch(str(path))
    if match is None:
        return path.open("wb")
    return os.fdopen(os.dup(_DESCRIPTORS[match[1]] if match[1] else int(match[2])), "wb")
