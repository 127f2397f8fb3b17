"""What a file is by its first bytes, whatever its name says: a file that is not text is named, with the way out."""

import codecs
from collections.abc import Sequence

from simemb.errors import DataError

GZIP = b"\x1f\x8b"
SAMPLE = 1 << 20
"""The bytes of a file that are looked at."""

UNPACK = "unpack it first"
_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"PAR1", "a parquet file", "let its name end in .parquet"),
    (GZIP, "packed with gzip twice", UNPACK),
    (b"BZh", "packed with bzip2", UNPACK),
    (b"\xfd7zXZ\0", "packed with xz", UNPACK),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    (b"Rar!", "a rar archive", UNPACK),
    (b"%PDF-", "a PDF", "save its text, one sentence a line"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a file of Excel or Word", "save it as CSV (UTF-8) or as text"),
    (b"ARROW1", "an Arrow file", "save it as parquet"),
    (b"SQLite format 3\0", "an SQLite database", "save the table as CSV"),
    (b"\x80\x04\x95", "a pickle", "save the data as JSON lines or parquet"),
    (b"{\\rtf", "rich text (RTF)", "save it as plain text"),
    (b"version https://git-lfs.github.com/spec/", "a pointer of Git LFS, not the data", "fetch them: git lfs pull"),
)
_WRITTEN = (b"%PDF-", b"{\\rtf", b"version https://git-lfs.github.com/spec/")
_MARKS = ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WEB_PAGE = (b"<!doctype html", b"<html")


def check_text(start: bytes, name: str) -> None:
    """Raise `DataError` for a file that begins like one of another kind than text."""
    if found := _kind(start):
        raise DataError(f"{name} is {found[0]}, not text: {found[1]}")


def check_parquet(start: bytes, name: str) -> None:
    """Raise `DataError` for a file that does not begin like a parquet file; one cut short at the end does."""
    if not start.startswith(b"PAR1"):
        packed = ("packed with gzip", UNPACK) if start.startswith(GZIP) else None
        what, advice = packed or _kind(start) or ("text" if _is_text(start) else "of another kind", _named_by_content)
        raise DataError(f"{name} is not a whole parquet file, it is {what}: {advice}")


def encoding_of(start: bytes, name: str, path: object) -> str:
    """utf-8, or the encoding of a byte-order mark, utf-16 or utf-32.

    Raises:
        DataError: the text is UTF-16 or UTF-32 without a byte-order mark, which cannot be told for certain.
    """
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if guess := _wide(start):
        way_out = f"iconv -f {guess} -t UTF-8 {path} > FILE, and take FILE"
        raise DataError(f"{name} looks like {guess} without a byte-order mark, and text must be UTF-8: {way_out}")
    return "utf-8"


def is_gbk(line: bytes) -> bool:
    """Whether a line that is not UTF-8 reads as Chinese in GBK, as Windows saves it.

    Only the characters of GB2312 count: other encodings hit the pairs of bytes that GBK added, and hardly these alone.
    """
    try:
        characters = [character for character in line.decode("gb18030") if not character.isascii()]
    except UnicodeDecodeError:
        return False
    common = len("".join(characters).encode("gb2312", "ignore")) / 2
    return len(characters) > 1 and common >= 0.9 * len(characters)


_named_by_content = "let its name end as the content is (.txt .csv .tsv .jsonl), or fetch it again"


def _kind(start: bytes) -> tuple[str, str] | None:
    """What a file of another kind than text is, and what to do with it."""
    if start.startswith(b"PK\x03\x04"):
        return _zip_kind(start)
    if start[:200].lstrip().lower().startswith(_WEB_PAGE):
        return "a web page (HTML)", "was the download refused? fetch the file itself"
    for magic, what, advice in _KINDS:
        # A sentence may begin with the letters of a format whose files are no text.
        if start.startswith(magic) and (magic in _WRITTEN or not _is_text(start)):
            return what, advice
    return None


def _zip_kind(start: bytes) -> tuple[str, str]:
    if b"xl/" in start:
        return "an Excel workbook", "save the sheet as CSV (UTF-8)"
    if b"word/" in start:
        return "a Word document", "save it as plain text"
    return "a zip archive", UNPACK


def _is_text(start: bytes) -> bool:
    """Whether these bytes are UTF-8 without NUL; a character that is cut at their end does not count."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return b"\0" not in start


def _wide(start: bytes) -> str | None:
    """UTF-16LE, UTF-16BE, UTF-32LE or UTF-32BE if NUL bytes stand where those encodings put them; None otherwise."""
    sample = start[: 4096 // 4 * 4]
    shares = [_share_of_nul(sample[place::4]) for place in range(4)]
    patterns: dict[str, Sequence[int]] = {
        "UTF-32LE": (0, 1, 1, 1),
        "UTF-32BE": (1, 1, 1, 0),
        "UTF-16LE": (0, 1, 0, 1),
        "UTF-16BE": (1, 0, 1, 0),
    }
    for encoding, pattern in patterns.items():
        if all(share > 0.2 if nul else share == 0 for share, nul in zip(shares, pattern, strict=True)):
            return encoding
    return None


def _share_of_nul(part: bytes) -> float:
    return part.count(0) / len(part) if part else 0.0
