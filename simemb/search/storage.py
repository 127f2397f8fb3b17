"""The files of an index: written next to each other, checked when read, part of the index once `index.json` names them.

A file never changes. A save adds new files, replaces `index.json` atomically and removes the files that it no longer
names.
"""

import hashlib
import json
import re
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from simemb.errors import SearchError
from simemb.files import is_temporary, new_file, refuse_special, tidy_inside, write_text, writing
from simemb.json_files import load_json, read_json
from simemb.locks import confirm
from simemb.outputs import exists
from simemb.search.origin import Origin

FORMAT, READABLE = 2, (1, 2)
MANIFEST = "index.json"
PIECES = {
    "vectors": "vectors-{}.faiss",
    "texts": "texts-{}.arrow",
    "codes": "codes-{}.faiss",
    "deleted": "deleted-{}.arrow",
}
"""The pieces of a segment, and the names of their files."""
_PART = re.compile(r"(vectors|codes|cells)-[0-9a-f]{32}\.faiss|(texts|deleted)-[0-9a-f]{32}\.arrow")


@dataclass(frozen=True)
class File:
    """A file of an index as `index.json` records it: its name, size in bytes and SHA-256 in hexadecimal."""

    name: str
    bytes: int
    sha256: str

    def check(self, directory: Path, *, verify: bool) -> Path:
        """The path of the file.

        Raises:
            SearchError: the name is not one that simemb gives, or the file is missing, has another size or (with
                `verify`) another checksum.
        """
        if not _PART.fullmatch(str(self.name)):
            raise SearchError(f"{directory / MANIFEST}: names {self.name!r}, which is no file of an index: damaged")
        path = directory / self.name
        if not path.is_file():
            raise SearchError(f"{path}: missing: the index is damaged, build it again")
        if (size := path.stat().st_size) != self.bytes:
            raise SearchError(f"{path}: {size} bytes instead of {self.bytes}: damaged, build the index again")
        if verify and _sha256(path) != self.sha256:
            raise SearchError(f"{path}: its checksum is not the recorded one: damaged, build the index again")
        return path


@dataclass(frozen=True)
class Part:
    """The files of a segment; only those of vectors and texts are in every one."""

    vectors: File
    texts: File
    codes: File | None = None
    deleted: File | None = None

    @property
    def files(self) -> dict[str, File]:
        """The pieces that there are (`PIECES`)."""
        found = {piece: getattr(self, piece) for piece in PIECES}
        return {piece: file for piece, file in found.items() if file is not None}


@dataclass(frozen=True)
class Manifest:
    """What is read of `index.json`.

    beside: the way from the directory of the index to that of its encoder. cells: the file that all segments share;
    made_for: the number of texts for which they were trained. numbered: the number of the next text without an id; None
    in format 1: the count. The others: as in `simemb.search.index`.
    """

    format: int
    encoder: Origin
    kind: str
    effort: int
    count: int
    parts: tuple[Part, ...]
    beside: str | None = None
    rescore: int = 10
    cells: File | None = None
    made_for: int = 0
    numbered: int | None = None

    @property
    def files(self) -> set[str]:
        """The names of all files."""
        shared = [self.cells] if self.cells else []
        return {file.name for file in [*shared, *(file for part in self.parts for file in part.files.values())]}


@dataclass(frozen=True)
class _Numbered:
    """What `index.json` says in every format."""

    format: int


def write_file(directory: Path, pattern: str, write: Callable[[Path], None]) -> File:
    """Write a file under a new name: `pattern` with a random hexadecimal number in place of `{}`.

    Raises:
        SearchError: it cannot be written.
    """
    path = directory / pattern.format(uuid4().hex)
    try:
        with new_file(path) as partial:
            write(partial)
        return File(path.name, path.stat().st_size, _sha256(path))
    except (OSError, RuntimeError) as error:
        raise SearchError(
            f"{directory}: cannot write the index: {getattr(error, 'strerror', None) or first_line(error)}"
        ) from error


@contextmanager
def open_directory(directory: Path, *, overwrite: bool, read: tuple[Path, str] | None = None) -> Generator[Path]:
    """A locked directory to write an index to, created if necessary; on exit, files that `index.json` does not name go.

    read: the directory and the `version` that the handle was loaded from or saved to, if any.

    Raises:
        BusyError: another process is writing there.
        SearchError: the directory holds an index (without `overwrite`) or other files, or cannot be created; or its
            index is no longer the one that was read.
    """
    with ExitStack() as block:
        try:
            directory = block.enter_context(writing(directory)).resolve()
            check_writable(directory, overwrite=overwrite)
            if read is not None and read[0] == directory and read[1] != version(directory):
                advice = "load it again, then add and save"
                raise SearchError(f"{directory}: the index was changed since it was loaded: {advice}")
            new = not directory.exists()
            directory.mkdir(exist_ok=True)
            tidy_inside(directory)
        except OSError as error:
            raise SearchError(f"{directory}: cannot make the directory of the index: {error.strerror}") from error
        try:
            yield directory
        finally:
            confirm(directory)
            _remove_unnamed(directory)
            if new and not any(directory.iterdir()):
                directory.rmdir()


def read_manifest(directory: Path) -> Manifest:
    """The content of `index.json`.

    Raises:
        SearchError: there is no index, it cannot be read, or it is of another format.
    """
    path = directory / MANIFEST
    if not path.is_file():
        raise SearchError(f"{directory}: no index here (no {MANIFEST}): make one with `simemb index`")

    def refusal(reason: str) -> SearchError:
        return SearchError(f"{path}: damaged, or not the description of an index ({reason}): build it again")

    version = read_json(path, refusal, _Numbered).format
    if version not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise SearchError(f"{path}: format {version!s:.20}; this simemb reads formats {known}: build the index again")
    return read_json(path, refusal, Manifest)


def version(directory: Path) -> str:
    """What changes with every change of an index: a digest of its `index.json`, or an empty string without one."""
    try:
        refuse_special(directory / MANIFEST)
        return _sha256(directory / MANIFEST)
    except OSError:
        return ""


def write_manifest(directory: Path, content: dict[str, Any]) -> None:
    """Replace `index.json` atomically.

    Raises:
        SearchError: it cannot be written.
    """
    try:
        write_text(directory / MANIFEST, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise SearchError(f"{directory}: cannot write the index: {error.strerror}") from error


def first_line(error: Exception) -> str:
    """The first line of the message of another library's error."""
    return str(error).partition("\n")[0]


def check_writable(directory: Path, *, overwrite: bool) -> None:
    """Raise `SearchError` if an index cannot be written to `directory`, or must not (see `open_directory`)."""
    if directory.is_file():
        raise SearchError(f"{directory}: a file, where the directory of the index should be")
    inside = [path for path in directory.iterdir() if not is_temporary(path)] if directory.exists() else []
    if not inside:
        return
    # A description that is damaged is still one of ours if our files lie beside it and nothing else does.
    foreign = [path.name for path in inside if not _PART.fullmatch(path.name) and path.name != MANIFEST]
    ours = any(_PART.fullmatch(path.name) for path in inside) and not foreign
    if not ours and not _is_manifest(directory / MANIFEST):
        found = (foreign or [MANIFEST])[0]
        raise SearchError(f"{directory}: holds {found!r} and no index: it is left alone, give another name")
    if (directory / MANIFEST).exists() and not (directory / MANIFEST).is_file():
        raise SearchError(f"{directory / MANIFEST}: no regular file: remove it, or give another name")
    if not overwrite:
        raise SearchError(exists(directory, "an index"))


def _is_manifest(path: Path) -> bool:
    """Whether a file describes an index of ours, whatever its format."""
    try:
        content = load_json(path)
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"format", "encoder", "parts"} <= content.keys()


def _remove_unnamed(directory: Path) -> None:
    """Remove files that `index.json` does not name. The index is written by now, so what cannot be removed stays."""
    named = {MANIFEST}
    if (directory / MANIFEST).exists():
        try:
            named |= read_manifest(directory).files
        except SearchError:
            return
    for path in directory.iterdir():
        if _PART.fullmatch(path.name) and path.name not in named:
            with suppress(OSError):  # a folder of that name, a disk that is read-only by now
                path.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
