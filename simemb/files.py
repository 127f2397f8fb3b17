"""Files: atomic writes, JSON, checksums, and the cache folder."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from errno import EISDIR
from pathlib import Path
from typing import Any


@contextmanager
def new_file(path: Path) -> Generator[Path, None, None]:
    """Yield a temporary path beside `path`; if the block succeeds, it is renamed to `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    try:
        yield partial
        _flush(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def new_directory(path: Path) -> Generator[Path, None, None]:
    """Yield a temporary directory beside `path`; if the block succeeds, it replaces `path`.

    Between two renames `path` is missing for an instant, and the old directory is beside it as `<name>.old`: `recover`
    restores it after a crash.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    recover(path)
    partial = _partial(path)
    partial.mkdir()
    try:
        yield partial
        for file in partial.rglob("*"):
            if file.is_file():
                _flush(file)
        if path.exists():
            path.replace(_old(path))
        partial.replace(path)
    finally:
        recover(path)
        shutil.rmtree(partial, ignore_errors=True)


def recover(path: Path) -> None:
    """Undo a replacement of `path` that a crash cut short."""
    old = _old(path)
    if old.exists() and not path.exists():
        old.replace(path)
    shutil.rmtree(old, ignore_errors=True)


def sweep(folder: Path) -> None:
    """Remove the temporary files of killed writers from a folder in which nothing is being written."""
    for partial in folder.glob(".*.partial"):
        shutil.rmtree(partial) if partial.is_dir() else partial.unlink()


def probe(path: Path) -> None:
    """Raise the `OSError` that writing `path` would raise, before the work whose result it will hold."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(path)
    partial.touch()
    partial.unlink()
    if path.is_dir():
        raise IsADirectoryError(EISDIR, "it is a directory", str(path))


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with new_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def read_json(path: Path, refusal: Callable[[OSError | ValueError], Exception]) -> Any:
    """The content of a JSON file. Raises `refusal(error)` if the file cannot be read or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise refusal(error) from error


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cache_folder() -> Path:
    """The folder of what simemb can compute or download again: $SIMEMB_CACHE, or ~/.cache/simemb."""
    return Path(os.environ.get("SIMEMB_CACHE") or Path.home() / ".cache" / "simemb")


def _partial(path: Path) -> Path:
    """A name that no other writer uses, in this process or on another machine that shares the disk."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")


def _old(path: Path) -> Path:
    return path.with_name(f"{path.name}.old")


def _flush(path: Path) -> None:
    """Write the content to the disk before the file is renamed."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
