"""Files of an object store or another file system, by URI (s3://bucket/corpus, gs://, hdfs://), as Arrow reads them.

A file is copied here before it is read: simemb reads every format from disk, and one file at a time is on it.
"""

import shutil
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from simemb.corpus.folders import is_known, is_visible
from simemb.errors import DataError
from simemb.libraries import reading


def is_uri(name: object) -> bool:
    """Whether a name is a URI."""
    return isinstance(name, str) and "://" in name


def files_at(uri: str) -> list[str]:
    """The URIs of the files of a known format at a URI, by name, as `simemb.corpus.folders.files_of` takes them.

    Raises:
        DataError: there is none, or the store does not answer.
    """
    from pyarrow import fs

    with _errors(uri):
        store, path = _opened(uri)
        found = store.get_file_info(path)
        files = [found]
        if found.type == fs.FileType.Directory:
            files = store.get_file_info(fs.FileSelector(path, recursive=True))
    root = uri.removesuffix("/").removesuffix(path.removesuffix("/"))
    names = [Path(file.path) for file in files if file.type == fs.FileType.File]
    names = sorted(name for name in names if is_known(name) and (len(files) == 1 or is_visible(name.relative_to(path))))
    if not names:
        raise DataError(f"{uri}: no file there of a known format")
    return [f"{root}{name.as_posix()}" for name in names]


def facts_of(uri: str) -> tuple[int, int]:
    """The size of a file in bytes, and the time of its last change in ns. Raises `DataError`."""
    with _errors(uri):
        store, path = _opened(uri)
        info = store.get_file_info(path)
        return int(info.size or 0), int(info.mtime_ns or 0)


class Copies:
    """Copies of remote files, of which the last one is there."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._uri = ""
        self._gone: Callable[[], object] = lambda: None

    def copy_of(self, uri: str) -> Path:
        """The copy of a file; that of another one is gone then. Raises `DataError`."""
        from pyarrow import fs

        if self._folder is not None and uri == self._uri:
            return self._folder / Path(uri).name
        self._gone()
        self._folder, self._uri = Path(mkdtemp(prefix="simemb-")), uri
        self._gone = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        place = self._folder / Path(uri).name
        with _errors(uri):
            store, path = _opened(uri)
            fs.copy_files(path, str(place), source_filesystem=store, destination_filesystem=fs.LocalFileSystem())
        return place


def _opened(uri: str) -> tuple[Any, str]:
    from pyarrow import fs

    return fs.FileSystem.from_uri(uri)


@contextmanager
def _errors(uri: str) -> Generator[None]:
    with reading(lambda reason: DataError(f"{uri}: cannot be read: {reason}")):
        yield
