"""The lines of a text file, whatever packs it, encodes it and ends its lines; and one line for what cannot be read.

Text is UTF-8, or UTF-16 and UTF-32 with a byte-order mark; a mark is dropped. gzip is recognized by content. LF or CRLF
ends a line, so that U+2028, U+0085 or a vertical tab inside a sentence never cuts it in two; CR alone ends one only
in a file without any LF, as the first Macs wrote it. No line is read beyond `simemb.corpus.bounds.LINE`.
"""

import gzip
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from shlex import quote
from typing import AnyStr, cast

from simemb.corpus.bounds import LINE, too_long
from simemb.corpus.contents import GZIP, SAMPLE, check_text, encoding_of, is_gbk
from simemb.errors import DataError

BOM = b"\xef\xbb\xbf"


@contextmanager
def reading(name: str) -> Generator[None]:
    """Turn what the operating system and gzip raise into one line."""
    try:
        yield
    except EOFError:
        message = f"{name} ends in the middle of its gzip data: an interrupted download? fetch it again"
        raise DataError(message) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{name} is not valid gzip ({error}): fetch it again or rename it") from None
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}") from None


def lines(path: Path, name: str) -> Iterator[tuple[int, str]]:
    """The lines of a text file with their line ends, numbered from 1.

    Raises:
        DataError: the file cannot be read, is of another kind than text, or holds bytes that are not text.
    """
    with reading(name), _open_bytes(path) as stream:
        start = stream.read(SAMPLE)
        stream.seek(0)
        check_text(start, name)
        encoding = encoding_of(start, name, path)
        if encoding != "utf-8":
            yield from _wide_lines(stream, name, encoding, start)
        elif _is_old_mac(start):
            yield from _old_mac_lines(stream, name)
        else:
            yield from _utf8_lines(_bounded(stream.readline), name)


def bare(line: str) -> str:
    """The line without its line end."""
    return line.removesuffix("\n").removesuffix("\r")


def _bounded(readline: Callable[[int], AnyStr]) -> Iterator[AnyStr]:
    """The lines of a file; one that is longer than `LINE` comes in parts, the first of which is longer than that."""
    return iter(partial(readline, LINE + 1), readline(0))


def _open_bytes(path: Path) -> BufferedReader:
    """The bytes of a file, unpacked if it is packed with gzip or its name says so."""
    stream = path.open("rb")
    packed = stream.peek(2).startswith(GZIP) or path.suffix.lower() == ".gz"
    if not packed:
        return stream
    stream.close()
    return cast(BufferedReader, gzip.open(path))


def _utf8_lines(stream: Iterable[bytes], name: str) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(stream, 1):
        content = raw.removeprefix(BOM) if number == 1 else raw
        if b"\0" in content:
            column = content.index(b"\0") + 1
            raise DataError(f"{name}, line {number}, byte {column}: a NUL byte; is this a text file?")
        if len(raw) > LINE:
            raise too_long(f"{name}, line {number}")
        try:
            line = content.decode()
        except UnicodeDecodeError as error:
            byte = content[error.start]
            place = f"{name}, line {number}, byte {error.start + 1}"
            gbk = f" (if it is Chinese in GBK: iconv -f GB18030 -t UTF-8 {quote(name)} > FILE)" if is_gbk(raw) else ""
            raise DataError(f"{place}: 0x{byte:02x} is not UTF-8; save the file as UTF-8{gbk}") from None
        yield number, line


def _is_old_mac(start: bytes) -> bool:
    """Whether CR alone ends the lines: there is one, and no LF."""
    return b"\r" in start and b"\n" not in start


def _old_mac_lines(stream: BufferedReader, name: str) -> Iterator[tuple[int, str]]:
    # latin-1 keeps every byte, so that each line can be decoded by itself and an error names its place.
    with TextIOWrapper(stream, "latin-1", newline="\r") as text:
        lines = (line.encode("latin-1").replace(b"\r", b"\n") for line in _bounded(text.readline))
        yield from _utf8_lines(lines, name)


def _wide_lines(stream: BufferedReader, name: str, encoding: str, start: bytes) -> Iterator[tuple[int, str]]:
    old_mac = _is_old_mac(start[: len(start) // 4 * 4].decode(encoding, "ignore").encode())
    number = 0
    try:
        with TextIOWrapper(stream, encoding, newline="\r" if old_mac else "\n") as text:
            for number, line in enumerate(_bounded(text.readline), 1):
                if "\0" in line:
                    raise DataError(f"{name}, line {number}: a NUL character; is this a text file?")
                if len(line) > LINE:
                    raise too_long(f"{name}, line {number}")
                yield number, line.replace("\r", "\n") if old_mac else line
    except UnicodeError:
        raise DataError(f"{name}, after line {number}: not valid {encoding.upper()}; save the file as UTF-8") from None
